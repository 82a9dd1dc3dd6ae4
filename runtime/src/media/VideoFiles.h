// The kinds of videos, one file each, and what they read from.
#ifndef GEMMAC_RUNTIME_VIDEOFILES_H
#define GEMMAC_RUNTIME_VIDEOFILES_H

#include "media/Video.h"

#include <sys/types.h>
#include <utility>

namespace gemmac::runtime {

/// Bytes of a file, in memory or where they lie.
class VideoBytes {
public:
  explicit VideoBytes(std::string bytes) : held(std::move(bytes)), count(held.size()) {}
  /// Takes over an open file of that many bytes.
  VideoBytes(int file, uint64_t size) : file(file), count(size) {}
  VideoBytes(VideoBytes &&other) noexcept
      : held(std::move(other.held)), file(std::exchange(other.file, -1)), count(other.count) {}
  VideoBytes &operator=(VideoBytes &&) = delete;
  ~VideoBytes();

  uint64_t size() const { return count; }
  /// Copies bytes from `at` on: as many as there are, up to `most`. \returns -1, and errno, where they cannot be read.
  ssize_t read(uint64_t at, char *to, size_t most) const;

private:
  std::string held;
  int file = -1;
  uint64_t count;
};

/// "cannot read NAME as a KIND: PROBLEM", as MediaSource has it.
Status refuseVideo(std::string_view name, const char *kind, const std::string &problem);
/// Checks the number of frames, and of seconds, against the limits.
Status checkVideo(std::string_view name, const char *kind, const MediaLimits &limits, uint64_t frames, uint64_t most,
                  double seconds);

Status openGifVideo(std::string bytes, std::string_view name, const MediaLimits &limits, std::unique_ptr<Video> &video);
Status openWebpVideo(std::string bytes, std::string_view name, const MediaLimits &limits,
                     std::unique_ptr<Video> &video);
/// Whether a file is a WebP that moves, by its first 21 bytes.
bool isAnimatedWebp(std::string_view beginning);
/// \param rate  frames per second where the header does not say; 0: 24.
Status openY4mVideo(VideoBytes bytes, std::string_view name, const MediaLimits &limits, double rate,
                    std::unique_ptr<Video> &video);
/// \param rate  frames per second; 0: 1.
Status openFolderVideo(const std::string &path, std::string_view name, const MediaLimits &limits, double rate,
                       std::unique_ptr<Video> &video);
/// \param program  as findProgram() takes it.
Status openFfmpegVideo(const std::string &path, std::string_view name, const MediaLimits &limits,
                       const std::string &program, std::unique_ptr<Video> &video);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_VIDEOFILES_H
