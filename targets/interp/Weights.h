// Packed weights read back from the data section, value by value, as docs/formats.md lays them out.
#ifndef GEMMAC_TARGETS_INTERP_WEIGHTS_H
#define GEMMAC_TARGETS_INTERP_WEIGHTS_H

#include "dialects/Gemma/GemmaDialect.h"
#include "targets/interp/Numbers.h"

#include <span>
#include <vector>

namespace gemmac::interp {

/// One gemma.packed, unpacked. Rows of all entries of the batch follow each other.
struct Weights {
  int64_t rows = 0, cols = 0;       ///< padded, of one entry of the batch
  bool oneScalePerRow = false;      ///< c8, c4, c2 in panels
  std::vector<float> values;        ///< of formats of floats: [batch * rows, cols]
  std::vector<int32_t> integers;    ///< of the others, without their zero point: [batch * rows, cols]
  std::vector<float> scales;        ///< of the integers: [batch * rows, cols / 32]
  std::vector<double> outputScales; ///< of each source; empty: none has one
  std::vector<Bounds> outputBounds; ///< of each source; empty: none has some

  bool quantized() const { return values.empty(); }
  std::span<const float> valueRow(int64_t row) const { return part(values, row, cols); }
  std::span<const int32_t> integerRow(int64_t row) const { return part(integers, row, cols); }
  std::span<const float> scaleRow(int64_t row) const { return part(scales, row, cols / 32); }
  /// One element as embeddings read it.
  float element(int64_t row, int64_t col) const;
  /// The static grid of what source `index` gives; 0: none.
  float outputScale(size_t index) const {
    return index < outputScales.size() ? static_cast<float>(outputScales[index]) : 0.0f;
  }
  /// What the products of source `index` are clamped to, if anything.
  std::optional<Bounds> boundsOf(size_t index) const {
    return index < outputBounds.size() ? std::optional(outputBounds[index]) : std::nullopt;
  }

private:
  template <typename T> static std::span<const T> part(const std::vector<T> &all, int64_t row, int64_t width) {
    return std::span(all).subspan(static_cast<size_t>(row * width), static_cast<size_t>(width));
  }
};

/// Reads a packed symbol. \param data the data section, at least as long as the symbol's place in it asks for.
Weights unpack(gemma::PackedOp packed, std::span<const uint8_t> data);

} // namespace gemmac::interp

#endif // GEMMAC_TARGETS_INTERP_WEIGHTS_H
