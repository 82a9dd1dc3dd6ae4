// What a gemma.buffer holds while the interpreter runs: plain numbers, row after row. Nothing is placed in an arena.
#ifndef GEMMAC_TARGETS_INTERP_ROWS_H
#define GEMMAC_TARGETS_INTERP_ROWS_H

#include "dialects/Gemma/GemmaDialect.h"

#include <span>
#include <vector>

namespace gemmac::interp {

struct Rows {
  Rows() = default;
  explicit Rows(gemma::BufferType type);

  Element element = Element::F32;
  int64_t width = 0;
  std::vector<float> values;     ///< f32: [rows, width]
  std::vector<int32_t> integers; ///< i32, q8, q16, s8: [rows, width]
  std::vector<float> scales;     ///< q8, q16, s8: [rows, width / 32]

  std::span<float> row(int64_t index) { return part<float>(values, index, width); }
  std::span<const float> row(int64_t index) const { return part<const float>(values, index, width); }
  std::span<int32_t> integerRow(int64_t index) { return part<int32_t>(integers, index, width); }
  std::span<const int32_t> integerRow(int64_t index) const { return part<const int32_t>(integers, index, width); }
  std::span<float> scaleRow(int64_t index) { return part<float>(scales, index, width / 32); }
  std::span<const float> scaleRow(int64_t index) const { return part<const float>(scales, index, width / 32); }

  int64_t rowCount() const {
    return static_cast<int64_t>(element == Element::F32 ? values.size() : integers.size()) / width;
  }

  /// Stores `input` as row `index`: as it is, or as the form of activations that the buffer's elements ask for.
  /// \param staticScale of a static grid; 0: there is none.
  void store(int64_t index, std::span<const float> input, float staticScale);

private:
  template <typename T> static std::span<T> part(std::span<T> all, int64_t index, int64_t width) {
    return all.subspan(static_cast<size_t>(index * width), static_cast<size_t>(width));
  }
};

} // namespace gemmac::interp

#endif // GEMMAC_TARGETS_INTERP_ROWS_H
