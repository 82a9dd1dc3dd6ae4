// The one table of storage formats: bits, groups, bytes. Importer, passes, kernels, packing and tests read only this.
// Layouts are described on gemma.packed (dialects/Gemma/GemmaModelOps.td) and in docs/formats.md.
#ifndef GEMMAC_COMPILER_FORMATS_WEIGHTFORMAT_H
#define GEMMAC_COMPILER_FORMATS_WEIGHTFORMAT_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>

namespace gemmac {

/// Values equal those of gemma::Format in the dialect.
enum class WeightFormat : uint32_t { F32 = 0, F16 = 1, BF16 = 2, Q8 = 3, Q4 = 4 };

struct FormatInfo {
  WeightFormat format;
  llvm::StringLiteral name;
  int64_t bits;         ///< per value, scales excluded
  bool quantized;       ///< groups of 32 columns with one f16 scale each; activations are int8
  int64_t zeroPoint;    ///< stored value - zeroPoint is the integer weight
  int64_t largest;      ///< largest magnitude of the integer weight that rounding may give
};

inline constexpr FormatInfo formatTable[] = {
    {WeightFormat::F32, "f32", 32, false, 0, 0},  {WeightFormat::F16, "f16", 16, false, 0, 0},
    {WeightFormat::BF16, "bf16", 16, false, 0, 0}, {WeightFormat::Q8, "q8", 8, true, 0, 127},
    {WeightFormat::Q4, "q4", 4, true, 8, 8},
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

constexpr int64_t roundUp(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

/// Bytes of one group of 32 columns of a panel of `rows` rows, scales included.
constexpr int64_t groupBytes(WeightFormat format, int64_t rows) {
  const FormatInfo &info = formatInfo(format);
  return rows * groupColumns * info.bits / 8 + (info.quantized ? rows * 2 : 0);
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
