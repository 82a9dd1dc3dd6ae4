#include "encode/MediaFile.h"

#include "base/Files.h"
#include "base/Signals.h"
#include "base/Text.h"
#include "encode/SoundParts.h"
#include "features/Mel.h"
#include "features/Resample.h"
#include "media/Decode.h"
#include "media/Ffmpeg.h"

#include <sys/stat.h>

namespace gemmac::runtime {

static Status readMedia(const std::string &path, std::string &bytes, std::string &name) {
  Input input;
  if (Status status = input.open(path); !status.ok())
    return status;
  name = input.name();
  return input.rest(bytes, MediaLimits().bytes);
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
  needs = !isSound(begin);
  return status;
}

/// \param part  whether the model hears the first seconds alone.
static Status readSound(const std::string &path, const SoundRequest &request, bool part, Sound &sound,
                        std::string &name) {
  bool other = false;
  if (Status status = needsFfmpeg(path, other); !status.ok())
    return status;
  if (other) {
    name = "'" + path + "'";
    // Without --audio-split a little more than is heard, so that it can be said that there is more.
    const auto heard = static_cast<uint32_t>(mostMelSamples / modelRate);
    return readSoundByFfmpeg(path, name, request.ffmpeg, part && !request.split ? heard + 1 : MediaLimits().seconds, sound);
  }
  std::string bytes;
  if (Status status = readMedia(path, bytes, name); !status.ok())
    return status;
  return decodeSound(bytes, name, {}, sound);
}

Status encodeAudioFile(MediaEncoder &encoder, const std::string &path, const SoundRequest &request,
                       std::vector<std::shared_ptr<const SoftRows>> &result, std::string &name, std::string &note) {
  Sound sound;
  result.clear();
  if (Status status = readSound(path, request, encoder.hearsPart(), sound, name); !status.ok())
    return status;
  note = sound.note;
  const bool isLong =
      encoder.hearsPart() && resampledLength(static_cast<int64_t>(sound.samples.size()), sound.rate) > mostMelSamples;
  if (isLong && !request.split)
    note += format("%s%s: only the first %lld seconds are heard; --audio-split plays all of it in parts",
                   note.empty() ? "" : "\n", name.c_str(), static_cast<long long>(mostMelSamples / modelRate));
  std::vector<Sound> parts;
  if (isLong && request.split)
    parts = soundParts(sound);
  else
    parts.push_back(std::move(sound));
  for (const Sound &part : parts) {
    auto rows = std::make_shared<SoftRows>();
    if (interruptRequested())
      return {ExitCode::interrupted, ""};
    if (Status status = encoder.audio(part, *rows); !status.ok())
      return about(name, status);
    result.push_back(std::move(rows));
  }
  return {};
}

} // namespace gemmac::runtime
