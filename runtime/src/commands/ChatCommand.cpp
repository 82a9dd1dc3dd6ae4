// `PROG` on a terminal: a conversation.
#include "commands/Commands.h"

#include "base/Notice.h"
#include "base/Signals.h"
#include "base/Text.h"
#include "encode/MediaFile.h"
#include "encode/VideoFile.h"
#include "generate/Conversation.h"
#include "generate/Scheduler.h"
#include "terminal/AnswerView.h"
#include "terminal/LineEditor.h"
#include "terminal/Terminal.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <unistd.h>

namespace gemmac::runtime {

static constexpr std::string_view help =
    "/image FILE  show a picture with the next message\n"
    "/audio FILE  play a sound with the next message\n"
    "/video FILE  show a video with the next message\n"
    "/reset       forget the conversation and start a new one\n"
    "/exit        leave (or Ctrl-D)\n"
    "/help        this list\n"
    "A line that ends with \\ goes on in the next one; so does Alt-Enter, and what is pasted is one message.\n"
    "Up and down recall messages. Ctrl-C stops an answer; twice, it leaves.\n";

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

static Status addImage(MediaEncoder &encoder, const AnswerOptions &options, const std::string &path,
                       std::vector<Medium> &media) {
  auto rows = std::make_shared<SoftRows>();
  std::string name;
  if (Status status = encodeImageFile(encoder, path, options.imageTokens, *rows, name); !status.ok())
    return status;
  media.push_back({Medium::Kind::image, std::move(rows)});
  return {};
}

static Status addAudio(MediaEncoder &encoder, const AnswerOptions &options, const std::string &path,
                       std::vector<Medium> &media, std::string &note) {
  std::vector<std::shared_ptr<const SoftRows>> parts;
  std::string name;
  const SoundRequest request{options.audioSplit, options.ffmpeg};
  if (Status status = encodeAudioFile(encoder, path, request, parts, name, note); !status.ok())
    return status;
  for (std::shared_ptr<const SoftRows> &rows : parts)
    media.push_back({Medium::Kind::audio, std::move(rows)});
  return {};
}

static Status addVideo(MediaEncoder &encoder, const AnswerOptions &options, const std::string &path, int64_t context,
                       std::vector<Medium> &media, std::string &note) {
  std::vector<VideoFrame> frames;
  std::string name;
  const VideoRequest request{options.frames, context, {options.frameRate, options.ffmpeg}, options.quiet};
  if (Status status = encodeVideoFile(encoder, path, request, frames, name, note); !status.ok())
    return status;
  for (size_t i = 0; i < frames.size(); ++i)
    media.push_back({Medium::Kind::image, std::move(frames[i].rows), frameLabel(frames[i].begin, i == 0)});
  return {};
}

Status addMedium(Model &model, const AnswerOptions &options, const MediaOption &file, std::vector<Medium> &media) {
  MediaEncoder encoder(model.engine(), model.cpu.threadPool());
  std::string note;
  Status status;
  switch (file.kind) {
  case MediaKind::image:
    status = addImage(encoder, options, file.path, media);
    break;
  case MediaKind::audio:
    status = addAudio(encoder, options, file.path, media, note);
    break;
  case MediaKind::video:
    status = addVideo(encoder, options, file.path, model.engine().context(), media, note);
    break;
  }
  if (status.ok() && !note.empty() && !options.quiet)
    notice("note: " + note);
  return status;
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
  std::vector<Medium> media = {}; // of the next message

  Status add(const MediaOption &file);
  Status reply(std::string_view message);
  void tellThatItDoesNotFit(const Feed &tokens) const;
  void reset();
};
} // namespace

void Chat::reset() {
  sequence.reset();
  sampler.reset();
  conversation.reset();
  media.clear();
}

/// What cannot be read is told, and the chat goes on; so it does where Ctrl-C stopped it.
Status Chat::add(const MediaOption &file) {
  static constexpr const char *names[] = {"a picture", "a sound", "a video"};
  const size_t before = media.size();
  Status status = addMedium(model, options, file, media);
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
  size_t tokens = 0;
  for (size_t i = before; i < media.size(); ++i)
    tokens += media[i].rows->count();
  if (status.ok())
    notice(format("%s of %zu tokens comes with the next message", names[static_cast<size_t>(file.kind)], tokens));
  return status;
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
  media.clear();
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
      {"/image ", MediaKind::image}, {"/audio ", MediaKind::audio}, {"/video ", MediaKind::video}};
  for (const auto &[command, kind] : commands)
    if (text.starts_with(command) && text.find('\n') == text.npos)
      return MediaOption{kind, std::string(trim(text.substr(command.size())))};
  return std::nullopt;
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
  for (const MediaOption &file : options.media)
    if (Status status = addMedium(model, options, file, chat.media); !status.ok())
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
    if (text == "/help")
      out.write(help);
    else if (text == "/reset")
      chat.reset();
    else if (const std::optional<MediaOption> file = mediaCommand(text)) {
      if (Status status = chat.add(*file); !status.ok())
        return status;
    } else if (text.front() == '/' && text.find_first_of(" \n/", 1) == text.npos)
      notice(format("no command '%.*s'; /help lists them", static_cast<int>(text.size()), text.data()));
    else if (Status status = chat.reply(message); !status.ok())
      return status;
  }
  return out.finish();
}

} // namespace gemmac::runtime
