// `PROG -p TEXT`, `PROG --prompt-ids FILE`, `command | PROG`: one prompt, one answer.
#include "Commands.h"

#include "Conversation.h"
#include "Notice.h"
#include "Signals.h"
#include "Text.h"

#include <unistd.h>

namespace gemmac::runtime {

static Status encodePrompt(const Model &model, const AnswerOptions &options, std::vector<int32_t> &ids) {
  if (!options.promptIds.empty()) {
    std::string text;
    if (Status status = readFile(options.promptIds, text); !status.ok())
      return status;
    return parseTokenIds(text, options.promptIds, model.program.vocab, ids);
  }
  std::string text;
  if (options.prompt) {
    text = *options.prompt;
  } else {
    if (Status status = readFile("-", text); !status.ok())
      return status;
    if (!options.raw) // the line breaks that commands end their output with, as $(...) drops them
      text.resize(text.find_last_not_of("\r\n") + 1);
  }
  if (options.raw) {
    Prompt prompt(model);
    prompt.piece(text, options.special);
    prompt.encode(ids);
    const int32_t bos = model.program.bos_id;
    if (bos >= 0 && (ids.empty() || ids.front() != bos))
      ids.insert(ids.begin(), bos);
    return {};
  }
  if (Status status = checkChat(model, options.chat, options.quiet); !status.ok())
    return status;
  if (trim(text).empty())
    return {ExitCode::usage, "the prompt is empty; give one with -p TEXT or on standard input"};
  ids = Conversation(model, options.chat).ask(text);
  return {};
}

static bool chats(const AnswerOptions &options) { return !options.raw && options.promptIds.empty(); }

static AnswerStyle styleFor(const Model &model, const AnswerOptions &options) {
  const gemmac_chat &chat = model.program.chat;
  AnswerStyle style;
  style.startsInThought = chats(options) && opensThought(chat, chat.modes[options.chat.thinking].prompt);
  style.special = options.special;
  style.ids = options.printIds;
  if (!options.hideThoughts && isatty(STDOUT_FILENO))
    style.thoughts = Thoughts::dimmed;
  else if (options.showThoughts)
    style.thoughts = Thoughts::shown;
  return style;
}

Status runAnswer(Model &model, const AnswerOptions &options, const SamplingOptions &sampling) {
  std::vector<int32_t> prompt;
  if (Status status = encodePrompt(model, options, prompt); !status.ok())
    return status;
  if (prompt.empty())
    return {ExitCode::usage, "the prompt is empty"};
  if (static_cast<int64_t>(prompt.size()) > model.session.remaining())
    return {
        ExitCode::context,
        format("the prompt has %zu tokens, but the context holds %lld; shorten it or compile with a larger --context",
               prompt.size(), static_cast<long long>(model.session.context()))};
  Sampler sampler(model.program.vocab, sampling,
                  {model.program.sampling.suppress_ids, static_cast<size_t>(model.program.sampling.suppress_count)});
  Output out(STDOUT_FILENO, "standard output");
  std::vector<std::string> stops = options.stops;
  if (chats(options) && !turnEndText(model).empty())
    stops.emplace_back(turnEndText(model));
  Answer answer(model, out, std::move(stops), styleFor(model, options));
  Generation generation;
  if (Status status = generate(model, sampler, prompt, options.limit, answer, generation); !status.ok())
    return status;
  out.write("\n");
  if (Status status = out.finish(); !status.ok())
    return status;
  if (generation.reason == EndReason::context)
    notice(format("the context is full (%lld tokens); the answer stops here",
                  static_cast<long long>(model.session.context())));
  if (!options.quiet) {
    std::string seed =
        sampling.temperature > 0 ? format(", seed %llu", static_cast<unsigned long long>(sampling.seed)) : "";
    notice(summarize(model, generation) + seed);
  }
  if (generation.reason == EndReason::interrupted)
    return {ExitCode::interrupted, ""};
  return {};
}

} // namespace gemmac::runtime
