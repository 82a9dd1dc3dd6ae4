// gemma.step.quantize.
#include "targets/cpu/kernels/OperandRows.h"

using namespace mlir;

namespace gemmac {

LogicalResult lower(gemma::QuantizeStep step, StepLowering &lowering) {
  return lowerOperand(step, lowering, "quantize", [](KernelBuilder &, Value x) { return x; });
}

} // namespace gemmac
