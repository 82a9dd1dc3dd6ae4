// What steps share. Each is one function run() with one loop nest. What it computes is told on its op
// (GemmaStepOps.td), in which order in docs/spec/numerics.md.
#ifndef GEMMAC_TARGETS_INTERP_STEPS_H
#define GEMMAC_TARGETS_INTERP_STEPS_H

#include "dialects/formats/CacheLayout.h"
#include "targets/interp/Frame.h"
#include "targets/interp/Numbers.h"

#include <bit>

namespace gemmac::interp {

/// Panels of 16 rows of gate and up alternate: the packed row of either for row `n` of the result.
struct GateUp {
  int64_t gate, up;
  explicit GateUp(int64_t n) : gate(n / 16 * 32 + n % 16), up(gate + 16) {}
};

inline float toFloat(const llvm::APFloat &number) { return static_cast<float>(number.convertToDouble()); }
/// A static scale of rows; 0 where there is none.
inline float staticScale(std::optional<llvm::APFloat> scale) { return scale ? toFloat(*scale) : 0.0f; }
/// The keys and values of all rows of an encoder, kept by row: of f32 keys of all heads, then values of all; in words,
/// int16, for each head the elements of its key and of its value side by side in an i32, then the bits of the key's
/// scale.
class EncoderMemory {
public:
  template <typename Step>
  EncoderMemory(Step step, Frame &frame)
      : words(step.isInWords()), rows(frame[step.getMemory()]), heads(static_cast<int64_t>(step.getKvHeads())),
        padded(static_cast<size_t>(paddedHeadDim(step.getHeadDim()))) {}

  const bool words;
  size_t paddedHead() const { return padded; }
  std::span<float> key(int64_t row, int64_t head) const { return part(row, head); }
  std::span<float> value(int64_t row, int64_t head) const { return part(row, heads + head); }

  struct Pair {
    int16_t key, value;
  };
  Pair pair(int64_t row, int64_t head, size_t element) const { return std::bit_cast<Pair>(word(row, head, element)); }
  float keyScale(int64_t row, int64_t head) const { return std::bit_cast<float>(word(row, head, padded)); }
  void keep(int64_t row, int64_t head, size_t element, Pair pair) const {
    word(row, head, element) = std::bit_cast<int32_t>(pair);
  }
  void keepKeyScale(int64_t row, int64_t head, float scale) const {
    word(row, head, padded) = std::bit_cast<int32_t>(scale);
  }

private:
  std::span<float> part(int64_t row, int64_t index) const {
    return rows.row(row).subspan(static_cast<size_t>(index) * padded, padded);
  }
  int32_t &word(int64_t row, int64_t head, size_t element) const {
    return rows.integerRow(row)[static_cast<size_t>(head) * (padded + 2) + element];
  }

  Rows &rows;
  int64_t heads;
  size_t padded;
};

/// A query or a key of an encoder as integers of one length, and what makes floats of them.
struct WordRow {
  std::vector<int32_t> integers;
  float scale;
  explicit WordRow(std::span<const float> row);
};

/// What a row is clamped to before it is stored, if anything.
inline void clamp(std::span<float> row, std::optional<llvm::ArrayRef<double>> within) {
  if (!within)
    return;
  const Bounds bounds{static_cast<float>((*within)[0]), static_cast<float>((*within)[1])};
  for (float &x : row)
    x = bounds.clamp(x);
}

} // namespace gemmac::interp

#endif // GEMMAC_TARGETS_INTERP_STEPS_H
