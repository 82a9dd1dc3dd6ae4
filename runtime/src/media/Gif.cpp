// The first frame of a GIF, by our own reader. Codes are a table of at most 4096 strings, each another one and a pixel
// at its end, so a string is never longer than the table, and never longer than what is left of the frame is written.
#include "media/Source.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace gemmac::runtime {

namespace {
/// A palette of 256 colours of 4 bytes, as pictures have them.
using Palette = std::array<std::array<uint8_t, 4>, 256>;

struct Frame {
  uint32_t left = 0, top = 0, width = 0, height = 0;
  bool interlaced = false;
  uint8_t outside = 0; ///< index of what is around the frame
  Palette palette;
};

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
  FrameWriter(const Frame &frame, Picture &picture) : frame(frame), picture(picture) {}

  bool done() const { return row >= frame.height; }
  void write(const uint8_t *indices, size_t count) {
    for (size_t i = 0; i < count && !done(); ++i) {
      uint8_t *pixel = picture.row(frame.top + row) + (size_t{frame.left} + column) * 4;
      memcpy(pixel, frame.palette[indices[i]].data(), 4);
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

  const Frame &frame;
  Picture &picture;
  uint32_t row = 0, column = 0, pass = 0;
};
} // namespace

/// Grey, which is also what a file without a palette means.
static Palette greyPalette() {
  Palette palette;
  for (unsigned i = 0; i < 256; ++i)
    palette[i] = {static_cast<uint8_t>(i), static_cast<uint8_t>(i), static_cast<uint8_t>(i), 255};
  return palette;
}

/// A palette that follows `flags`, if they say so. What it lacks is black; but a palette that counts up from black is
/// taken for no palette, as Pillow does.
static bool readPalette(std::string_view &rest, uint8_t flags, Palette &palette) {
  if (!(flags & 0x80))
    return true;
  const unsigned count = 2u << (flags & 7);
  std::string_view colours;
  if (!take(rest, size_t{3} * count, colours))
    return false;
  bool counting = true;
  Palette read;
  read.fill({0, 0, 0, 255});
  for (unsigned i = 0; i < count; ++i)
    for (unsigned c = 0; c < 3; ++c) {
      read[i][c] = static_cast<uint8_t>(colours[3 * i + c]);
      counting &= read[i][c] == i;
    }
  palette = counting ? greyPalette() : read;
  return true;
}

/// An extension: the only one that matters says which colour is transparent.
static bool readExtension(std::string_view &rest, Frame &frame) {
  std::string_view label, length, block;
  if (!take(rest, 1, label))
    return false;
  for (bool first = true;; first = false) {
    if (!take(rest, 1, length) || !take(rest, static_cast<uint8_t>(length[0]), block))
      return false;
    if (block.empty())
      return true;
    if (first && label[0] == '\xf9' && block.size() >= 4 && (block[0] & 1))
      frame.outside = static_cast<uint8_t>(block[3]);
  }
}

/// Reads up to the codes of the first frame. \returns false where the file ends before.
static bool readFrame(std::string_view &rest, Frame &frame) {
  std::string_view kind, place;
  while (take(rest, 1, kind)) {
    if (kind[0] == ';')
      return false;
    if (kind[0] == '!' && !readExtension(rest, frame))
      return false;
    if (kind[0] != ',')
      continue; // other bytes are skipped, as Pillow does
    if (!take(rest, 9, place))
      return false;
    frame.left = littleEndian(place.substr(0, 2));
    frame.top = littleEndian(place.substr(2, 2));
    frame.width = littleEndian(place.substr(4, 2));
    frame.height = littleEndian(place.substr(6, 2));
    frame.interlaced = place[8] & 0x40;
    return readPalette(rest, static_cast<uint8_t>(place[8]), frame.palette);
  }
  return false;
}

static Status readPixels(const MediaSource &source, std::string_view codes, const Frame &frame, Picture &picture) {
  std::string_view pixelBits;
  if (!take(codes, 1, pixelBits))
    return source.refuseEarlyEnd();
  if (pixelBits[0] < 1 || pixelBits[0] > 8)
    return source.refuse("its codes begin with " + std::to_string(static_cast<uint8_t>(pixelBits[0])) +
                         " bits, expected 1 to 8; it is damaged");
  CodeReader reader(codes);
  CodeTable table(static_cast<unsigned>(pixelBits[0]));
  FrameWriter writer(frame, picture);
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

Status decodeGif(const MediaSource &source, Picture &picture) {
  std::string_view rest = source.bytes, screen;
  Frame frame;
  frame.palette = greyPalette();
  if (!take(rest, 13, screen) || !readPalette(rest, static_cast<uint8_t>(screen[10]), frame.palette) ||
      !readFrame(rest, frame))
    return source.refuseEarlyEnd();
  if (frame.width == 0 || frame.height == 0)
    return source.refuse("its first frame is empty");
  // A frame that does not fit onto the screen makes it larger.
  const uint32_t width = std::max(littleEndian(screen.substr(6, 2)), frame.left + frame.width);
  const uint32_t height = std::max(littleEndian(screen.substr(8, 2)), frame.top + frame.height);
  if (Status status = makePicture(source, width, height, picture); !status.ok())
    return status;
  if (frame.width != width || frame.height != height)
    for (size_t i = 0; i < size_t{width} * height; ++i)
      memcpy(picture.pixels.get() + 4 * i, frame.palette[frame.outside].data(), 4);
  return readPixels(source, rest, frame, picture);
}

} // namespace gemmac::runtime
