// A decoded picture.
#ifndef GEMMAC_RUNTIME_PICTURE_H
#define GEMMAC_RUNTIME_PICTURE_H

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace gemmac::runtime {

/// Memory of pixels; makePicture() allocates it.
struct FreePixels {
  void operator()(uint8_t *pixels) const { free(pixels); }
};

/// 8 bits per channel, 4 bytes per pixel: red, green, blue, 255. Rows from the top, one right after the other.
struct Picture {
  uint32_t width = 0, height = 0;
  std::unique_ptr<uint8_t[], FreePixels> pixels;

  size_t rowBytes() const { return size_t{width} * 4; }
  uint8_t *row(uint32_t y) { return pixels.get() + y * rowBytes(); }
  const uint8_t *row(uint32_t y) const { return pixels.get() + y * rowBytes(); }
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_PICTURE_H
