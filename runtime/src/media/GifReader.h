// Frames of a GIF, for its first picture and for all of them.
#ifndef GEMMAC_RUNTIME_GIFREADER_H
#define GEMMAC_RUNTIME_GIFREADER_H

#include "media/Source.h"

#include <array>

namespace gemmac::runtime {

/// Colours of 4 bytes, as pictures have them. Without more: grey, which is also what a file without a palette means.
struct GifPalette {
  std::array<std::array<uint8_t, 4>, 256> colours;
  unsigned count = 256; ///< that the file has; the others are black

  GifPalette();
};

/// What stands before the pixels of a frame.
struct GifFrame {
  uint32_t left = 0, top = 0, width = 0, height = 0;
  bool interlaced = false;
  int transparent = -1;  ///< index of what is seen through; -1: none
  unsigned disposal = 0; ///< what becomes of it before the next: 2 it is cleared, above it is taken back, else it stays
  uint32_t delay = 0;    ///< in hundredths of a second
  GifPalette palette;
  std::string_view codes; ///< its pixels, and all that follows
};

/// Goes from frame to frame. The bytes must outlive it.
class GifReader {
public:
  enum class Next { frame, end, cut };

  /// \returns false where the file ends before a frame could begin.
  bool open(std::string_view bytes);
  uint32_t width() const { return screenWidth; }
  uint32_t height() const { return screenHeight; }
  uint8_t backgroundIndex() const { return background; }

  /// Goes on to the codes of the next frame. A file may lack the mark of its end.
  Next next(GifFrame &frame);
  /// Goes past the codes of this frame. \returns false where the file ends before.
  bool skipCodes();

private:
  std::string_view rest;
  uint32_t screenWidth = 0, screenHeight = 0;
  uint8_t background = 0;
  unsigned disposal = 0; // of the frame before, which counts where a frame says nothing
  GifPalette palette;
};

/// Draws a frame onto `picture`, which has room for it. \param kept  index of pixels that stay as they are; -1: none.
Status drawGifFrame(const MediaSource &source, const GifFrame &frame, int kept, Picture &picture);

/// What is around the first frame.
void fillGifScreen(const GifFrame &first, Picture &picture);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_GIFREADER_H
