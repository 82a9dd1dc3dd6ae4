#include "encode/VideoFrames.h"

#include "base/Signals.h"
#include "base/Text.h"

#include <algorithm>

namespace gemmac::runtime {

/// Most tokens of a frame with its time and what begins and ends it.
static constexpr int64_t tokensAround = 10;

int64_t usualCount(uint64_t frames, double seconds, int64_t context) {
  const int64_t most = std::min(usualFrames, context / 4 * 3 / (frameTokens + tokensAround));
  const int64_t wanted = std::clamp(static_cast<int64_t>(seconds), int64_t{1}, std::max(most, int64_t{1}));
  return std::min(wanted, static_cast<int64_t>(frames));
}

static void addLine(std::string &note, const std::string &line) {
  if (!line.empty())
    note += (note.empty() ? "" : "\n") + line;
}

/// How many frames are to be shown.
static Status countOf(const Video &video, const FrameRequest &request, const std::string &name, int64_t &count,
                      std::string &note) {
  const auto all = static_cast<int64_t>(video.frames());
  count = request.count > 0 ? request.count : usualCount(video.frames(), video.seconds(), request.context);
  if (count > all)
    return {ExitCode::usage, format("%s: %lld frames are asked for, it has %lld; give fewer --frames", name.c_str(),
                                    static_cast<long long>(count), static_cast<long long>(all))};
  if (request.count == 0 && count < all && video.seconds() >= static_cast<double>(count + 1))
    addLine(note, format("%s lasts %.0f seconds: %lld frames of it are shown, one every %.1f seconds; --frames N shows "
                         "N of them, if the context holds them",
                         name.c_str(), video.seconds(), static_cast<long long>(count),
                         video.seconds() / static_cast<double>(count)));
  return {};
}

/// All frames have as many tokens as one of them, and at least four around these.
static Status checkRoom(int64_t tokens, int64_t count, int64_t context, const std::string &name) {
  if ((tokens + 4) * count < context)
    return {};
  return {ExitCode::context,
          format("%s: %lld frames of %lld tokens each do not fit into the context of %lld; give fewer --frames or "
                 "compile with a larger --context",
                 name.c_str(), static_cast<long long>(count), static_cast<long long>(tokens),
                 static_cast<long long>(context))};
}

Status takeFrames(Video &video, const std::string &name, const FrameRequest &request, const FrameTaker &take,
                  std::string &note) {
  int64_t count = 0;
  const std::string noted = video.note();
  addLine(note, noted);
  if (Status status = countOf(video, request, name, count, note); !status.ok())
    return status;
  video.choose(static_cast<uint64_t>(count));
  for (int64_t done = 0;;) {
    Picture picture;
    double begin = 0;
    bool ended = false;
    if (interruptRequested())
      return {ExitCode::interrupted, ""};
    if (Status status = video.next(picture, begin, ended); !status.ok())
      return status;
    if (ended)
      break;
    int64_t tokens = 0;
    if (Status status = take(std::move(picture), begin, tokens); !status.ok())
      return {status.code(), status.message().empty() ? "" : name + ": " + status.message()};
    if (Status status = checkRoom(tokens, count, request.context, name); !status.ok())
      return status;
    if (request.progress)
      request.progress->reached(++done, count);
  }
  if (video.note() != noted)
    addLine(note, video.note());
  return {};
}

} // namespace gemmac::runtime
