#include "encode/MediaFile.h"

#include "base/Files.h"
#include "base/Text.h"
#include "features/Mel.h"
#include "features/Resample.h"
#include "media/Decode.h"

namespace gemmac::runtime {

static Status readMedia(const std::string &path, std::string &bytes, std::string &name) {
  Input input;
  if (Status status = input.open(path); !status.ok())
    return status;
  name = input.name();
  while (!input.ended()) {
    if (Status status = input.read(bytes); !status.ok())
      return status;
    if (bytes.size() > mostMediaBytes)
      return {ExitCode::inputOutput, format("%s has more than %s, the most that a picture or sound may have",
                                            name.c_str(), formatBytes(mostMediaBytes).c_str())};
  }
  return {};
}

/// What the encoder says, with the file's name.
static Status about(const std::string &name, Status status) {
  if (status.ok())
    return status;
  return {status.code(), name + ": " + status.message()};
}

Status encodeImageFile(MediaEncoder &encoder, const std::string &path, int64_t budget, SoftRows &result,
                       std::string &name) {
  std::string bytes;
  if (Status status = readMedia(path, bytes, name); !status.ok())
    return status;
  Picture picture;
  if (Status status = decodePicture(bytes, name, {}, picture); !status.ok())
    return status;
  return about(name, encoder.image(picture, budget, result));
}

Status encodeAudioFile(MediaEncoder &encoder, const std::string &path, SoftRows &result, std::string &name,
                       std::string &note) {
  std::string bytes;
  if (Status status = readMedia(path, bytes, name); !status.ok())
    return status;
  Sound sound;
  if (Status status = decodeSound(bytes, name, {}, sound); !status.ok())
    return status;
  note = sound.note;
  const bool cut =
      encoder.hearsPart() && resampledLength(static_cast<int64_t>(sound.samples.size()), sound.rate) > mostMelSamples;
  if (cut)
    note += format("%s%s: only the first %lld seconds are heard", note.empty() ? "" : "\n", name.c_str(),
                   static_cast<long long>(mostMelSamples / modelRate));
  return about(name, encoder.audio(sound, result));
}

} // namespace gemmac::runtime
