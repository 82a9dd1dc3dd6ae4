// What videos share, and videos in memory.
#include "base/Text.h"
#include "media/VideoFiles.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace gemmac::runtime {

VideoBytes::~VideoBytes() {
  if (file >= 0)
    ::close(file);
}

ssize_t VideoBytes::read(uint64_t at, char *to, size_t most) const {
  if (at >= count)
    return 0;
  most = static_cast<size_t>(std::min<uint64_t>(most, count - at));
  if (file < 0) {
    memcpy(to, held.data() + at, most);
    return static_cast<ssize_t>(most);
  }
  size_t got = 0;
  while (got < most) {
    const ssize_t piece = ::pread(file, to + got, most - got, static_cast<off_t>(at + got));
    if (piece < 0 && errno == EINTR)
      continue;
    if (piece < 0)
      return -1;
    if (piece == 0)
      break; // it shrank meanwhile
    got += static_cast<size_t>(piece);
  }
  return static_cast<ssize_t>(got);
}

Status refuseVideo(std::string_view name, const char *kind, const std::string &problem) {
  return {ExitCode::inputOutput,
          format("cannot read %.*s as a %s: %s", static_cast<int>(name.size()), name.data(), kind, problem.c_str())};
}

Status checkVideo(std::string_view name, const char *kind, const MediaLimits &limits, uint64_t frames, uint64_t most,
                  double seconds) {
  auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  if (frames == 0)
    return refuseVideo(name, kind, "it has no whole frame");
  if (frames > most)
    return refuseVideo(name, kind,
                       format("it has more than %llu frames, the most that are read; cut it", number(most)));
  if (seconds > limits.seconds)
    return refuseVideo(
        name, kind, format("it lasts %.0f seconds, at most %u are read; cut it into parts", seconds, limits.seconds));
  return {};
}

uint64_t Video::chosenFrame(uint64_t number) const { return number * frameCount / chosen; }

Status Video::next(Picture &picture, double &begin, bool &ended) {
  ended = taken >= chosen;
  if (ended)
    return {};
  const uint64_t index = chosenFrame(taken);
  begin = beginOf(index);
  if (Status status = read(index, picture, ended); !status.ok())
    return status;
  taken = ended ? chosen : taken + 1;
  return {};
}

Status openVideoBytes(std::string bytes, std::string_view name, const MediaLimits &limits, double rate,
                      std::unique_ptr<Video> &video) {
  video.reset();
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a"))
    return openGifVideo(std::move(bytes), name, limits, video);
  if (isAnimatedWebp(bytes))
    return openWebpVideo(std::move(bytes), name, limits, video);
  if (bytes.starts_with("YUV4MPEG2"))
    return openY4mVideo(VideoBytes(std::move(bytes)), name, limits, rate, video);
  return {};
}

} // namespace gemmac::runtime
