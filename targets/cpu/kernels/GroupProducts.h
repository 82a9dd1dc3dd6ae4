// Products of rows with one group of 32 columns of panels: what all orders of panels, rows and columns are made of.
#ifndef GEMMAC_TARGETS_CPU_KERNELS_GROUPPRODUCTS_H
#define GEMMAC_TARGETS_CPU_KERNELS_GROUPPRODUCTS_H

#include "targets/cpu/kernels/Kernels.h"

namespace gemmac {

// Weights come from memory once and in order, but hardware prefetchers stop at the end of a page and keep fewer lines
// in flight than a core can. Asking for lines this far ahead, counted over all panels that are read abreast, and
// reading several panels abreast raised a GEMV on a server core from 60 to 90-100 % of a plain read
// (docs/benchmarks.md).
inline constexpr int64_t prefetchBytes = 4096;
/// And at least so far ahead in each of them.
inline constexpr int64_t leastPrefetchBytes = 1024;

/// From a group of a slice to the weights that are asked for meanwhile: `bytes` further on. In the last slice of a
/// short panel these are the first of the panel that is read next, when `abreast` panels are read abreast: else each
/// lot of short panels would begin by waiting for memory.
mlir::Value prefetchDistance(KernelBuilder &b, const PackedShape &shape, mlir::Value slice, int64_t abreast,
                             int64_t bytes);

/// Sums so far. They are asked for behind the products of a group, so that totals in memory are loaded by the
/// additions.
using Totals = llvm::function_ref<KernelBuilder::Values()>;

/// The scales of a panel's rows where they hold for all groups, loaded once; else null.
mlir::Value loadRowScales(KernelBuilder &b, const PackedShape &weight, mlir::Value panel);

/// The scales of the rows in one group. `rowScales`: what loadRowScales gave.
mlir::Value scalesOfGroup(KernelBuilder &b, const WeightGroup &weights, mlir::Value rowScales);

/// A group of quantized rows: its number, and where the integers of each row lie.
struct RowsGroup {
  mlir::Value number;
  KernelBuilder::Values values;
};
/// `words`: they are multiplied as int16.
RowsGroup groupOfRows(KernelBuilder &b, const PackedShape &shape, bool words, mlir::ArrayRef<mlir::Value> rows,
                      mlir::Value number);

/// Totals with a group of packed weights of any format, by row.
KernelBuilder::Values addGroup(KernelBuilder &b, const TileOps &ops, const PackedShape &shape, mlir::Value weights,
                               mlir::Value rowScales, mlir::ArrayRef<mlir::Value> rows, mlir::Value group,
                               Totals totals);

/// Totals with a group of several panels of floats, by panel and row: 32 fused multiply-adds into a partial sum, which
/// is then added to the total.
KernelBuilder::Values addFloatGroup(KernelBuilder &b, Format format, mlir::ArrayRef<mlir::Value> panels,
                                    mlir::ArrayRef<mlir::Value> rows, mlir::Value group, Totals totals);

/// Totals with a group of several quantized panels, by panel and row: the dot product of the group, scaled and added.
/// `rowScales`: by panel, what loadRowScales gave. Where `shape` sums integers, so are the totals, and scales wait for
/// sumOfIntegers.
KernelBuilder::Values addQuantizedGroup(KernelBuilder &b, const TileOps &ops, mlir::ArrayRef<WeightGroup> panels,
                                        mlir::ArrayRef<mlir::Value> rowScales, const PackedShape &shape,
                                        mlir::ArrayRef<mlir::Value> rows, const RowsGroup &group, Totals totals);

/// The value that an integer sum of a row of `cols` columns and a panel stands for.
mlir::Value sumOfIntegers(KernelBuilder &b, mlir::Value rowScales, int64_t cols, mlir::Value row, mlir::Value sum);

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_GROUPPRODUCTS_H
