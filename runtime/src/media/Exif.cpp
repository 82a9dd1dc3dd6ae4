#include "media/Exif.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gemmac::runtime {

static constexpr uint32_t orientationTag = 0x0112, typeShort = 3;

unsigned exifOrientation(std::string_view exif) {
  constexpr std::string_view prefix("Exif\0\0", 6);
  if (exif.starts_with(prefix))
    exif.remove_prefix(prefix.size());
  const bool little = exif.starts_with(std::string_view("II*\0", 4));
  if (!little && !exif.starts_with(std::string_view("MM\0*", 4)))
    return 1;
  auto number = little ? littleEndian : bigEndian;
  std::string_view piece, rest = exif.substr(4);
  if (!take(rest, 4, piece) || number(piece) > exif.size())
    return 1;
  rest = exif.substr(number(piece));
  if (!take(rest, 2, piece))
    return 1;
  for (uint32_t entries = number(piece); entries > 0 && take(rest, 12, piece); --entries) {
    if (number(piece.substr(0, 2)) != orientationTag)
      continue;
    const bool oneShort = number(piece.substr(2, 2)) == typeShort && number(piece.substr(4, 4)) == 1;
    const uint32_t value = number(piece.substr(8, 2));
    return oneShort && value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

namespace {
/// The stored picture mirrored left to right, top to bottom, then its sides swapped.
struct Turn {
  bool swapSides, mirrorX, mirrorY;
};

/// Where the upright picture's pixel (0, 0) is stored, and how many bytes on its right and lower neighbours are.
struct Walk {
  const uint8_t *start;
  ptrdiff_t right, down;
};
} // namespace

// By EXIF's number.
static constexpr Turn turns[9] = {{},
                                  {false, false, false},
                                  {false, true, false},
                                  {false, true, true},
                                  {false, false, true},
                                  {true, false, false},
                                  {true, false, true},
                                  {true, true, true},
                                  {true, true, false}};

static Walk walkOf(const Picture &stored, Turn turn) {
  const ptrdiff_t alongRow = turn.mirrorX ? -4 : 4;
  const auto rowBytes = static_cast<ptrdiff_t>(stored.rowBytes());
  const ptrdiff_t alongColumn = turn.mirrorY ? -rowBytes : rowBytes;
  const uint8_t *start = stored.row(turn.mirrorY ? stored.height - 1 : 0);
  start += turn.mirrorX ? stored.rowBytes() - 4 : 0;
  return turn.swapSides ? Walk{start, alongColumn, alongRow} : Walk{start, alongRow, alongColumn};
}

static void copyTile(const Walk &walk, uint32_t left, uint32_t top, uint32_t side, Picture &upright) {
  const uint32_t right = std::min(left + side, upright.width), bottom = std::min(top + side, upright.height);
  for (uint32_t y = top; y < bottom; ++y) {
    const uint8_t *from = walk.start + y * walk.down + left * walk.right;
    uint8_t *to = upright.row(y) + size_t{left} * 4;
    for (uint32_t x = left; x < right; ++x, from += walk.right, to += 4)
      memcpy(to, from, 4);
  }
}

/// In tiles that fit the first cache: else each pixel of a turned picture comes from another page.
static void copyTurned(const Walk &walk, Picture &upright) {
  constexpr uint32_t side = 32;
  for (uint32_t top = 0; top < upright.height; top += side)
    for (uint32_t left = 0; left < upright.width; left += side)
      copyTile(walk, left, top, side, upright);
}

Status turnUpright(const MediaSource &source, unsigned orientation, Picture &picture) {
  if (orientation <= 1 || orientation > 8)
    return {};
  const Turn turn = turns[orientation];
  Picture upright;
  const uint32_t width = turn.swapSides ? picture.height : picture.width;
  const uint32_t height = turn.swapSides ? picture.width : picture.height;
  if (Status status = makePicture(source, width, height, upright); !status.ok())
    return status;
  copyTurned(walkOf(picture, turn), upright);
  picture = std::move(upright);
  return {};
}

} // namespace gemmac::runtime
