// GIF by our own reader: its frames, and the first of them as a picture. Codes are a table of at most 4096 strings,
// each another one and a pixel at its end, so a string is never longer than the table, and never longer than what is
// left of the frame is written.
#include "media/GifReader.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace gemmac::runtime {

namespace {
/// Takes codes of a changing width from sub-blocks, the least significant bit first.
class CodeReader {
public:
  explicit CodeReader(std::string_view blocks) : rest(blocks) {}

  /// \returns -1 at the end.
  int next(unsigned bits) {
    while (held < bits) {
      if (block.empty() && !nextBlock())
        return -1;
      window |= uint32_t{static_cast<uint8_t>(block.front())} << held;
      block.remove_prefix(1);
      held += 8;
    }
    const int code = static_cast<int>(window & ((1u << bits) - 1));
    window >>= bits;
    held -= bits;
    return code;
  }

private:
  /// A block that the file cuts short counts as far as it goes.
  bool nextBlock() {
    std::string_view length;
    if (!take(rest, 1, length))
      return false;
    block = rest.substr(0, static_cast<uint8_t>(length[0]));
    rest.remove_prefix(block.size());
    return !block.empty();
  }

  std::string_view rest, block;
  uint32_t window = 0;
  unsigned held = 0;
};

/// The strings that codes stand for.
class CodeTable {
public:
  explicit CodeTable(unsigned pixelBits) : pixelBits(pixelBits) {
    for (unsigned i = 0; i < clearCode(); ++i)
      last[i] = static_cast<uint8_t>(i);
    clear();
  }

  unsigned clearCode() const { return 1u << pixelBits; }
  unsigned endCode() const { return clearCode() + 1; }
  unsigned bits() const { return codeBits; }
  void clear() {
    size = endCode() + 1;
    codeBits = pixelBits + 1;
    previous = -1;
  }

  /// The string of `code`, backwards at the end of `text`; `start` is where it begins. \returns false for a code that
  /// cannot be.
  bool expand(unsigned code, size_t &start) {
    if (code > size || (code == size && previous < 0) || code == clearCode() || code == endCode() ||
        (code == size && size == maxCodes))
      return false;
    start = text.size();
    // A code that is only being made: the string before it, and that one's first pixel again.
    const bool unmade = code == size;
    start -= unmade ? 1 : 0;
    for (unsigned at = unmade ? static_cast<unsigned>(previous) : code;; at = prefix[at]) {
      text[--start] = last[at];
      if (at < clearCode())
        break;
    }
    if (unmade)
      text.back() = text[start];
    append(code, text[start]);
    return true;
  }

  const uint8_t *pixels() const { return text.data(); }
  size_t end() const { return text.size(); }

private:
  /// The table grows by the string before, with the first pixel of this one.
  void append(unsigned code, uint8_t first) {
    if (previous >= 0 && size < maxCodes) {
      prefix[size] = static_cast<uint16_t>(previous);
      last[size] = first;
      ++size;
      if (size == 1u << codeBits && codeBits < 12)
        ++codeBits;
    }
    previous = static_cast<int>(code);
  }

  static constexpr unsigned maxCodes = 4096;
  unsigned pixelBits, codeBits = 0, size = 0;
  int previous = -1;
  std::array<uint16_t, maxCodes> prefix{};
  std::array<uint8_t, maxCodes> last{};
  std::array<uint8_t, maxCodes + 1> text{};
};

/// Puts pixels on their rows in the order in which they come.
class FrameWriter {
public:
  FrameWriter(const GifFrame &frame, int kept, Picture &picture) : frame(frame), kept(kept), picture(picture) {}

  bool done() const { return row >= frame.height; }
  void write(const uint8_t *indices, size_t count) {
    for (size_t i = 0; i < count && !done(); ++i) {
      uint8_t *pixel = picture.row(frame.top + row) + (size_t{frame.left} + column) * 4;
      if (indices[i] != kept)
        memcpy(pixel, frame.palette.colours[indices[i]].data(), 4);
      if (++column == frame.width)
        nextRow();
    }
  }

private:
  /// Interlaced rows: each eighth one, those halfway between, each fourth of what is left, each second.
  void nextRow() {
    static constexpr uint32_t starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
    column = 0;
    row += frame.interlaced ? steps[pass] : 1;
    while (frame.interlaced && row >= frame.height && pass < 3)
      row = starts[++pass];
  }

  const GifFrame &frame;
  const int kept; // index of pixels that are left as they are; -1: none
  Picture &picture;
  uint32_t row = 0, column = 0, pass = 0;
};
} // namespace

GifPalette::GifPalette() {
  for (unsigned i = 0; i < 256; ++i)
    colours[i] = {static_cast<uint8_t>(i), static_cast<uint8_t>(i), static_cast<uint8_t>(i), 255};
}

/// A palette that follows `flags`, if they say so. What it lacks is black; but a palette that counts up from black is
/// taken for no palette, as Pillow does.
static bool readPalette(std::string_view &rest, uint8_t flags, GifPalette &palette) {
  if (!(flags & 0x80))
    return true;
  const unsigned count = 2u << (flags & 7);
  std::string_view colours;
  if (!take(rest, size_t{3} * count, colours))
    return false;
  bool counting = true;
  GifPalette read;
  read.count = count;
  read.colours.fill({0, 0, 0, 255});
  for (unsigned i = 0; i < count; ++i)
    for (unsigned c = 0; c < 3; ++c) {
      read.colours[i][c] = static_cast<uint8_t>(colours[3 * i + c]);
      counting &= read.colours[i][c] == i;
    }
  palette = counting ? GifPalette() : read;
  return true;
}

/// An extension: the only one that matters says which colour is transparent, how long the frame stays, and what becomes
/// of it then.
static bool readExtension(std::string_view &rest, GifFrame &frame, unsigned &disposal) {
  std::string_view label, length, block;
  if (!take(rest, 1, label))
    return false;
  for (bool first = true;; first = false) {
    if (!take(rest, 1, length) || !take(rest, static_cast<uint8_t>(length[0]), block))
      return false;
    if (block.empty())
      return true;
    if (!first || label[0] != '\xf9' || block.size() < 4)
      continue;
    const auto flags = static_cast<uint8_t>(block[0]);
    if (flags & 1)
      frame.transparent = static_cast<uint8_t>(block[3]);
    frame.delay = littleEndian(block.substr(1, 2));
    if (const unsigned asked = flags >> 2 & 7; asked != 0) // else as before
      disposal = asked;
  }
}

bool GifReader::open(std::string_view bytes) {
  rest = bytes;
  std::string_view screen;
  if (!take(rest, 13, screen))
    return false;
  screenWidth = littleEndian(screen.substr(6, 2));
  screenHeight = littleEndian(screen.substr(8, 2));
  const auto flags = static_cast<uint8_t>(screen[10]);
  background = flags & 0x80 ? static_cast<uint8_t>(screen[11]) : 0;
  return readPalette(rest, flags, palette);
}

GifReader::Next GifReader::next(GifFrame &frame) {
  frame = {};
  std::string_view kind, place;
  while (take(rest, 1, kind)) {
    if (kind[0] == ';')
      return Next::end;
    if (kind[0] == '!' && !readExtension(rest, frame, disposal))
      return Next::cut;
    if (kind[0] != ',')
      continue; // other bytes are skipped, as Pillow does
    if (!take(rest, 9, place))
      return Next::cut;
    frame.left = littleEndian(place.substr(0, 2));
    frame.top = littleEndian(place.substr(2, 2));
    frame.width = littleEndian(place.substr(4, 2));
    frame.height = littleEndian(place.substr(6, 2));
    frame.interlaced = place[8] & 0x40;
    frame.disposal = disposal;
    frame.palette = palette;
    if (!readPalette(rest, static_cast<uint8_t>(place[8]), frame.palette))
      return Next::cut;
    frame.codes = rest;
    return Next::frame;
  }
  return Next::end;
}

bool GifReader::skipCodes() {
  std::string_view length, block;
  if (!take(rest, 1, block))
    return false;
  do
    if (!take(rest, 1, length) || !take(rest, static_cast<uint8_t>(length[0]), block))
      return false;
  while (!block.empty());
  return true;
}

Status drawGifFrame(const MediaSource &source, const GifFrame &frame, int kept, Picture &picture) {
  std::string_view codes = frame.codes, pixelBits;
  if (!take(codes, 1, pixelBits))
    return source.refuseEarlyEnd();
  if (pixelBits[0] < 1 || pixelBits[0] > 8)
    return source.refuse("its codes begin with " + std::to_string(static_cast<uint8_t>(pixelBits[0])) +
                         " bits, expected 1 to 8; it is damaged");
  CodeReader reader(codes);
  CodeTable table(static_cast<unsigned>(pixelBits[0]));
  FrameWriter writer(frame, kept, picture);
  while (!writer.done()) {
    const int code = reader.next(table.bits());
    if (code < 0 || static_cast<unsigned>(code) == table.endCode())
      return source.refuseEarlyEnd();
    if (static_cast<unsigned>(code) == table.clearCode()) {
      table.clear();
      continue;
    }
    size_t start = 0;
    if (!table.expand(static_cast<unsigned>(code), start))
      return source.refuse("its codes make no sense; it is damaged");
    writer.write(table.pixels() + start, table.end() - start);
  }
  return {};
}

void fillGifScreen(const GifFrame &first, Picture &picture) {
  if (first.width == picture.width && first.height == picture.height)
    return;
  const std::array<uint8_t, 4> &outside = first.palette.colours[first.transparent < 0 ? 0 : first.transparent];
  for (size_t i = 0; i < size_t{picture.width} * picture.height; ++i)
    memcpy(picture.pixels.get() + 4 * i, outside.data(), 4);
}

Status decodeGif(const MediaSource &source, Picture &picture) {
  GifReader reader;
  GifFrame frame;
  if (!reader.open(source.bytes) || reader.next(frame) != GifReader::Next::frame)
    return source.refuseEarlyEnd();
  if (frame.width == 0 || frame.height == 0)
    return source.refuse("its first frame is empty");
  // A frame that does not fit onto the screen makes it larger.
  const uint32_t width = std::max(reader.width(), frame.left + frame.width);
  const uint32_t height = std::max(reader.height(), frame.top + frame.height);
  if (Status status = makePicture(source, width, height, picture); !status.ok())
    return status;
  fillGifScreen(frame, picture);
  return drawGifFrame(source, frame, /*kept=*/-1, picture);
}

} // namespace gemmac::runtime
