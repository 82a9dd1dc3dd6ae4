#include "media/Decode.h"

#include "base/Text.h"
#include "media/Source.h"

#include <cstdlib>
#include <sys/mman.h>

namespace gemmac::runtime {

Status MediaSource::refuse(const std::string &problem) const {
  return {ExitCode::inputOutput,
          format("cannot read %.*s as a %s: %s", static_cast<int>(name.size()), name.data(), kind, problem.c_str())};
}

Status MediaSource::refuseEarlyEnd() const {
  return refuse(format("it ends in the middle, after %zu bytes; copy it again", bytes.size()));
}

/// Large pictures ask for large pages: the first touch of 48 MB in pages of 4 KiB takes as long as decoding a JPEG
/// does.
static uint8_t *allocatePixels(size_t bytes) {
  constexpr size_t largePage = size_t{2} << 20;
  if (bytes < 2 * largePage)
    return static_cast<uint8_t *>(malloc(bytes));
  const size_t whole = (bytes + largePage - 1) / largePage * largePage;
  void *memory = aligned_alloc(largePage, whole);
  if (memory)
    (void)::madvise(memory, whole, MADV_HUGEPAGE); // a wish; without it all is as right, and slower
  return static_cast<uint8_t *>(memory);
}

Status checkPictureSize(const MediaSource &source, uint64_t width, uint64_t height) {
  const MediaLimits &limits = source.limits;
  auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  if (width == 0 || height == 0)
    return source.refuse(format("it has %llu x %llu pixels", number(width), number(height)));
  if (width > limits.side || height > limits.side || width * height > limits.pixels)
    return source.refuse(format("it has %llu x %llu pixels, at most %llu and sides of %u are read; make it smaller",
                                number(width), number(height), number(limits.pixels), limits.side));
  return {};
}

Status makePicture(const MediaSource &source, uint64_t width, uint64_t height, Picture &picture) {
  if (Status status = checkPictureSize(source, width, height); !status.ok())
    return status;
  picture.width = static_cast<uint32_t>(width);
  picture.height = static_cast<uint32_t>(height);
  picture.pixels.reset(allocatePixels(width * height * 4));
  if (!picture.pixels)
    return source.refuse(format("no memory for %u x %u pixels", picture.width, picture.height));
  return {};
}

Status checkSound(const MediaSource &source, uint64_t rate, uint64_t channels, uint64_t samples) {
  const MediaLimits &limits = source.limits;
  auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  if (rate < 1 || rate > limits.rate)
    return source.refuse(format("it has %llu samples per second, expected 1 to %u", number(rate), limits.rate));
  if (channels < 1 || channels > limits.channels)
    return source.refuse(format("it has %llu channels, expected 1 to %u", number(channels), limits.channels));
  if (samples > limits.samples || samples > limits.seconds * rate)
    return source.refuse(format("it has %llu samples, which is %llu seconds; at most %llu samples and %u seconds are "
                                "read; cut it into parts",
                                number(samples), number(samples / rate), number(limits.samples), limits.seconds));
  return {};
}

static Status unknown(std::string_view name, const char *expected, const std::string &advice) {
  return {ExitCode::inputOutput, format("cannot read %.*s: it begins like no %s; %s", static_cast<int>(name.size()),
                                        name.data(), expected, advice.c_str())};
}

static bool isWebp(std::string_view bytes) {
  return bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP";
}

static bool isGif(std::string_view bytes) { return bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a"); }

static bool isWav(std::string_view bytes) {
  return (bytes.starts_with("RIFF") || bytes.starts_with("RF64")) && bytes.size() >= 12 && bytes.substr(8, 4) == "WAVE";
}

static constexpr std::string_view jpegBegin = "\xff\xd8\xff", pngBegin = "\x89PNG\r\n\x1a\n";

bool isPicture(std::string_view bytes) {
  return bytes.starts_with(jpegBegin) || bytes.starts_with(pngBegin) || isWebp(bytes) || isGif(bytes);
}

Status decodePicture(std::string_view bytes, std::string_view name, const MediaLimits &limits, Picture &picture) {
  if (bytes.starts_with(jpegBegin))
    return decodeJpeg({bytes, name, "JPEG picture", limits}, picture);
  if (bytes.starts_with(pngBegin))
    return decodePng({bytes, name, "PNG picture", limits}, picture);
  if (isWebp(bytes))
    return decodeWebp({bytes, name, "WebP picture", limits}, picture);
  if (isGif(bytes))
    return decodeGif({bytes, name, "GIF picture", limits}, picture);
  return unknown(name, "picture in JPEG, PNG, WebP or GIF", "convert it, for example with ffmpeg -i FILE picture.png");
}

/// What follows ID3 tags, which MP3 files have, and some FLAC files though they should not.
static std::string_view withoutTags(std::string_view bytes) {
  while (bytes.size() >= 10 && bytes.starts_with("ID3")) {
    // Four groups of 7 bits.
    size_t length = 10;
    for (int i = 0; i < 4; ++i)
      length += static_cast<size_t>(bytes[6 + i] & 0x7f) << (21 - 7 * i);
    bytes.remove_prefix(length < bytes.size() ? length : bytes.size());
  }
  return bytes;
}

bool isSound(std::string_view begin) { return isWav(begin) || withoutTags(begin).starts_with("fLaC"); }

static bool isMp3(std::string_view bytes) {
  return bytes.size() >= 2 && bytes[0] == '\xff' && (bytes[1] & 0xe0) == 0xe0;
}

Status decodeSound(std::string_view bytes, std::string_view name, const MediaLimits &limits, Sound &sound) {
  if (isWav(bytes))
    return decodeWav({bytes, name, "WAV sound", limits}, sound);
  const std::string_view content = withoutTags(bytes);
  if (content.starts_with("fLaC"))
    return decodeFlac({content, name, "FLAC sound", limits}, sound);
  const char *what = isMp3(content) || bytes.starts_with("ID3") ? "this looks like MP3; " : "";
  return unknown(name, "sound in WAV or FLAC",
                 std::string(what) + "convert it, for example with ffmpeg -i FILE -ac 1 sound.wav");
}

} // namespace gemmac::runtime
