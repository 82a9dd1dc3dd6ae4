// Files of pictures and sounds, from the disk to soft tokens.
#ifndef GEMMAC_RUNTIME_MEDIAFILE_H
#define GEMMAC_RUNTIME_MEDIAFILE_H

#include "encode/MediaEncoder.h"
#include "media/Decode.h"

#include <string>

namespace gemmac::runtime {

/// Most bytes of a file of media.
constexpr size_t mostMediaBytes = size_t(1) << 30;

/// A file, decoded.
struct MediaFile {
  std::string name; ///< what messages call it
  MediaKind kind = MediaKind::none;
  Picture picture; ///< where it is one
  Sound sound;     ///< where it is one
};

/// \param path  "-": standard input.
/// \param kind  what it shall be; none: whatever it is.
/// \returns inputOutput for a file that cannot be read or is none of the known formats.
Status readMediaFile(const std::string &path, MediaKind kind, MediaFile &file);

/// \param budget  most soft tokens of a picture; 0: as the checkpoint has it.
/// \param note    gets what people should know, such as that a sound was cut; else it stays empty.
/// \returns what the encoder says.
Status encodeMediaFile(MediaEncoder &encoder, const MediaFile &file, int64_t budget,
                       std::shared_ptr<const SoftRows> &result, std::string &note);

/// `status` with the file's name.
Status about(const MediaFile &file, Status status);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MEDIAFILE_H
