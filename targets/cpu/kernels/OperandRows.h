// Row steps that make of each element of an input one of the operand of a matrix.
#ifndef GEMMAC_TARGETS_CPU_KERNELS_OPERANDROWS_H
#define GEMMAC_TARGETS_CPU_KERNELS_OPERANDROWS_H

#include "targets/cpu/kernels/StepLowering.h"

#include "llvm/Support/FormatVariadic.h"

namespace gemmac {

// (input, result; first, last[; static scale][, bounds])
/// \param what  the kernel's name begins with it. \param make  what a vector becomes before it is limited and stored.
template <typename Step>
mlir::func::FuncOp operandKernel(KernelLibrary &kernels, Step step, llvm::StringRef what,
                                 llvm::function_ref<mlir::Value(KernelBuilder &, mlir::Value)> make) {
  using mlir::Value;
  constexpr int64_t vecBytes = KernelBuilder::lanes * 4;
  gemma::BufferType input = step.getInput().getType(), result = step.getResult().getType();
  bool isStatic = step.getStaticScale().has_value(), bounded = step.getWithin().has_value();
  std::string name = llvm::formatv("{0}_{1}{2}{3}_w{4}", what, nameOf(result.getElement()), isStatic ? "_static" : "",
                                   bounded ? "_within" : "", input.getWidth());
  auto body = [&](KernelBuilder &b, mlir::ValueRange a) {
    RowLimits limits(a.drop_front(4), isStatic, bounded);
    b.loop(a[2], a[3], 1, [&](Value row) {
      Value source = b.at(a[0], b.mul(row, input.getRowBytes()));
      Value target = b.at(a[1], b.mul(row, result.getRowBytes()));
      storeRow(b, target, result, limits, [&](Value offset) {
        Value low = b.loadVec(b.at(source, offset)), high = b.loadVec(b.at(b.at(source, offset), vecBytes));
        low = make(b, low);
        return std::make_pair(low, make(b, high));
      });
    });
  };
  return kernels.get(name, 2, 2, body, RowLimits::arguments(isStatic, bounded));
}

template <typename Step>
mlir::LogicalResult lowerOperand(Step step, StepLowering &lowering, llvm::StringRef what,
                                 llvm::function_ref<mlir::Value(KernelBuilder &, mlir::Value)> make) {
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getInput());
  llvm::SmallVector<mlir::Value> arguments{lowering.pointer(step.getInput()), lowering.pointer(step.getResult()), first,
                                           last};
  lowering.addScale(arguments, step.getStaticScale());
  lowering.addBounds(arguments, step.getWithin());
  return lowering.callKernel(operandKernel(lowering.kernels, step, what, make), arguments);
}

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_OPERANDROWS_H
