// The slices of a product's sum, one after the other, and the tree in which they are added (docs/spec/numerics.md,
// "Products of matrices").
#ifndef GEMMAC_TARGETS_CPU_KERNELS_SLICESUMS_H
#define GEMMAC_TARGETS_CPU_KERNELS_SLICESUMS_H

#include "dialects/formats/Slices.h"
#include "targets/cpu/KernelBuilder.h"

namespace gemmac {

/// A binary counter of sums: what waits at level k stands for 2^k slices. A finished slice takes in the levels below
/// the lowest clear bit of its number, and waits at the level of that bit. Levels lie in memory, `levelBytes` apart;
/// `waiting` is where level 0 of the sums in question lies, and each sum has an offset from there, in bytes.
class SliceSums {
public:
  using Value = mlir::Value;
  using Offsets = mlir::ArrayRef<int64_t>;
  SliceSums(KernelBuilder &b, Slices slices, int64_t levelBytes) : b(b), slices(slices), levelBytes(levelBytes) {}

  /// The level of sums that are not finished, where no other waits. It is also the result's where the number of slices
  /// is a power of two.
  int64_t open() const { return levels() - 1; }
  int64_t levels() const { return levels(slices); } ///< places that a sum needs
  static int64_t levels(Slices slices);
  Value at(Value waiting, int64_t level) { return b.at(waiting, level * levelBytes); }

  Value first(Value slice) { return b.mul(slice, slices.per()); } ///< group
  Value end(Value slice) { return firstOrEnd(b.add(slice, 1)); }  ///< behind the last group
  Value firstOrEnd(Value slice);                                  ///< `slice` may be the number of slices

  /// Slice `slice` is made: `sums` take in what waits for them, and wait.
  void finish(Value slice, mlir::ValueRange sums, Value waiting, Offsets offsets);
  /// Where sums of a slice are made in memory: those of an even one, which takes in nothing, where they wait.
  Value placeOf(Value slice, Value waiting);
  /// The same of sums that were made there.
  void finish(Value slice, Value waiting, Offsets offsets);

  // The parts of it, for a loop over groups that finishes the slice in its last round:
  Value taken(Value slice); ///< levels that it takes in: as many as ones end its binary form
  struct Settled {
    KernelBuilder::Values sums;
    Value place; ///< where they wait
  };
  /// `sums` with what waits for them in so many levels.
  Settled settled(Value taken, mlir::ValueRange sums, Value waiting, Offsets offsets);
  Value placeBehind(Value taken, Value waiting) { return b.at(waiting, b.mul(taken, levelBytes)); }

  /// The sum of all slices, when the last is finished; of `type` where there is one slice, else f32.
  Value result(Value waiting, mlir::VectorType type);

private:
  KernelBuilder &b;
  Slices slices;
  int64_t levelBytes;
  Value isOdd(Value slice);
  Value load(Value place, mlir::VectorType type) { return b.load(type, place, KernelBuilder::lanes * 4); }
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_SLICESUMS_H
