// What the decoders of this room share: the file that is read, its numbers, refusals, checked sizes.
#ifndef GEMMAC_RUNTIME_SOURCE_H
#define GEMMAC_RUNTIME_SOURCE_H

#include "base/Status.h"
#include "media/Limits.h"
#include "media/Picture.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace gemmac::runtime {

/// A file that is being decoded.
struct MediaSource {
  std::string_view bytes;
  std::string_view name; ///< as messages show it
  const char *kind;      ///< "JPEG picture"
  const MediaLimits &limits;

  /// "cannot read NAME as a KIND: PROBLEM".
  Status refuse(const std::string &problem) const;
  /// The same for a file that stops in the middle.
  Status refuseEarlyEnd() const;
};

/// Whole numbers of one to four bytes, the least significant or the most significant one first.
inline uint32_t littleEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;)
    value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}
inline uint32_t bigEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (char byte : bytes)
    value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

/// Takes the first `count` bytes off `rest`. \returns false, `rest` untouched, when there are fewer.
inline bool take(std::string_view &rest, size_t count, std::string_view &piece) {
  if (rest.size() < count)
    return false;
  piece = rest.substr(0, count);
  rest.remove_prefix(count);
  return true;
}

/// Checks a size against the limits.
Status checkPictureSize(const MediaSource &source, uint64_t width, uint64_t height);
/// The same, then allocates `picture`, whose pixels are not set.
Status makePicture(const MediaSource &source, uint64_t width, uint64_t height, Picture &picture);

// One file each. The source begins as its kind does; what else is in it is unknown.
struct Sound;
Status decodeJpeg(const MediaSource &source, Picture &picture);
Status decodePng(const MediaSource &source, Picture &picture);
Status decodeWebp(const MediaSource &source, Picture &picture);
Status decodeGif(const MediaSource &source, Picture &picture);
Status decodeWav(const MediaSource &source, Sound &sound);
Status decodeFlac(const MediaSource &source, Sound &sound);

/// Checks rate, channels and samples per channel of a sound.
Status checkSound(const MediaSource &source, uint64_t rate, uint64_t channels, uint64_t samples);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_SOURCE_H
