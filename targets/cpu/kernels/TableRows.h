// Rows of packed tables as floats.
#ifndef GEMMAC_TARGETS_CPU_KERNELS_TABLEROWS_H
#define GEMMAC_TARGETS_CPU_KERNELS_TABLEROWS_H

#include "targets/cpu/kernels/Kernels.h"

namespace gemmac {

/// The 32 values of one group of one row of a packed table. `panel` is the panel's first byte, `lane` the row in it.
std::pair<mlir::Value, mlir::Value> dequantizeGroup(KernelBuilder &b, const PackedShape &table, mlir::Value panel,
                                                    mlir::Value lane, mlir::Value group);

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_TABLEROWS_H
