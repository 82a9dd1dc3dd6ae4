// Files of videos, from the disk to soft tokens.
#ifndef GEMMAC_RUNTIME_VIDEOFILE_H
#define GEMMAC_RUNTIME_VIDEOFILE_H

#include "encode/MediaEncoder.h"
#include "media/Video.h"

#include <memory>
#include <string>
#include <vector>

namespace gemmac::runtime {

/// Most soft tokens of a frame (spec 4.6).
constexpr int64_t frameTokens = 70;
/// Most frames of a video, unless people ask for more.
constexpr int64_t usualFrames = 60;

/// A frame as the text model reads it.
struct VideoFrame {
  double begin; ///< in seconds
  std::shared_ptr<const SoftRows> rows;
};

struct VideoRequest {
  int64_t frames = 0;  ///< 0: as usualCount() has it
  int64_t context = 0; ///< tokens that there is room for in all
  VideoOptions options;
  Progress *progress = nullptr; ///< hears of frames that are done
};

/// Frames of a video for which nobody asked for a number: one a second, at most usualFrames and what takes three
/// quarters of the context; and all of those that have fewer than one a second.
int64_t usualCount(uint64_t frames, double seconds, int64_t context);

/// Encodes frames one after the other; frame i of N is that of number floor(i * frames / N).
/// \param path  "-": standard input.
/// \param name  gets what messages call the file.
/// \param note  gets what people should know, such as that the video is long; else it stays empty.
/// \returns inputOutput for a file that cannot be read; usage where more frames are asked for than there are; what the
/// encoder says, which is told after the first frame; context where the frames do not fit; interrupted on Ctrl-C.
Status encodeVideoFile(MediaEncoder &encoder, const std::string &path, const VideoRequest &request,
                       std::vector<VideoFrame> &frames, std::string &name, std::string &note);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_VIDEOFILE_H
