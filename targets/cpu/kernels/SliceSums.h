// The slices of a product's sum, one after the other, and the tree in which they are added (docs/spec/numerics.md,
// "Products of matrices").
#ifndef GEMMAC_TARGETS_CPU_KERNELS_SLICESUMS_H
#define GEMMAC_TARGETS_CPU_KERNELS_SLICESUMS_H

#include "dialects/formats/Slices.h"
#include "targets/cpu/KernelBuilder.h"

namespace gemmac {

/// A binary counter of sums: what waits at level k stands for 2^k slices. A finished slice takes in the levels below
/// the lowest clear bit of its number, and waits at the level of that bit.
class SliceSums {
public:
  using Value = mlir::Value;
  SliceSums(KernelBuilder &b, Slices slices) : b(b), slices(slices) {}

  /// The level of sums that are not finished, where no other waits. It is also the result's where the number of slices
  /// is a power of two.
  int64_t open() const { return levels(slices) - 1; }
  int64_t levels() const { return levels(slices); } ///< places that a sum needs
  static int64_t levels(Slices slices);

  Value first(Value slice) { return b.mul(slice, slices.per()); } ///< group
  Value end(Value slice) { return firstOrEnd(b.add(slice, 1)); }  ///< behind the last group
  Value firstOrEnd(Value slice);                                  ///< `slice` may be the number of slices

  using Finish = llvm::function_ref<void(int64_t level)>;
  /// Emits `finish` for each level that slice `slice` may end at: its sums take in levels [0, level), from 0 on, and go
  /// to `level`.
  void finish(Value slice, Finish finish) { finishFrom(0, slice, finish); }

  /// Where the sum in question waits at a level.
  using Place = llvm::function_ref<Value(int64_t level)>;
  /// `sum` with the levels below `level`, each the left operand.
  Value takeIn(Value sum, int64_t level, Place place);
  /// The sum of all slices, when the last is finished.
  Value result(Place place);

private:
  KernelBuilder &b;
  Slices slices;
  Value load(Value place) { return b.load(b.vecF32(), place, KernelBuilder::lanes * 4); }
  void finishFrom(int64_t level, Value slice, Finish finish);
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_SLICESUMS_H
