// Sines and cosines, and tables of constants (RopeTable.cpp).
#ifndef GEMMAC_TARGETS_CPU_KERNELS_SINECOSINE_H
#define GEMMAC_TARGETS_CPU_KERNELS_SINECOSINE_H

#include "targets/cpu/kernels/Kernels.h"

namespace gemmac {

/// Cosine and sine of 16 angles in f32, reckoned in f64.
std::pair<mlir::Value, mlir::Value> cosineAndSine(KernelBuilder &b, mlir::Value angles);

/// Where constants lie that a kernel reads; `name` is theirs alone.
mlir::Value constantFloats(KernelLibrary &kernels, KernelBuilder &b, const std::string &name,
                           llvm::ArrayRef<float> values);

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_SINECOSINE_H
