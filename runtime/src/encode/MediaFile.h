// Files of pictures and sounds, from the disk to soft tokens.
#ifndef GEMMAC_RUNTIME_MEDIAFILE_H
#define GEMMAC_RUNTIME_MEDIAFILE_H

#include "encode/MediaEncoder.h"

#include <memory>
#include <string>
#include <vector>

namespace gemmac::runtime {

/// \param path    "-": standard input.
/// \param budget  most soft tokens; 0: as the checkpoint has it.
/// \param name    gets what messages call the file.
/// \returns inputOutput for a file that cannot be read or is none of the known formats; what the encoder says.
Status encodeImageFile(MediaEncoder &encoder, const std::string &path, int64_t budget, SoftRows &result,
                       std::string &name);

struct SoundRequest {
  bool split = false;            ///< a sound of more than 30 seconds becomes several, else its beginning is heard
  std::string ffmpeg = "ffmpeg"; ///< for what is not read here: a file, or a name to find in PATH
};

/// WAV and FLAC, and by ffmpeg the first sound of any other file that is no stream.
/// \param result  one, or the parts of a long sound in their order.
/// \param note    gets what people should know, such as that the sound was cut; else it stays empty.
Status encodeAudioFile(MediaEncoder &encoder, const std::string &path, const SoundRequest &request,
                       std::vector<std::shared_ptr<const SoftRows>> &result, std::string &name, std::string &note);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MEDIAFILE_H
