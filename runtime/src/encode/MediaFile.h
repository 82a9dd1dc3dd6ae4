// Files of pictures and sounds, from the disk to soft tokens.
#ifndef GEMMAC_RUNTIME_MEDIAFILE_H
#define GEMMAC_RUNTIME_MEDIAFILE_H

#include "encode/MediaEncoder.h"
#include "media/Decode.h"

#include <memory>
#include <string>
#include <vector>

namespace gemmac::runtime {

/// A file, decoded.
struct MediaFile {
  std::string name; ///< what messages call it
  MediaKind kind = MediaKind::none;
  Picture picture; ///< where it is one
  Sound sound;     ///< where it is one
};

struct ReadRequest {
  MediaKind kind = MediaKind::none;         ///< picture or sound, what it shall be; none: whatever it is
  std::string ffmpeg = "ffmpeg";            ///< for sounds that are not read here: a file, or a name to find in PATH
  uint32_t seconds = MediaLimits().seconds; ///< of such a sound, beyond which nobody listens
};

/// Pictures, WAV and FLAC, and where a sound is asked for, by ffmpeg the first one of any other file that is no stream.
/// \param path  "-": standard input.
/// \returns inputOutput for a file that cannot be read or is none of the known formats.
Status readMediaFile(const std::string &path, const ReadRequest &request, MediaFile &file);

struct EncodeRequest {
  int64_t imageTokens = 0; ///< most soft tokens of a picture; 0: as the checkpoint has it
  bool split = false;      ///< a sound of more than is heard becomes several, else its beginning is heard
};

/// \param file    loses its pixels.
/// \param result  one, or the parts of a long sound in their order.
/// \param note    gets what people should know, such as that a sound was cut; else it stays empty.
/// \returns what the encoder says.
Status encodeMediaFile(MediaEncoder &encoder, MediaFile &file, const EncodeRequest &request,
                       std::vector<std::shared_ptr<const SoftRows>> &result, std::string &note);

/// `status` with the file's name.
Status about(const MediaFile &file, Status status);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MEDIAFILE_H
