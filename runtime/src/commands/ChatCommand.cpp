// `PROG` on a terminal: a conversation.
#include "commands/Commands.h"

#include "base/Notice.h"
#include "base/Signals.h"
#include "base/Text.h"
#include "commands/DroppedFiles.h"
#include "encode/MediaFile.h"
#include "encode/MediaPlan.h"
#include "features/Mel.h"
#include "features/Resample.h"
#include "generate/Conversation.h"
#include "generate/Scheduler.h"
#include "terminal/AnswerView.h"
#include "terminal/LineEditor.h"
#include "terminal/ProgressLine.h"
#include "terminal/Terminal.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <unistd.h>

namespace gemmac::runtime {

static constexpr std::string_view help =
    "/image FILE  show a picture with the next message\n"
    "/audio FILE  play a sound with the next message\n"
    "/video FILE  show a video with the next message\n"
    "/media       what comes with the next message; /media none drops it\n"
    "/reset       forget the conversation and start a new one\n"
    "/exit        leave (or Ctrl-D)\n"
    "/help        this list\n"
    "A file dragged into the line comes with the message, or with the next one where there is nothing else.\n"
    "A line that ends with \\ goes on in the next one; so does Alt-Enter, and what is pasted is one message.\n"
    "Up and down recall messages. Ctrl-C stops an answer; twice, it leaves.\n";

static constexpr const char *next = "; comes with the next message";

TextOptions chatText(const Model &model, const AnswerOptions &options) {
  TextOptions text;
  text.stops = options.stops;
  if (!turnEndText(model).empty())
    text.stops.emplace_back(turnEndText(model));
  text.special = options.special;
  const gemmac_chat &chat = model.program.chat;
  text.startsInThought = opensThought(chat, chat.modes[options.chat.thinking].prompt);
  return text;
}

Sampler samplerFor(const gemmac_program &program, const SamplingOptions &options) {
  const gemmac_sampling &defaults = program.sampling;
  return {program.vocab, options, {defaults.suppress_ids, static_cast<size_t>(defaults.suppress_count)}};
}

Status addMedium(MediaEncoder &encoder, const AnswerOptions &options, const MediaOption &file,
                 std::vector<Medium> &media, MediaKind &kind) {
  const MediaOptions &how = options.media;
  ReadRequest request{file.kind, {how.frameRate, how.ffmpeg}};
  // A little more than is heard, so that it can be said that there is more.
  if (hearsPart(encoder.program()) && !how.audioSplit)
    request.seconds = static_cast<uint32_t>(mostMelSamples / modelRate) + 1;
  MediaFile content;
  if (Status status = readMediaFile(file.path, request, content); !status.ok())
    return status;
  kind = content.kind;
  std::vector<EncodedPart> parts;
  std::string note;
  ProgressLine progress("encoding frames");
  const EncodeRequest encode{how.imageTokens, how.frames, how.audioSplit, options.quiet ? nullptr : &progress};
  if (Status status = encodeMediaFile(encoder, content, encode, parts, note); !status.ok())
    return status;
  for (size_t i = 0; i < parts.size(); ++i)
    media.push_back({kind == MediaKind::sound ? Medium::Kind::audio : Medium::Kind::image, std::move(parts[i].rows),
                     kind == MediaKind::video ? frameLabel(parts[i].begin, i == 0) : ""});
  if (!note.empty() && !options.quiet)
    notice("note: " + note);
  return {};
}

namespace {
/// The pieces of a conversation on the terminal.
struct Chat {
  Model &model;
  const AnswerOptions &options;
  Output &out;
  Sampler sampler;
  AnswerView view;
  Conversation conversation;
  Sequence sequence;
  ProgressLine progress{"encoding"};
  MediaEncoder encoder{model.engine(), model.cpu.threadPool(), &interruption(), options.quiet ? nullptr : &progress};
  std::vector<Medium> media = {};      // of the next message
  std::vector<std::string> shown = {}; // what people are told of each

  Status take(const MediaOption &file);
  Status add(const MediaOption &file, const char *when, bool &added);
  void tellMedia(std::string_view words);
  Status obey(std::string_view text, std::string_view message);
  Status say(std::string_view message);
  Status reply(std::string_view message);
  void tellThatItDoesNotFit(const Feed &tokens) const;
  void reset();
  void dropMedia();
};
} // namespace

void Chat::reset() {
  sequence.reset();
  sampler.reset();
  conversation.reset();
  dropMedia();
}

void Chat::dropMedia() {
  media.clear();
  shown.clear();
}

Status Chat::take(const MediaOption &file) {
  const size_t before = media.size();
  MediaKind kind;
  if (Status status = addMedium(encoder, options, file, media, kind); !status.ok())
    return status;
  size_t tokens = 0;
  for (size_t i = before; i < media.size(); ++i)
    tokens += media[i].rows->count();
  shown.push_back(
      format("%s: %s, %zu tokens", nameOf(kind), file.path.substr(file.path.rfind('/') + 1).c_str(), tokens));
  return {};
}

/// What cannot be read is told, and the chat goes on; so it does after Ctrl-C.
/// \param when   it comes, at the end of what people are told; may be empty
/// \param added  gets whether it was
Status Chat::add(const MediaOption &file, const char *when, bool &added) {
  Status status = take(file);
  added = status.ok();
  if (status.code() == ExitCode::interrupted) {
    clearInterrupt();
    notice("stopped");
    return {};
  }
  if (status.code() == ExitCode::usage || status.code() == ExitCode::inputOutput ||
      status.code() == ExitCode::context) {
    notice(status.message());
    return {};
  }
  if (added)
    notice(shown.back() + (encoder.reused() ? ", seen before" : "") + when);
  return status;
}

/// "/media", "/media none".
void Chat::tellMedia(std::string_view words) {
  if (words == "none")
    dropMedia();
  else if (!words.empty())
    return notice("/media lists what comes with the next message, /media none drops it");
  for (const std::string &one : shown)
    notice(one);
  if (shown.empty())
    notice("nothing but text comes with the next message");
}

void Chat::tellThatItDoesNotFit(const Feed &tokens) const {
  const size_t held = commonPrefix(sequence.tokens(), tokens.first(tokens.size() - 1).tokens());
  const auto context = static_cast<long long>(model.engine().context()), used = static_cast<long long>(held);
  notice(format("this message needs %zu tokens, but only %lld of the context's %lld are left; shorten it, or /reset to "
                "start a new conversation",
                tokens.size() - held, context - used, context));
}

Status Chat::reply(std::string_view message) {
  const Feed tokens = conversation.ask(message, media);
  if (static_cast<int64_t>(tokens.size()) > model.engine().context()) {
    tellThatItDoesNotFit(tokens);
    conversation.withdraw();
    return {};
  }
  const auto held = static_cast<size_t>(sequence.keepCommon(tokens));
  sampler.reset();
  for (int32_t token : tokens.first(held))
    sampler.accept(token);
  Generation generation;
  Request request{sequence, tokens.subspan(held), sampler, view, generation, chatText(model, options)};
  request.limit = options.limit;
  request.cancel = &interruption();
  if (Status status = generate(model, request); !status.ok())
    return status;
  conversation.answered(generation);
  dropMedia();
  clearInterrupt();
  out.write("\n");
  out.flush();
  if (generation.reason == EndReason::interrupted)
    notice("stopped");
  if (generation.reason == EndReason::context)
    notice("the context is full; /reset starts a new conversation");
  return {};
}

static AnswerStyle styleFor(const AnswerOptions &options) {
  AnswerStyle style;
  style.special = options.special;
  style.ids = options.printIds;
  if (!options.hideThoughts)
    style.thoughts = showsStyles() ? Thoughts::dimmed : Thoughts::shown;
  return style;
}

/// "/image FILE", "/audio FILE", "/video FILE".
static std::optional<MediaOption> mediaCommand(std::string_view text) {
  static constexpr std::pair<std::string_view, MediaKind> commands[] = {
      {"/image ", MediaKind::picture}, {"/audio ", MediaKind::sound}, {"/video ", MediaKind::video}};
  for (const auto &[command, kind] : commands)
    if (text.starts_with(command) && text.find('\n') == text.npos)
      return MediaOption{kind, std::string(trim(text.substr(command.size())))};
  return std::nullopt;
}

/// A message, perhaps with files that were dragged into it.
Status Chat::say(std::string_view message) {
  const std::string_view text = trim(message);
  const char *home = getenv("HOME");
  auto isMedia = [this](const std::string &path) { return takes(model.program, kindOfFile(path)); };
  const DroppedFiles dropped = takeDroppedFiles(message, home ? home : "", isMedia);
  if (dropped.files.empty() && text.front() == '/' && text.find_first_of(" \n/", 1) == text.npos) {
    notice(format("no command '%.*s'; /help lists them", static_cast<int>(text.size()), text.data()));
    return {};
  }
  if (dropped.files.empty())
    return reply(message);
  for (const std::string &path : dropped.files) {
    bool added;
    const char *when = dropped.text.empty() ? next : "";
    if (Status status = add({MediaKind::none, path}, when, added); !status.ok() || !added)
      return status; // the message can be recalled
  }
  return dropped.text.empty() ? Status() : reply(dropped.text);
}

/// \param text  the message without the space around it
Status Chat::obey(std::string_view text, std::string_view message) {
  bool added;
  if (text == "/help")
    out.write(help);
  else if (text == "/reset")
    reset();
  else if (text == "/media" || text.starts_with("/media "))
    tellMedia(trim(text.substr(6)));
  else if (const std::optional<MediaOption> file = mediaCommand(text))
    return add(*file, next, added);
  else
    return say(message);
  return {};
}

Status runChat(Model &model, const AnswerOptions &options, const SamplingOptions &sampling) {
  const gemmac_program &program = model.program;
  if (Status status = checkChat(model, options.chat, options.quiet); !status.ok())
    return status;
  Output out(STDOUT_FILENO, "standard output");
  Chat chat{model,
            options,
            out,
            samplerFor(program, sampling),
            AnswerView(out, styleFor(options)),
            Conversation(model, options.chat),
            Sequence(model.engine(), 0)};
  LineEditor editor(out);
  if (!options.quiet)
    notice(format("%s, %s, %s, context %lld. /help lists the commands, Ctrl-C stops an answer.", program.name,
                  program.weights, model.engine().describe().c_str(),
                  static_cast<long long>(model.engine().context())));
  for (const MediaOption &file : options.media.files)
    if (Status status = chat.take(file); !status.ok())
      return status;
  for (std::string message; !out.failed();) {
    auto result = editor.read(message);
    if (result == LineEditor::Result::failed)
      return {ExitCode::inputOutput, format("cannot read standard input: %s", strerror(errno))};
    if (result == LineEditor::Result::end) {
      out.write("\n");
      break;
    }
    const std::string_view text = trim(message);
    if (text.empty())
      continue;
    if (text == "/exit" || text == "/quit")
      break;
    if (Status status = chat.obey(text, message); !status.ok())
      return status;
  }
  return out.finish();
}

} // namespace gemmac::runtime
