// gemma.step.quantize.
#include "targets/cpu/kernels/StepLowering.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

// (input, result; first, last[; static scale])
static func::FuncOp quantizeKernel(KernelLibrary &kernels, gemma::QuantizeStep step) {
  gemma::BufferType input = step.getInput().getType(), result = step.getResult().getType();
  bool isStatic = step.getStaticScale().has_value();
  std::string name =
      llvm::formatv("quantize_{0}{1}_w{2}", nameOf(result.getElement()), isStatic ? "_static" : "", input.getWidth());
  auto body = [&](KernelBuilder &b, ValueRange a) {
    Value staticScale = isStatic ? a[4] : Value();
    b.loop(a[2], a[3], 1, [&](Value row) {
      Value source = b.at(a[0], b.mul(row, input.getRowBytes()));
      Value target = b.at(a[1], b.mul(row, result.getRowBytes()));
      storeRow(b, target, result, staticScale, [&](Value offset) {
        Value low = b.loadVec(b.at(source, offset));
        return std::make_pair(low, b.loadVec(b.at(b.at(source, offset), vecBytes)));
      });
    });
  };
  return kernels.get(name, 2, 2, body, isStatic ? 1 : 0);
}

LogicalResult lower(gemma::QuantizeStep step, StepLowering &lowering) {
  auto [first, last] =
      lowering.rowRange(step.getReplicated(), step.getInput().getType().getRows() / lowering.maxRows());
  SmallVector<Value> arguments{lowering.pointer(step.getInput()), lowering.pointer(step.getResult()), first, last};
  lowering.addScale(arguments, step.getStaticScale());
  return lowering.callKernel(quantizeKernel(lowering.kernels, step), arguments);
}

} // namespace gemmac
