// Files of pictures and sounds, from the disk to soft tokens.
#ifndef GEMMAC_RUNTIME_MEDIAFILE_H
#define GEMMAC_RUNTIME_MEDIAFILE_H

#include "encode/MediaEncoder.h"

#include <string>

namespace gemmac::runtime {

/// Most bytes of a file of media.
constexpr size_t mostMediaBytes = size_t(1) << 30;

/// \param path    "-": standard input.
/// \param budget  most soft tokens; 0: as the checkpoint has it.
/// \param name    gets what messages call the file.
/// \returns inputOutput for a file that cannot be read or is none of the known formats; what the encoder says.
Status encodeImageFile(MediaEncoder &encoder, const std::string &path, int64_t budget, SoftRows &result,
                       std::string &name);
/// \param note  gets what people should know, such as that the sound was cut; else it stays empty.
Status encodeAudioFile(MediaEncoder &encoder, const std::string &path, SoftRows &result, std::string &name,
                       std::string &note);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MEDIAFILE_H
