// Frames of videos: how many, and one after the other to whoever looks at them.
#ifndef GEMMAC_RUNTIME_VIDEOFRAMES_H
#define GEMMAC_RUNTIME_VIDEOFRAMES_H

#include "base/Progress.h"
#include "media/Video.h"

#include <functional>
#include <string>

namespace gemmac::runtime {

/// Most soft tokens of a frame (spec 4.6).
constexpr int64_t frameTokens = 70;
/// Most frames of a video, unless people ask for more.
constexpr int64_t usualFrames = 60;

struct FrameRequest {
  int64_t count = 0;            ///< 0: as usualCount() has it
  int64_t context = 0;          ///< tokens that there is room for in all
  Progress *progress = nullptr; ///< hears of frames that are done
};

/// Looks at a frame that was chosen. \param tokens gets how many soft tokens it has.
using FrameTaker = std::function<Status(Picture &&picture, double begin, int64_t &tokens)>;

/// Frames of a video for which nobody asked for a number: one a second, at most usualFrames and what takes three
/// quarters of the context; and all of those that have fewer than one a second.
int64_t usualCount(uint64_t frames, double seconds, int64_t context);

/// Chooses frames and gives them to `take`, one after the other: frame i of N is that of number floor(i * frames / N).
/// \param name  what messages call the video.
/// \param note  gets what people should know, such as that the video is long; else it stays as it is.
/// \returns inputOutput for a file that cannot be read; usage where more frames are asked for than there are; what
/// `take` says; context, after the first frame, where they do not fit; interrupted on Ctrl-C.
Status takeFrames(Video &video, const std::string &name, const FrameRequest &request, const FrameTaker &take,
                  std::string &note);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_VIDEOFRAMES_H
