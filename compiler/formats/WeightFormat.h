// The one table of storage formats: bits, groups, bytes. Importer, passes, kernels, packing and tests read only this.
// Layouts are described on gemma.packed (dialects/Gemma/GemmaModelOps.td) and in docs/formats.md.
#ifndef GEMMAC_COMPILER_FORMATS_WEIGHTFORMAT_H
#define GEMMAC_COMPILER_FORMATS_WEIGHTFORMAT_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>

namespace gemmac {

/// Values equal those of gemma::Format in the dialect.
enum class WeightFormat : uint32_t { F32 = 0, F16 = 1, BF16 = 2, Q8 = 3, Q4 = 4, Q6 = 5, Q3 = 6, Q2 = 7 };

/// The bits of a quantized group are stored in one or two planes: the low bits of all values, then the high bits. A plane of
/// `p` bits has `p` blocks of four bytes a row; a byte holds 8 / p values. See planePlace.
struct BitPlane {
  int64_t bits;  ///< 8, 4, 2 or 1; 0: no plane
  int64_t shift; ///< of the plane's bits within the stored value
};

struct FormatInfo {
  WeightFormat format;
  llvm::StringLiteral name;
  int64_t bits;         ///< per value, scales excluded
  bool quantized;       ///< groups of 32 columns with one f16 scale each; activations are int8
  int64_t zeroPoint;    ///< stored value - zeroPoint is the integer weight; 0: stored as a signed byte
  int64_t largest;      ///< largest magnitude of the integer weight that rounding may give
  BitPlane planes[2];

  /// Largest magnitude of a stored value, which bounds the products that an integer sum must hold.
  constexpr int64_t largestStored() const { return zeroPoint ? (int64_t{1} << bits) - 1 : largest; }
  constexpr int64_t leastInteger() const { return zeroPoint ? -zeroPoint : -largest; }
  constexpr int64_t largestInteger() const { return leastInteger() + (zeroPoint ? largestStored() : 2 * largest); }
};

inline constexpr FormatInfo formatTable[] = {
    {WeightFormat::F32, "f32", 32, false, 0, 0, {}},
    {WeightFormat::F16, "f16", 16, false, 0, 0, {}},
    {WeightFormat::BF16, "bf16", 16, false, 0, 0, {}},
    {WeightFormat::Q8, "q8", 8, true, 0, 127, {{8, 0}}},
    {WeightFormat::Q4, "q4", 4, true, 8, 8, {{4, 0}}},
    {WeightFormat::Q6, "q6", 6, true, 32, 32, {{4, 0}, {2, 4}}},
    {WeightFormat::Q3, "q3", 3, true, 4, 4, {{2, 0}, {1, 2}}},
    {WeightFormat::Q2, "q2", 2, true, 2, 2, {{2, 0}}},
};

inline constexpr int64_t groupColumns = 32; ///< columns that share a scale; every axis is padded to a multiple
inline constexpr int64_t panelRows = 16;    ///< rows of a matmul panel
inline constexpr int64_t bufferAlign = 64;

constexpr const FormatInfo &formatInfo(WeightFormat format) { return formatTable[static_cast<uint32_t>(format)]; }

inline std::optional<WeightFormat> parseFormat(llvm::StringRef name) {
  for (const FormatInfo &info : formatTable)
    if (info.name == name)
      return info.format;
  return std::nullopt;
}

/// The formats that a user may choose for weights, widest first. f16 is for KV caches only.
inline constexpr WeightFormat choosableFormats[] = {WeightFormat::F32, WeightFormat::BF16, WeightFormat::Q8, WeightFormat::Q6,
                                                    WeightFormat::Q4,  WeightFormat::Q3,   WeightFormat::Q2};

/// "f32, bf16, q8, q6, q4, q3 or q2"
inline std::string choosableFormatNames() {
  std::string names;
  for (const WeightFormat &format : choosableFormats)
    names += (names.empty() ? "" : &format == std::end(choosableFormats) - 1 ? " or " : ", ") +
             formatInfo(format).name.str();
  return names;
}

constexpr int64_t roundUp(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

/// Bytes of the values of one group of 32 columns of a panel of `rows` rows; the scales follow them.
constexpr int64_t valueBytes(WeightFormat format, int64_t rows) {
  return rows * groupColumns * formatInfo(format).bits / 8;
}

/// Bytes of one group of 32 columns of a panel of `rows` rows, scales included.
constexpr int64_t groupBytes(WeightFormat format, int64_t rows) {
  return valueBytes(format, rows) + (formatInfo(format).quantized ? rows * 2 : 0);
}

/// Where a value lies in a plane of `planeBits` of a group: quads of columns go round the blocks, so that quads j and j + 4
/// are always the same byte, 4 bits apart (except for planes of 8 bits).
struct PlanePlace {
  int64_t byte, shift;
};
constexpr PlanePlace planePlace(int64_t planeBits, int64_t rows, int64_t row, int64_t column) {
  int64_t quad = column / 4, block = quad % planeBits;
  return {(block * rows + row) * 4 + column % 4, quad / planeBits * planeBits};
}

/// Bytes from one panel of `rows` rows and `cols` columns (a multiple of 32) to the next: 64-byte multiples for matmul
/// panels, 2-byte multiples for single rows.
constexpr int64_t panelBytes(WeightFormat format, int64_t rows, int64_t cols) {
  return roundUp(cols / groupColumns * groupBytes(format, rows), rows == 1 ? 2 : bufferAlign);
}

/// Bytes of a packed matrix of `batch` times `rows` by `cols`; with rowsPerPanel 0 a vector of f32.
constexpr int64_t packedBytes(WeightFormat format, int64_t rowsPerPanel, int64_t batch, int64_t rows, int64_t cols) {
  if (rowsPerPanel == 0)
    return roundUp(cols * 4, bufferAlign);
  return roundUp(batch * (rows / rowsPerPanel) * panelBytes(format, rowsPerPanel, cols), bufferAlign);
}

/// Head size with each half padded to 16, so that RoPE's partners stay aligned.
constexpr int64_t paddedHeadDim(int64_t headDim) { return 2 * roundUp(headDim / 2, panelRows); }

} // namespace gemmac

#endif // GEMMAC_COMPILER_FORMATS_WEIGHTFORMAT_H
