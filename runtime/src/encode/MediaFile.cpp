#include "encode/MediaFile.h"

#include "base/Files.h"
#include "base/Signals.h"
#include "base/Text.h"
#include "encode/MediaPlan.h"
#include "encode/SoundParts.h"
#include "encode/VideoFrames.h"
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

namespace {
/// What is known of a path before its file is read.
struct PathKind {
  bool plain = false;               ///< a file that can be read again, as streams cannot, and is not empty
  MediaKind kind = MediaKind::none; ///< of a plain file, by how it begins; a folder is a video
};
} // namespace

static Status lookAt(const std::string &path, PathKind &result) {
  struct stat found;
  if (path == "-" || ::stat(path.c_str(), &found) != 0)
    return {};
  if (S_ISDIR(found.st_mode))
    result.kind = MediaKind::video;
  result.plain = S_ISREG(found.st_mode) && found.st_size > 0;
  if (!result.plain)
    return {};
  Input input;
  std::string begin;
  if (Status status = input.open(path); !status.ok())
    return status;
  Status status = input.read(begin);
  if (status.ok() && begin.starts_with("ID3"))
    status = input.rest(begin, MediaLimits().bytes);
  result.kind = mediaKind(begin);
  return status;
}

static Status unknown(const std::string &name, const std::string &more) {
  return {ExitCode::inputOutput, format("cannot read %s: it begins like no picture in JPEG, PNG, WebP or GIF, no sound "
                                        "in WAV or FLAC and no video in Y4M%s",
                                        name.c_str(), more.c_str())};
}

/// What a file is that is not read here.
static Status askFfmpeg(const std::string &path, const ReadRequest &request, MediaFile &file) {
  Status status = findKindByFfmpeg(path, request.video.ffmpeg, file.kind);
  if (status.ok() || status.message().empty())
    return status;
  return unknown(file.name, ", and " + status.message());
}

static Status readStream(const std::string &path, const ReadRequest &request, MediaFile &file) {
  std::string bytes;
  if (Status status = readBytes(path, bytes, file.name); !status.ok())
    return status;
  if (file.kind == MediaKind::none)
    file.kind = mediaKind(bytes);
  switch (file.kind) {
  case MediaKind::picture:
    return decodePicture(bytes, file.name, {}, file.picture);
  case MediaKind::sound:
    return decodeSound(bytes, file.name, {}, file.sound);
  case MediaKind::video:
    return openVideoBytes(std::move(bytes), file.name, {}, request.video.rate, file.video);
  case MediaKind::none:
    break;
  }
  return unknown(file.name, "; give other kinds as a file");
}

Status readMediaFile(const std::string &path, const ReadRequest &request, MediaFile &file) {
  PathKind found;
  file.kind = request.kind;
  file.name = "'" + path + "'";
  if (file.kind == MediaKind::none || file.kind == MediaKind::sound)
    if (Status status = lookAt(path, found); !status.ok())
      return status;
  if (file.kind == MediaKind::none)
    file.kind = found.kind;
  if (file.kind == MediaKind::none && found.plain)
    if (Status status = askFfmpeg(path, request, file); !status.ok())
      return status;
  if (file.kind == MediaKind::sound && found.plain && found.kind != MediaKind::sound)
    return readSoundByFfmpeg(path, file.name, request.video.ffmpeg, request.seconds, file.sound);
  if (file.kind == MediaKind::video)
    return openVideo(path, {}, request.video, file.video, file.name);
  return readStream(path, request, file);
}

Status about(const MediaFile &file, Status status) {
  if (status.ok() || status.message().empty())
    return status;
  return {status.code(), file.name + ": " + status.message()};
}

static Status encodeSound(MediaEncoder &encoder, const MediaFile &file, bool split, std::vector<EncodedPart> &result,
                          std::string &note) {
  const Sound &sound = file.sound;
  note = sound.note;
  const bool cut = isCut(encoder.program(), static_cast<int64_t>(sound.samples.size()), sound.rate);
  if (!cut || !split) {
    if (cut)
      note += format("%s%s: only the first %lld seconds are heard; --audio-split plays all of it in parts",
                     note.empty() ? "" : "\n", file.name.c_str(), static_cast<long long>(mostMelSamples / modelRate));
    return about(file, encoder.audio(sound, result.emplace_back().rows));
  }
  for (const Sound &part : soundParts(sound)) {
    if (interruptRequested())
      return {ExitCode::interrupted, ""};
    if (Status status = encoder.audio(part, result.emplace_back().rows); !status.ok())
      return about(file, status);
  }
  return {};
}

static Status encodeVideo(MediaEncoder &encoder, const MediaFile &file, const EncodeRequest &request,
                          std::vector<EncodedPart> &result, std::string &note) {
  const FrameRequest frames{request.frames, encoder.context(), request.progress};
  auto take = [&](Picture &&picture, double begin, int64_t &tokens) -> Status {
    std::shared_ptr<const SoftRows> rows;
    if (Status status = encoder.image(std::move(picture), frameTokens, rows); !status.ok())
      return status;
    tokens = static_cast<int64_t>(rows->count());
    result.push_back({std::move(rows), begin});
    return {};
  };
  return takeFrames(*file.video, file.name, frames, take, note);
}

Status encodeMediaFile(MediaEncoder &encoder, MediaFile &file, const EncodeRequest &request,
                       std::vector<EncodedPart> &result, std::string &note) {
  result.clear();
  if (file.kind == MediaKind::sound)
    return encodeSound(encoder, file, request.split, result, note);
  if (file.kind == MediaKind::video)
    return encodeVideo(encoder, file, request, result, note);
  return about(file, encoder.image(std::move(file.picture), request.imageTokens, result.emplace_back().rows));
}

} // namespace gemmac::runtime
