// Which kind of video a file is.
#include "media/Video.h"

#include "base/Files.h"
#include "base/Text.h"
#include "media/Decode.h"
#include "media/VideoFiles.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gemmac::runtime {

static Status cannotOpen(const std::string &path) {
  return {ExitCode::inputOutput, format("cannot open '%s': %s", path.c_str(), strerror(errno))};
}

/// Standard input, or what is no plain file: read to its end.
static Status openStream(const std::string &path, const MediaLimits &limits, const VideoOptions &options,
                         std::unique_ptr<Video> &video, std::string &name) {
  Input input;
  std::string bytes;
  if (Status status = input.open(path); !status.ok())
    return status;
  name = input.name();
  if (Status status = input.rest(bytes, limits.bytes); !status.ok())
    return status;
  const bool picture = mediaKind(bytes) == MediaKind::picture;
  if (Status status = openVideoBytes(std::move(bytes), name, limits, options.rate, video); !status.ok() || video)
    return status;
  return refuseVideo(name, "video",
                     picture ? "it is a picture; show it with --image or /image"
                             : "it begins like no GIF, animated WebP or Y4M; give other kinds as a file");
}

static Status openPlainFile(const std::string &path, uint64_t size, const MediaLimits &limits,
                            const VideoOptions &options, std::unique_ptr<Video> &video, const std::string &name) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return cannotOpen(path);
  VideoBytes bytes(file, size);
  char head[32];
  const ssize_t got = bytes.read(0, head, sizeof(head));
  if (got < 0)
    return {ExitCode::inputOutput, format("cannot read %s: %s", name.c_str(), strerror(errno))};
  const std::string_view begin(head, static_cast<size_t>(got));
  if (begin.starts_with("YUV4MPEG2"))
    return openY4mVideo(std::move(bytes), name, limits, options.rate, video);
  if (begin.starts_with("GIF8") || isAnimatedWebp(begin)) {
    std::string all;
    Input input;
    if (Status status = input.open(path); !status.ok())
      return status;
    if (Status status = input.rest(all, limits.bytes); !status.ok())
      return status;
    return openVideoBytes(std::move(all), name, limits, options.rate, video);
  }
  if (mediaKind(begin) == MediaKind::picture)
    return {ExitCode::usage,
            format("cannot read %s as a video: it is a picture; show it with --image or /image", name.c_str())};
  if (begin.empty())
    return refuseVideo(name, "video", "it is empty");
  return openFfmpegVideo(path, name, limits, options.ffmpeg, video);
}

Status openVideo(const std::string &path, const MediaLimits &limits, const VideoOptions &options,
                 std::unique_ptr<Video> &video, std::string &name) {
  video.reset();
  struct stat found;
  if (path == "-")
    return openStream(path, limits, options, video, name);
  name = "'" + path + "'";
  if (::stat(path.c_str(), &found) != 0)
    return cannotOpen(path);
  if (S_ISDIR(found.st_mode))
    return openFolderVideo(path, name, limits, options.rate, video);
  if (!S_ISREG(found.st_mode))
    return openStream(path, limits, options, video, name);
  return openPlainFile(path, static_cast<uint64_t>(found.st_size), limits, options, video, name);
}

} // namespace gemmac::runtime
