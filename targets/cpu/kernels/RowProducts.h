// Products of rows with the panels of one packed matrix, in the order that suits the number of rows.
#ifndef GEMMAC_TARGETS_CPU_KERNELS_ROWPRODUCTS_H
#define GEMMAC_TARGETS_CPU_KERNELS_ROWPRODUCTS_H

#include "targets/cpu/kernels/Kernels.h"

#include <functional>

namespace gemmac {

/// Emits the products of a kernel. Whatever the order, each sum of a row and a panel adds its groups of 32 columns in
/// slices and these in a tree (SliceSums), so that all orders give the same bits.
class RowProducts {
public:
  /// Pointers to `count` rows of the input from number `first` on.
  using Inputs = std::function<mlir::SmallVector<mlir::Value>(mlir::Value first, int64_t count)>;
  /// Takes the 16 sums of a row with a panel; when panels are paired, those with gate and with up.
  using Finish = std::function<void(mlir::Value panel, mlir::Value row, mlir::Value sum, mlir::Value up)>;

  /// `paired`: panels come in pairs, gate and up, and count as one.
  RowProducts(const KernelLibrary &library, KernelBuilder &b, const PackedShape &weight, bool paired,
              mlir::Value weights, Inputs inputs, Finish finish)
      : library(library), b(b), weight(weight), paired(paired), weights(weights), inputs(std::move(inputs)),
        finish(std::move(finish)) {}

  /// Whether functions of up to `maxRows` rows unpack blocks of panels before they multiply them.
  static bool unpacks(int64_t maxRows) { return maxRows > mostPackedRows; }

  /// Row 0 with panels [first, last), which are read abreast.
  void oneRow(mlir::Value first, mlir::Value last);
  /// Rows share each reading of a panel; panels are read abreast as far as their sums stay near the registers.
  void fewRows(mlir::Value rows, mlir::Value first, mlir::Value last);
  /// Rows of a chunk, at most `maxRows`: a block of columns after the other is unpacked and used for all of them.
  void chunk(mlir::Value rows, int64_t maxRows, mlir::Value first, mlir::Value last);

  using Part = llvm::function_ref<void(mlir::Value at, int64_t count)>;
  /// [first, last) in whole tiles of `largest`, then what is left in halves: five are four and one.
  /// \param divisor  another one than two: fewer kinds of tiles, less code.
  static void forParts(KernelBuilder &b, mlir::Value first, mlir::Value last, int64_t largest, Part body,
                       int64_t divisor = 2);

private:
  const KernelLibrary &library;
  KernelBuilder &b;
  const PackedShape &weight;
  bool paired;
  mlir::Value weights;
  Inputs inputs;
  Finish finish;

  mlir::SmallVector<mlir::Value> panelsFrom(mlir::Value panel, int64_t count);
  void manyStreams(mlir::Value rows, mlir::Value first, mlir::Value last);
  void forRowTiles(mlir::Value rows, mlir::Value first, mlir::Value last, int64_t rowTile);
  void packedTile(mlir::Value firstPanel, int64_t panels, mlir::Value firstRow, int64_t count);
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_ROWPRODUCTS_H
