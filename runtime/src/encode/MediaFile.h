// Files of pictures, sounds and videos, from the disk to soft tokens.
#ifndef GEMMAC_RUNTIME_MEDIAFILE_H
#define GEMMAC_RUNTIME_MEDIAFILE_H

#include "encode/MediaEncoder.h"
#include "media/Decode.h"
#include "media/Video.h"

#include <memory>
#include <string>
#include <vector>

namespace gemmac::runtime {

/// A file: a picture or sound decoded, a video open.
struct MediaFile {
  std::string name; ///< what messages call it
  MediaKind kind = MediaKind::none;
  Picture picture;              ///< where it is one
  Sound sound;                  ///< where it is one
  std::unique_ptr<Video> video; ///< where it is one
};

struct ReadRequest {
  MediaKind kind = MediaKind::none; ///< what it shall be; none: whatever it is
  VideoOptions video;               ///< its ffmpeg is asked about sounds, too
  uint32_t seconds = 0;             ///< of a sound that ffmpeg reads, beyond which nobody listens; 0: all
};

/// Pictures, WAV, FLAC and videos (openVideo()), and by ffmpeg the first sound of any other file that is no stream.
/// Where any kind will do, a GIF is a picture, and a file that is not read here a video if ffmpeg finds one in it.
/// \param path  "-": standard input.
/// \returns inputOutput for a file that cannot be read or is none of the known formats; interrupted on Ctrl-C.
Status readMediaFile(const std::string &path, const ReadRequest &request, MediaFile &file);

struct EncodeRequest {
  int64_t imageTokens = 0;      ///< most soft tokens of a picture; 0: as the checkpoint has it
  int64_t frames = 0;           ///< of a video; 0: as usualCount() has it
  bool split = false;           ///< a sound of more than is heard becomes several, else its beginning is heard
  Progress *progress = nullptr; ///< hears of frames of a video
};

/// What stands in a prompt as one: a picture, a sound or a part of it, a frame of a video.
struct EncodedPart {
  std::shared_ptr<const SoftRows> rows;
  double begin = 0; ///< of a frame, in seconds
};

/// \param file    loses its pixels.
/// \param result  all parts, in their order.
/// \param note    gets what people should know, such as that a sound was cut; else it stays empty.
/// \returns what the encoder, and of a video takeFrames() says.
Status encodeMediaFile(MediaEncoder &encoder, MediaFile &file, const EncodeRequest &request,
                       std::vector<EncodedPart> &result, std::string &note);

/// `status` with the file's name.
Status about(const MediaFile &file, Status status);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MEDIAFILE_H
