// gemma.step.quantize.
#include "targets/cpu/kernels/StepLowering.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

// (input, result; first, last[; static scale][, bounds])
static func::FuncOp quantizeKernel(KernelLibrary &kernels, gemma::QuantizeStep step) {
  gemma::BufferType input = step.getInput().getType(), result = step.getResult().getType();
  bool isStatic = step.getStaticScale().has_value(), bounded = step.getWithin().has_value();
  std::string name = llvm::formatv("quantize_{0}{1}{2}_w{3}", nameOf(result.getElement()), isStatic ? "_static" : "",
                                   bounded ? "_within" : "", input.getWidth());
  auto body = [&](KernelBuilder &b, ValueRange a) {
    RowLimits limits(a.drop_front(4), isStatic, bounded);
    b.loop(a[2], a[3], 1, [&](Value row) {
      Value source = b.at(a[0], b.mul(row, input.getRowBytes()));
      Value target = b.at(a[1], b.mul(row, result.getRowBytes()));
      storeRow(b, target, result, limits, [&](Value offset) {
        Value low = b.loadVec(b.at(source, offset));
        return std::make_pair(low, b.loadVec(b.at(b.at(source, offset), vecBytes)));
      });
    });
  };
  return kernels.get(name, 2, 2, body, RowLimits::arguments(isStatic, bounded));
}

LogicalResult lower(gemma::QuantizeStep step, StepLowering &lowering) {
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getInput());
  SmallVector<Value> arguments{lowering.pointer(step.getInput()), lowering.pointer(step.getResult()), first, last};
  lowering.addScale(arguments, step.getStaticScale());
  lowering.addBounds(arguments, step.getWithin());
  return lowering.callKernel(quantizeKernel(lowering.kernels, step), arguments);
}

} // namespace gemmac
