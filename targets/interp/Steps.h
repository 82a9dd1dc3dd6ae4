// What steps share. Each is one function run() with one loop nest. What it computes is told on its op
// (GemmaStepOps.td), in which order in docs/spec/numerics.md.
#ifndef GEMMAC_TARGETS_INTERP_STEPS_H
#define GEMMAC_TARGETS_INTERP_STEPS_H

#include "targets/interp/Frame.h"

namespace gemmac::interp {

/// Panels of 16 rows of gate and up alternate: the packed row of either for row `n` of the result.
struct GateUp {
  int64_t gate, up;
  explicit GateUp(int64_t n) : gate(n / 16 * 32 + n % 16), up(gate + 16) {}
};

/// Rows of a buffer that a call works on.
inline int64_t rowsOf(mlir::Operation *step, mlir::Value buffer, const Frame &frame) {
  const int64_t maxRows = step->getParentOfType<gemma::FunctionOp>().getMaxRows();
  return mlir::cast<gemma::BufferType>(buffer.getType()).getRows() / maxRows * frame.rows();
}

inline float toFloat(const llvm::APFloat &number) { return static_cast<float>(number.convertToDouble()); }
/// A static scale of rows; 0 where there is none.
inline float staticScale(std::optional<llvm::APFloat> scale) { return scale ? toFloat(*scale) : 0.0f; }

} // namespace gemmac::interp

#endif // GEMMAC_TARGETS_INTERP_STEPS_H
