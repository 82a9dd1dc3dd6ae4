// Pictures of every kind. What is accepted must have every pixel set. Checksums of PNG chunks are mended after a
// change: else nothing behind them would ever be reached.
#include "MediaChecks.h"

#include <algorithm>
#include <cstring>
#include <zlib.h>

using namespace gemmac::runtime;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

static uint32_t bigEndianAt(const uint8_t *at) {
  return uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | at[3];
}

/// A chunk is a length, four letters, that many bytes, and a checksum of letters and bytes.
static void mendChecksums(uint8_t *data, size_t size) {
  constexpr size_t signature = 8, around = 12;
  for (size_t at = signature; at + around <= size;) {
    const size_t length = bigEndianAt(data + at);
    if (length > size - at - around)
      return;
    const auto sum = static_cast<uint32_t>(crc32(0, data + at + 4, static_cast<unsigned>(length + 4)));
    for (int i = 0; i < 4; ++i)
      data[at + 8 + length + i] = static_cast<uint8_t>(sum >> (24 - 8 * i));
    at += length + around;
  }
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maxSize, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, maxSize);
  if (seed % 8 != 0 && size > 8 && memcmp(data, "\x89PNG", 4) == 0)
    mendChecksums(data, size);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Picture picture;
  const MediaLimits limits = fuzzLimits();
  const Status status = decodePicture(mediaInput(data, size), "'f'", limits, picture);
  if (!status.ok()) {
    checkRefusal(status);
    return 0;
  }
  require(picture.width > 0 && picture.height > 0 && picture.width <= limits.side && picture.height <= limits.side);
  require(uint64_t{picture.width} * picture.height <= limits.pixels);
  for (size_t alpha = 3; alpha < picture.height * picture.rowBytes(); alpha += 4)
    require(picture.pixels[alpha] == 255);
  return 0;
}
