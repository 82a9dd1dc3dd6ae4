// `PROG -p TEXT`, `PROG --prompt-ids FILE`, `command | PROG`: one prompt, one answer.
#include "commands/Commands.h"

#include "base/Notice.h"
#include "base/Signals.h"
#include "base/Text.h"
#include "encode/MediaEncoder.h"
#include "generate/Conversation.h"
#include "generate/Scheduler.h"
#include "terminal/AnswerView.h"
#include "terminal/ProgressLine.h"
#include "terminal/Terminal.h"
#include "text/TokenStream.h"

#include <algorithm>
#include <unistd.h>

namespace gemmac::runtime {

static Status doesNotFit(const Model &model, const std::string &tokens) {
  return {ExitCode::context,
          format("the prompt has %s tokens, but the context holds %lld; shorten it or compile with a larger --context",
                 tokens.c_str(), static_cast<long long>(model.engine().context()))};
}

static Status tooLong(const Model &model, size_t tokens) {
  return doesNotFit(model, "more than " + std::to_string(tokens));
}

static Status readPromptIds(const Model &model, const std::string &path, std::vector<int32_t> &ids) {
  const auto room = static_cast<size_t>(model.engine().context());
  IdReader reader(model.program.vocab);
  if (Status status = reader.open(path); !status.ok())
    return status;
  Status status = reader.read(ids, room + IdReader::slack);
  return status.ok() && !reader.ended() && ids.size() > room ? tooLong(model, ids.size() - 1) : status;
}

// Standard input, no further than what can fit into the context: it may be endless. Tokens are counted only once there
// is more text than most prompts of so many tokens have.
static Status readPrompt(const Model &model, const AnswerOptions &options, std::string &text) {
  const auto room = static_cast<size_t>(model.engine().context());
  const size_t usual = std::max(room * 8, size_t(1) << 18);
  Input input;
  if (Status status = input.open("-"); !status.ok())
    return status;
  TokenStream counter(model.tokenizer);
  std::vector<int32_t> ids;
  constexpr size_t mostDropped = size_t(16) << 20;
  size_t seen = 0, tokens = 0, dropped = 0;
  while (!input.ended()) {
    if (Status status = input.read(text); !status.ok())
      return status;
    if (!options.raw && dropped < mostDropped && trim(text).empty()) { // the template drops it
      dropped += text.size();
      text.clear();
    }
    if (input.ended() || text.size() < usual)
      continue;
    counter.push({std::string_view(text).substr(seen), options.raw && options.special}, ids);
    seen = text.size();
    tokens += ids.size();
    ids.clear();
    if (tokens + counter.leastPending() > room)
      return tooLong(model, room);
  }
  return {};
}

// What was asked for and has no effect.
static void noteControlTokens(const Model &model, const AnswerOptions &options, std::string_view text) {
  constexpr size_t looked = 4096;
  if (options.special || options.quiet)
    return;
  std::vector<int32_t> ids;
  const Segment segment{text.substr(0, looked), true};
  model.tokenizer.encode({&segment, 1}, ids);
  for (int32_t id : ids)
    if (model.tokenizer.kind(id) == GEMMAC_TOKEN_CONTROL)
      return notice("note: " + std::string(model.tokenizer.text(id)) +
                    " in the prompt is read as plain text; --special reads it as the control token");
}

static Status encodePrompt(Model &model, const AnswerOptions &options, SoftPrompt &result) {
  std::vector<int32_t> &ids = result.tokens;
  if (!options.promptIds.empty())
    return readPromptIds(model, options.promptIds, ids);
  std::string text;
  if (options.prompt) {
    text = *options.prompt;
  } else {
    if (Status status = readPrompt(model, options, text); !status.ok())
      return status;
    if (!options.raw) // the line breaks that commands end their output with, as $(...) drops them
      text.resize(text.find_last_not_of("\r\n") + 1);
  }
  if (options.raw) {
    noteControlTokens(model, options, text);
    Prompt prompt(model);
    prompt.piece(text, options.special);
    prompt.encode(result);
    const int32_t bos = model.program.bos_id;
    if (bos >= 0 && (ids.empty() || ids.front() != bos))
      ids.insert(ids.begin(), bos);
    return {};
  }
  if (Status status = checkChat(model, options.chat, options.quiet); !status.ok())
    return status;
  if (trim(text).empty() && options.media.files.empty())
    return {ExitCode::usage, "the prompt is empty; give one with -p TEXT or on standard input"};
  std::vector<Medium> media;
  MediaKind kind;
  ProgressLine progress("encoding");
  MediaEncoder encoder(model.engine(), model.cpu.threadPool(), &interruption(), options.quiet ? nullptr : &progress);
  for (const MediaOption &file : options.media.files)
    if (Status status = addMedium(encoder, options, file, media, kind); !status.ok())
      return status;
  result = Conversation(model, options.chat).ask(text, std::move(media));
  return {};
}

static bool chats(const AnswerOptions &options) { return !options.raw && options.promptIds.empty(); }

static AnswerStyle styleFor(const AnswerOptions &options) {
  AnswerStyle style;
  style.special = options.special;
  style.ids = options.printIds;
  if (!options.hideThoughts && isatty(STDOUT_FILENO))
    style.thoughts = showsStyles() ? Thoughts::dimmed : Thoughts::shown;
  else if (options.showThoughts)
    style.thoughts = Thoughts::shown;
  return style;
}

static TextOptions textFor(const Model &model, const AnswerOptions &options) {
  if (chats(options))
    return chatText(model, options);
  TextOptions text;
  text.stops = options.stops;
  text.special = options.special;
  return text;
}

static void printNotices(const Model &model, const AnswerOptions &options, const SamplingOptions &sampling,
                         const Generation &generation) {
  if (generation.reason == EndReason::context)
    notice(format("the context is full (%lld tokens); the answer stops here",
                  static_cast<long long>(model.engine().context())));
  if (options.quiet)
    return;
  std::string seed =
      sampling.temperature > 0 ? format(", seed %llu", static_cast<unsigned long long>(sampling.seed)) : "";
  notice(summarize(model.engine(), generation) + seed);
}

Status runAnswer(Model &model, const AnswerOptions &options, const SamplingOptions &sampling) {
  SoftPrompt prompt;
  if (Status status = encodePrompt(model, options, prompt); !status.ok())
    return status;
  if (prompt.empty())
    return {ExitCode::usage, "the prompt is empty"};
  if (static_cast<int64_t>(prompt.size()) > model.engine().context())
    return doesNotFit(model, std::to_string(prompt.size()));
  Sampler sampler = samplerFor(model.program, sampling);
  Output out(STDOUT_FILENO, "standard output");
  AnswerView view(out, styleFor(options));
  Sequence sequence(model.engine(), 0);
  Generation generation;
  Request request{sequence, prompt, sampler, view, generation, textFor(model, options)};
  request.limit = options.limit;
  request.cancel = &interruption();
  if (Status status = generate(model, request); !status.ok())
    return status;
  out.write("\n");
  if (Status status = out.finish(); !status.ok())
    return status;
  printNotices(model, options, sampling, generation);
  if (generation.reason == EndReason::interrupted)
    return {ExitCode::interrupted, ""};
  return {};
}

} // namespace gemmac::runtime
