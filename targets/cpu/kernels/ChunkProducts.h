// Products of the rows of a chunk with panels that are unpacked block by block: each block serves all rows.
#ifndef GEMMAC_TARGETS_CPU_KERNELS_CHUNKPRODUCTS_H
#define GEMMAC_TARGETS_CPU_KERNELS_CHUNKPRODUCTS_H

#include "targets/cpu/kernels/RowProducts.h"

namespace gemmac {

/// Sums of all rows stay in memory meanwhile, at the levels of SliceSums. Those of a row lie together: a whole number
/// of pages apart they would get into each other's way in the cache.
class ChunkProducts {
public:
  using Value = mlir::Value;

  /// For sums of `panels` panels, of which as many are multiplied at once as the level unpacks, with at most `maxRows`
  /// rows.
  ChunkProducts(const KernelLibrary &library, KernelBuilder &b, const PackedShape &weight, int64_t panels,
                int64_t maxRows, const RowProducts::Inputs &inputs);

  /// Makes the sums of `rows` rows with `panels`; the first one's are those of panel `number`.
  void multiply(mlir::ArrayRef<Value> panels, int64_t number, Value rows);
  /// The 16 sums of panel `number` and a row; what KernelLibrary::scaledSum takes.
  Value sum(int64_t number, Value row);

private:
  const KernelLibrary &library;
  KernelBuilder &b;
  const PackedShape &weight;
  const RowProducts::Inputs &inputs;
  SliceSums slices;
  int64_t rowBytes, rowTile;
  Value blocks, sums;
  Value zeros; ///< where slices begin, laid out as the sums of a tile

  using Groups = KernelLibrary::UnpackedGroups;
  /// Groups of one slice, and whether they begin and end it: null where they are the whole slice.
  struct Part {
    Value slice, begins, ends;
  };
  void forTiles(Value rows, size_t panels, RowProducts::Part body);
  mlir::SmallVector<Value> unpack(mlir::ArrayRef<Value> panels, Value first, Value last);
  void wholeSlices(mlir::ArrayRef<Value> panels, int64_t number, Value rows, int64_t together);
  void partsOfSlices(mlir::ArrayRef<Value> panels, int64_t number, Value rows, int64_t groups);
  void dotTile(const Groups &groups, const Part &part, int64_t number, Value row, mlir::ArrayRef<Value> inputRows);
  Value waitingOf(int64_t number, Value row); ///< level 0
  mlir::VectorType sumType();
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_CHUNKPRODUCTS_H
