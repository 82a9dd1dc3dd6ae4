#include "encode/MediaFile.h"

#include "base/Files.h"
#include "base/Signals.h"
#include "base/Text.h"
#include "encode/MediaPlan.h"
#include "encode/SoundParts.h"
#include "features/Mel.h"
#include "features/Resample.h"
#include "media/Ffmpeg.h"

#include <sys/stat.h>

namespace gemmac::runtime {

static Status readBytes(const std::string &path, std::string &bytes, std::string &name) {
  Input input;
  if (Status status = input.open(path); !status.ok())
    return status;
  name = input.name();
  return input.rest(bytes, MediaLimits().bytes);
}

/// Whether a file is no sound that is read here, by how it begins. Streams cannot be asked twice.
static Status needsFfmpeg(const std::string &path, bool &needs) {
  struct stat found;
  needs = false;
  if (path == "-" || ::stat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode) || found.st_size == 0)
    return {};
  Input input;
  std::string begin;
  if (Status status = input.open(path); !status.ok())
    return status;
  Status status = input.read(begin);
  if (status.ok() && begin.starts_with("ID3"))
    status = input.rest(begin, MediaLimits().bytes);
  needs = mediaKind(begin) != MediaKind::sound;
  return status;
}

Status readMediaFile(const std::string &path, const ReadRequest &request, MediaFile &file) {
  bool other = false;
  if (request.kind == MediaKind::sound)
    if (Status status = needsFfmpeg(path, other); !status.ok())
      return status;
  file.kind = request.kind;
  if (other) {
    file.name = "'" + path + "'";
    return readSoundByFfmpeg(path, file.name, request.ffmpeg, request.seconds, file.sound);
  }
  std::string bytes;
  if (Status status = readBytes(path, bytes, file.name); !status.ok())
    return status;
  if (file.kind == MediaKind::none)
    file.kind = mediaKind(bytes);
  if (file.kind == MediaKind::picture)
    return decodePicture(bytes, file.name, {}, file.picture);
  if (file.kind == MediaKind::sound)
    return decodeSound(bytes, file.name, {}, file.sound);
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

static Status encodeSound(MediaEncoder &encoder, const MediaFile &file, bool split,
                          std::vector<std::shared_ptr<const SoftRows>> &result, std::string &note) {
  const Sound &sound = file.sound;
  note = sound.note;
  const bool cut = isCut(encoder.program(), static_cast<int64_t>(sound.samples.size()), sound.rate);
  if (!cut || !split) {
    if (cut)
      note += format("%s%s: only the first %lld seconds are heard; --audio-split plays all of it in parts",
                     note.empty() ? "" : "\n", file.name.c_str(), static_cast<long long>(mostMelSamples / modelRate));
    return about(file, encoder.audio(sound, result.emplace_back()));
  }
  for (const Sound &part : soundParts(sound)) {
    if (interruptRequested())
      return {ExitCode::interrupted, ""};
    if (Status status = encoder.audio(part, result.emplace_back()); !status.ok())
      return about(file, status);
  }
  return {};
}

Status encodeMediaFile(MediaEncoder &encoder, MediaFile &file, const EncodeRequest &request,
                       std::vector<std::shared_ptr<const SoftRows>> &result, std::string &note) {
  result.clear();
  if (file.kind == MediaKind::sound)
    return encodeSound(encoder, file, request.split, result, note);
  return about(file, encoder.image(std::move(file.picture), request.imageTokens, result.emplace_back()));
}

} // namespace gemmac::runtime
