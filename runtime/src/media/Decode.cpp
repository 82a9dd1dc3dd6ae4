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

namespace {
enum class Format { unknown, jpeg, png, webp, gif, wav, flac, y4m };
} // namespace

static Format formatOf(std::string_view bytes) {
  const bool riff = bytes.starts_with("RIFF") && bytes.size() >= 12;
  if (bytes.starts_with("\xff\xd8\xff"))
    return Format::jpeg;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"))
    return Format::png;
  if (riff && bytes.substr(8, 4) == "WEBP")
    return Format::webp;
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a"))
    return Format::gif;
  if ((riff || (bytes.starts_with("RF64") && bytes.size() >= 12)) && bytes.substr(8, 4) == "WAVE")
    return Format::wav;
  if (bytes.starts_with("YUV4MPEG2"))
    return Format::y4m;
  return bytes.starts_with("fLaC") ? Format::flac : Format::unknown;
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

MediaKind mediaKind(std::string_view beginning) {
  switch (formatOf(withoutTags(beginning))) {
  case Format::jpeg:
  case Format::png:
  case Format::webp:
  case Format::gif:
    return MediaKind::picture;
  case Format::wav:
  case Format::flac:
    return MediaKind::sound;
  case Format::y4m:
    return MediaKind::video;
  case Format::unknown:
    break;
  }
  return MediaKind::none;
}

Status decodePicture(std::string_view bytes, std::string_view name, const MediaLimits &limits, Picture &picture) {
  switch (formatOf(bytes)) {
  case Format::jpeg:
    return decodeJpeg({bytes, name, "JPEG picture", limits}, picture);
  case Format::png:
    return decodePng({bytes, name, "PNG picture", limits}, picture);
  case Format::webp:
    return decodeWebp({bytes, name, "WebP picture", limits}, picture);
  case Format::gif:
    return decodeGif({bytes, name, "GIF picture", limits}, picture);
  default:
    return unknown(name, "picture in JPEG, PNG, WebP or GIF",
                   "convert it, for example with ffmpeg -i FILE picture.png");
  }
}

static bool isMp3(std::string_view bytes) {
  return bytes.size() >= 2 && bytes[0] == '\xff' && (bytes[1] & 0xe0) == 0xe0;
}

namespace {
/// How a container begins.
struct Signature {
  size_t at;
  std::string_view bytes;
  MediaKind kind; ///< none: it holds a picture of a kind that is not read
};
} // namespace

MediaKind likelyKind(std::string_view beginning) {
  using namespace std::string_view_literals;
  // The first that fits counts.
  static constexpr Signature signatures[] = {
      {4, "ftypM4A"sv, MediaKind::sound},      {4, "ftypM4B"sv, MediaKind::sound},
      {4, "ftyphei"sv, MediaKind::none},       {4, "ftyphev"sv, MediaKind::none},
      {4, "ftypavif"sv, MediaKind::none},      {4, "ftypavis"sv, MediaKind::none},
      {4, "ftypmif"sv, MediaKind::none},       {4, "ftypmsf"sv, MediaKind::none},
      {4, "ftypcrx"sv, MediaKind::none},       {4, "ftyp"sv, MediaKind::video},
      {4, "moov"sv, MediaKind::video},         {4, "mdat"sv, MediaKind::video},
      {4, "wide"sv, MediaKind::video},         {0, "\x1a\x45\xdf\xa3"sv, MediaKind::video},
      {8, "AVI "sv, MediaKind::video},         {0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"sv, MediaKind::video},
      {0, "FLV\x01"sv, MediaKind::video},      {0, "\0\0\x01\xba"sv, MediaKind::video},
      {0, "\0\0\x01\xb3"sv, MediaKind::video}, {0, "ID3"sv, MediaKind::sound},
      {0, "OggS"sv, MediaKind::sound},         {8, "AIFF"sv, MediaKind::sound},
      {8, "AIFC"sv, MediaKind::sound}};
  if (const MediaKind kind = mediaKind(beginning); kind != MediaKind::none)
    return kind;
  for (const Signature &one : signatures)
    if (beginning.size() >= one.at && beginning.substr(one.at).starts_with(one.bytes))
      return one.kind;
  // Frames of MPEG layer 3, of a known rate, or of AAC; text in UTF-16 begins with FF FE.
  const auto at = [&](size_t i) { return static_cast<uint8_t>(beginning[i]); };
  if (beginning.size() < 3 || at(0) != 0xff)
    return MediaKind::none;
  const bool layer3 = (at(1) & 0xe6) == 0xe2 && (at(1) & 0x18) != 0x08 && at(2) >> 4 != 0xf && (at(2) & 0xc) != 0xc;
  return layer3 || (at(1) & 0xf6) == 0xf0 ? MediaKind::sound : MediaKind::none;
}

Status decodeSound(std::string_view bytes, std::string_view name, const MediaLimits &limits, Sound &sound) {
  if (formatOf(bytes) == Format::wav)
    return decodeWav({bytes, name, "WAV sound", limits}, sound);
  const std::string_view content = withoutTags(bytes);
  if (formatOf(content) == Format::flac)
    return decodeFlac({content, name, "FLAC sound", limits}, sound);
  const char *what = isMp3(content) || bytes.starts_with("ID3") ? "this looks like MP3; " : "";
  return unknown(name, "sound in WAV or FLAC",
                 std::string(what) + "convert it, for example with ffmpeg -i FILE -ac 1 sound.wav");
}

} // namespace gemmac::runtime
