#include "encode/MediaFile.h"

#include "base/Files.h"
#include "base/Text.h"
#include "encode/MediaPlan.h"

namespace gemmac::runtime {

static Status readBytes(const std::string &path, std::string &bytes, std::string &name) {
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

Status readMediaFile(const std::string &path, MediaKind kind, MediaFile &file) {
  std::string bytes;
  if (Status status = readBytes(path, bytes, file.name); !status.ok())
    return status;
  file.kind = kind == MediaKind::none ? mediaKind(bytes) : kind;
  switch (file.kind) {
  case MediaKind::picture:
    return decodePicture(bytes, file.name, {}, file.picture);
  case MediaKind::sound:
    return decodeSound(bytes, file.name, {}, file.sound);
  case MediaKind::none:
    break;
  }
  return {ExitCode::inputOutput,
          format("cannot read %s: it begins like no picture in JPEG, PNG, WebP or GIF and no sound in WAV or FLAC; "
                 "convert it, for example with ffmpeg -i FILE picture.png",
                 file.name.c_str())};
}

Status about(const MediaFile &file, Status status) {
  if (status.ok() || status.message().empty())
    return status;
  return {status.code(), file.name + ": " + status.message()};
}

static Status encodeSound(MediaEncoder &encoder, const MediaFile &file, std::shared_ptr<const SoftRows> &result,
                          std::string &note) {
  const Sound &sound = file.sound;
  note = sound.note;
  if (isCut(static_cast<int64_t>(sound.samples.size()), sound.rate))
    note += (note.empty() ? "" : "\n") + cutNote(file.name);
  return about(file, encoder.audio(sound, result));
}

Status encodeMediaFile(MediaEncoder &encoder, const MediaFile &file, int64_t budget,
                       std::shared_ptr<const SoftRows> &result, std::string &note) {
  if (file.kind == MediaKind::sound)
    return encodeSound(encoder, file, result, note);
  return about(file, encoder.image(file.picture, budget, result));
}

} // namespace gemmac::runtime
