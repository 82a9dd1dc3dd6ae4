// What steps share. Each is one function run() with one loop nest. What it computes is told on its op
// (GemmaStepOps.td), in which order in docs/spec/numerics.md.
#ifndef GEMMAC_TARGETS_INTERP_STEPS_H
#define GEMMAC_TARGETS_INTERP_STEPS_H

#include "targets/interp/Frame.h"
#include "targets/interp/Numbers.h"

namespace gemmac::interp {

/// Panels of 16 rows of gate and up alternate: the packed row of either for row `n` of the result.
struct GateUp {
  int64_t gate, up;
  explicit GateUp(int64_t n) : gate(n / 16 * 32 + n % 16), up(gate + 16) {}
};

inline float toFloat(const llvm::APFloat &number) { return static_cast<float>(number.convertToDouble()); }
/// A static scale of rows; 0 where there is none.
inline float staticScale(std::optional<llvm::APFloat> scale) { return scale ? toFloat(*scale) : 0.0f; }
/// The keys and values of all rows of an encoder, kept by row: keys of all heads, then values of all.
class EncoderMemory {
public:
  template <typename Step>
  EncoderMemory(Step step, Frame &frame)
      : rows(frame[step.getMemory()]), heads(static_cast<int64_t>(step.getKvHeads())) {}

  int64_t paddedHead() const { return rows.width / (2 * heads); }
  std::span<float> key(int64_t row, int64_t head) const { return part(row, head); }
  std::span<float> value(int64_t row, int64_t head) const { return part(row, heads + head); }

private:
  std::span<float> part(int64_t row, int64_t index) const {
    const auto width = static_cast<size_t>(paddedHead());
    return rows.row(row).subspan(static_cast<size_t>(index) * width, width);
  }

  Rows &rows;
  int64_t heads;
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
