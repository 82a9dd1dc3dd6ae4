// The one table of storage formats: bits, groups, bytes. Importer, passes, kernels, packing and tests read only this.
// Layouts are described on gemma.packed (dialects/Gemma/GemmaModelOps.td) and in docs/formats.md.
#ifndef GEMMAC_DIALECTS_FORMATS_FORMAT_H
#define GEMMAC_DIALECTS_FORMATS_FORMAT_H

#include "dialects/formats/Enums.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace gemmac {

/// Which values share a scale.
enum class ScaleKind : uint32_t {
  None,
  Group, ///< f16, of the 32 columns of a group; stored behind the group's values
  Row,   ///< f32, of a whole row; stored behind the groups of a panel. In tables, of a block of the column axis.
};

/// The bits of a quantized group are stored in planes: the low bits of all values, then the next ones. A plane of `p`
/// bits has `p` blocks of four bytes a row; a byte holds 8 / p values. See planePlace.
struct BitPlane {
  int64_t bits;  ///< 8, 4, 2 or 1; 0: no plane
  int64_t shift; ///< of the plane's bits within the stored value
};
inline constexpr int64_t mostPlanes = 3;

/// Levels that the extreme value of a group may stand for when its scale is searched: first, first + step, ... The
/// plain choice is the zero point; beyond it the extreme is clipped, below it levels stay unused at the ends.
/// docs/formats.md has what the trials gain. From 8 bits on there is no search: the plain scale is exact at both ends.
struct SearchLevels {
  float first, step;
};

struct FormatInfo {
  Format format;
  int64_t bits;          ///< per value, scales excluded
  ScaleKind scales;      ///< none: plain floats
  int64_t zeroPoint = 0; ///< stored value - zeroPoint is the integer weight; 0: stored as a signed byte
  int64_t largest = 0;   ///< largest magnitude of the integer weight that rounding gives
  SearchLevels search = {};
  BitPlane planes[mostPlanes] = {};
  bool quantized = false; ///< integers in groups of 32 columns; activations are int8 or int16
  bool rowScales() const { return scales == ScaleKind::Row; }
  /// Integers of more than a byte: activations are int16 whatever those of other formats are, and a product of both is
  /// one of int16. The sum of a group, 32 * 2048 * 32512 at most, is within int32.
  constexpr bool inWords() const { return quantized && bits > 8; }

  /// Largest magnitude of a stored value, which bounds the products that an integer sum must hold.
  constexpr int64_t largestStored() const { return zeroPoint ? (int64_t{1} << bits) - 1 : 128; }
  constexpr int64_t leastInteger() const { return -largest; }
  constexpr int64_t largestInteger() const { return std::min(largest, (int64_t{1} << (bits - 1)) - 1); }
  /// The integer weight of a stored value.
  constexpr int64_t integerOf(uint32_t stored) const {
    return zeroPoint ? int64_t{stored} - zeroPoint : static_cast<int8_t>(stored);
  }
};

constexpr FormatInfo floats(Format format, int64_t bits) { return {format, bits, ScaleKind::None}; }

/// 8 bits are a signed byte; others have half of their range as zero point, and a plane for each power of two that they
/// are the sum of, the largest one first. Where every level counts, below 8 bits, there is one more negative integer.
constexpr FormatInfo integers(Format format, int64_t bits, ScaleKind scales, SearchLevels search) {
  FormatInfo info{format, bits, scales};
  const int64_t half = int64_t{1} << (bits - 1);
  info.zeroPoint = bits == 8 ? 0 : half;
  info.largest = bits < 8 ? half : half - 1;
  info.search = search;
  info.quantized = true;
  BitPlane *plane = info.planes;
  int64_t shift = 0;
  for (int64_t width = 8; width > 0; width /= 2)
    if (bits & width) {
      *plane++ = {width, shift};
      shift += width;
    }
  return info;
}

inline constexpr FormatInfo formatTable[] = {
    floats(Format::F32, 32),
    floats(Format::F16, 16),
    floats(Format::BF16, 16),
    integers(Format::Q12, 12, ScaleKind::Group, {}),
    integers(Format::Q8, 8, ScaleKind::Group, {}),
    integers(Format::Q6, 6, ScaleKind::Group, {29.0f, 0.5f}),
    integers(Format::Q5, 5, ScaleKind::Group, {13.6f, 0.4f}),
    integers(Format::Q4, 4, ScaleKind::Group, {6.4f, 0.3f}),
    integers(Format::Q3, 3, ScaleKind::Group, {3.2f, 0.15f}),
    integers(Format::Q2, 2, ScaleKind::Group, {1.4f, 0.12f}),
    integers(Format::C8, 8, ScaleKind::Row, {}),
    integers(Format::C4, 4, ScaleKind::Row, {7.5f, 0.75f}), // the longer the row, the more it pays to clip its extreme
    integers(Format::C2, 2, ScaleKind::Row, {1.5f, 0.4f}),
};

inline constexpr int64_t groupColumns = 32; ///< columns that share a scale; every axis is padded to a multiple
inline constexpr int64_t panelRows = 16;    ///< rows of a matmul panel
inline constexpr int64_t bufferAlign = 64;

/// Rows that lie together in a layout.
constexpr int64_t rowsOf(Layout layout) { return layout == Layout::Panels ? panelRows : 1; }

constexpr const FormatInfo &formatInfo(Format format) { return formatTable[static_cast<uint32_t>(format)]; }
static_assert(std::size(formatTable) == getMaxEnumValForFormat() + 1);
static_assert(
    [] {
      for (const FormatInfo &info : formatTable)
        if (&formatInfo(info.format) != &info)
          return false;
      return true;
    }(),
    "the table is in the order of the enum");

/// The formats that a user may choose for weights: all but f16, which is for KV caches only.
inline constexpr auto choosableFormats = [] {
  std::array<Format, std::size(formatTable) - 1> formats = {};
  auto next = formats.begin();
  for (const FormatInfo &info : formatTable)
    if (info.format != Format::F16)
      *next++ = info.format;
  return formats;
}();

/// "f32, bf16, q12, q8, q6, q5, q4, q3, q2, c8, c4 or c2"
inline std::string choosableFormatNames() {
  std::string names;
  for (const Format &format : choosableFormats)
    names += (names.empty() ? "" : &format == &choosableFormats.back() ? " or " : ", ") + nameOf(format).str();
  return names;
}

/// The narrowest format that an embedding table of so many values, which is also the head, gets unasked. A large one is
/// a good part of what each token reads and loses little by a bit less; in a small one bits cost nothing
/// (docs/formats.md).
constexpr Format leastEmbeddingFormat(int64_t values) { return values < int64_t{1} << 26 ? Format::Q6 : Format::Q5; }

constexpr int64_t roundUp(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

/// Bytes of a row of `width` activations in int8: values, then a scale and a bias of each group. Layout: gemma.buffer.
constexpr int64_t quantizedRowBytes(int64_t width) { return roundUp(width + width / groupColumns * 8, bufferAlign); }

/// The same in int16 (q16): high and low bytes, both once more as int16, then a scale and a bias of each group.
constexpr int64_t wideRowBytes(int64_t width) { return roundUp(4 * width + width / groupColumns * 8, bufferAlign); }

/// Bytes of the values of one group of 32 columns of a panel of `rows` rows.
constexpr int64_t valueBytes(Format format, int64_t rows) { return rows * groupColumns * formatInfo(format).bits / 8; }

/// Bytes from one group of 32 columns to the next, in a panel of `rows` rows: values and the scales of the group.
constexpr int64_t groupBytes(Format format, int64_t rows) {
  return valueBytes(format, rows) + (formatInfo(format).scales == ScaleKind::Group ? rows * 2 : 0);
}

/// Where the row scales of a panel begin, behind all groups.
constexpr int64_t rowScalesOffset(Format format, int64_t rows, int64_t cols) {
  return cols / groupColumns * groupBytes(format, rows);
}

/// Where a value lies in a plane of `planeBits` of a group: quads of columns go round the blocks, so that the quads
/// j and j + 4 are always the same byte, 4 bits apart (except for planes of 8 bits).
struct PlanePlace {
  int64_t byte, shift;
};
constexpr PlanePlace planePlace(int64_t planeBits, int64_t rows, int64_t row, int64_t column) {
  int64_t quad = column / 4, block = quad % planeBits;
  return {(block * rows + row) * 4 + column % 4, quad / planeBits * planeBits};
}

/// Bytes from one panel of `rows` rows and `cols` columns (a multiple of 32) to the next: 64-byte multiples for matmul
/// panels, 2-byte multiples for single rows. `scaleBlocks`: row scales of one row.
constexpr int64_t panelBytes(Format format, int64_t rows, int64_t cols, int64_t scaleBlocks) {
  int64_t rowScales = formatInfo(format).scales == ScaleKind::Row ? rows * scaleBlocks * 4 : 0;
  return roundUp(rowScalesOffset(format, rows, cols) + rowScales, rows == 1 ? 2 : bufferAlign);
}

/// Bytes of a packed matrix of `batch` times `rows` by `cols`; of a vector, of `cols` f32.
constexpr int64_t packedBytes(Format format, Layout layout, int64_t batch, int64_t rows, int64_t cols,
                              int64_t scaleBlocks) {
  if (layout == Layout::Vector)
    return roundUp(cols * 4, bufferAlign);
  const int64_t together = rowsOf(layout);
  return roundUp(batch * (rows / together) * panelBytes(format, together, cols, scaleBlocks), bufferAlign);
}

/// Row scales of one row of a packed matrix whose column axis is padded in blocks of `paddedBlock`: tables have one for
/// each block (a row of per-layer embeddings is as many vectors as there are layers), panels of 16 rows one.
constexpr int64_t scaleBlocks(Layout layout, int64_t cols, int64_t paddedBlock) {
  return layout == Layout::Table ? (cols + paddedBlock - 1) / paddedBlock : 1;
}

/// Head size with each half padded to 16, so that RoPE's partners stay aligned.
constexpr int64_t paddedHeadDim(int64_t headDim) { return 2 * roundUp(headDim / 2, panelRows); }

} // namespace gemmac

#endif // GEMMAC_DIALECTS_FORMATS_FORMAT_H
