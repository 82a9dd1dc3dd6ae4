// Videos: frames chosen evenly, decoded one after the other.
#ifndef GEMMAC_RUNTIME_VIDEO_H
#define GEMMAC_RUNTIME_VIDEO_H

#include "base/Status.h"
#include "media/Limits.h"
#include "media/Picture.h"

#include <memory>
#include <string>
#include <string_view>

namespace gemmac::runtime {

/// Frames of a file that is open. Holds one frame at a time, whatever the length.
class Video {
public:
  virtual ~Video() = default;

  /// As many as there are, at least one.
  uint64_t frames() const { return frameCount; }
  /// When the last frame ends, from the beginning of the first.
  double seconds() const { return length; }
  /// What people should know, such as that the file ends early; empty for most.
  const std::string &note() const { return remark; }

  /// Chooses frames: number i of them is frame floor(i * frames() / count) (spec 4.6). Once, before next().
  /// \param count  1 to frames().
  void choose(uint64_t count) {
    chosen = count;
    chosenBegin();
  }
  /// The next of the chosen frames, in their order, and when it begins. All frames have one size.
  /// \param ended  gets true, and the others nothing, behind the last one; also where fewer frames can be decoded than
  ///               the file claimed, which note() then says.
  /// \returns inputOutput; interrupted on Ctrl-C.
  Status next(Picture &picture, double &begin, bool &ended);
  /// Which frame is number `number` of the chosen ones.
  uint64_t chosenFrame(uint64_t number) const;

protected:
  /// Frame `index`, above that of the call before. Sets `picture`, or `ended` where there is none.
  virtual Status read(uint64_t index, Picture &picture, bool &ended) = 0;
  /// When a frame begins.
  virtual double beginOf(uint64_t index) const = 0;
  /// The choice was made.
  virtual void chosenBegin() {}

  std::string remark;
  uint64_t frameCount = 0, chosen = 0;
  double length = 0;

private:
  uint64_t taken = 0;
};

/// What people say about a video, or about the file that it is in.
struct VideoOptions {
  double rate = 0;               ///< frames per second where the file does not say; 0: 24, of folders 1
  std::string ffmpeg = "ffmpeg"; ///< for what is not read here: a file, or a name to find in PATH
};

/// Opens a video: an animated GIF or WebP, Y4M, a folder of pictures, and by ffmpeg whatever that reads. `path` "-" is
/// standard input, of which these files are read, and kept in memory.
/// - GIF and WebP: frames composed as Pillow does (disposal, transparency); a delay below two hundredths of a second
///   counts as ten, as browsers do.
/// - Y4M: 4:2:0 (sitings alike), 4:1:1, 4:2:2, 4:4:4, with alpha dropped, and grey, of 8 to 16 bits, the upper 8 of
///   which are taken. BT.601, limited range unless the header says XCOLORRANGE=FULL. Chroma is repeated, interlaced
///   frames are taken as they are, pixels count as square.
/// - A folder: files that end in .jpg, .jpeg, .png, .webp or .gif, by name, numbers in names by value; all of one size.
/// - ffmpeg: the first stream of video that is no cover; turned upright.
/// \param name  gets what messages call it, quotes included.
/// \returns inputOutput for what cannot be read, usage for a single picture; interrupted on Ctrl-C.
Status openVideo(const std::string &path, const MediaLimits &limits, const VideoOptions &options,
                 std::unique_ptr<Video> &video, std::string &name);

/// The same for a GIF, animated WebP or Y4M in memory. \returns null in `video` for other bytes.
Status openVideoBytes(std::string bytes, std::string_view name, const MediaLimits &limits, double rate,
                      std::unique_ptr<Video> &video);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_VIDEO_H
