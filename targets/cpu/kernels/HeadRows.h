// The projection of rows to heads, and what becomes of the rows of a head: norms, RoPE, the way into a KV cache.
#ifndef GEMMAC_TARGETS_CPU_KERNELS_HEADROWS_H
#define GEMMAC_TARGETS_CPU_KERNELS_HEADROWS_H

#include "targets/cpu/kernels/CacheRows.h"

#include <functional>

namespace gemmac {

/// Products of rows with one head of a stacked weight, in a kernel for many rows and heads.
class HeadProducts {
public:
  using Value = mlir::Value;

  /// \param mostRows  of a call of the kernel.
  HeadProducts(KernelLibrary &kernels, gemma::PackedOp weight, gemma::BufferType input, int64_t headDim,
               int64_t mostRows)
      : shape(weight, input), kernel(kernels.matmul(shape)), padded(paddedHeadDim(headDim)), mostRows(mostRows) {}

  /// Floats that the kernel takes for it: what q, k and v do to their products (StepLowering::addOutputs).
  int64_t floats() const { return shape.outputs(3); }
  /// Part of the kernel's name.
  std::string text() const;

  /// Stores the rows of head `head` in `raw`. `ofHead` picks, of values of q, k and v, the one of the head's source.
  void make(KernelBuilder &b, Value input, Value weights, Value head, Value raw, Value rows, mlir::ValueRange floats,
            llvm::function_ref<Value(Value q, Value k, Value v)> ofHead) const;

private:
  KernelLibrary::Matmul shape;
  mlir::func::FuncOp kernel;
  int64_t padded, mostRows;
};

/// Emits what follows the projection of one head: `raw` holds its rows.
class HeadFinisher {
public:
  using Value = mlir::Value;
  /// Where the position of a row lies: how far the cache of its slot is from the first slot's (null: 0), the number of
  /// its block in it, and its lane in that.
  struct Place {
    Value slotOffset, block, lane;
    Value blockAt(KernelBuilder &b, Value firstSlot, int64_t blockBytes) const {
      return b.at(slotOffset ? b.at(firstSlot, slotOffset) : firstSlot, b.mul(block, blockBytes));
    }
  };
  using PlaceOf = std::function<Place(Value row)>;

  HeadFinisher(KernelBuilder &b, int64_t headDim, double eps, Value raw, Value ropeTable, Value rows, PlaceOf placeOf)
      : b(b), padded(paddedHeadDim(headDim)), headDim(headDim), eps(eps), raw(raw), ropeTable(ropeTable), rows(rows),
        placeOf(std::move(placeOf)) {}

  void query(Value weight, Value query, int64_t queryRowBytes);
  void key(const CacheShape &cache, Value weight, Value keys);
  void value(const CacheShape &cache, Value values, bool normed);
  /// Hand out each key, normed and rotated, and each value, in a row of f32.
  using UseRow = llvm::function_ref<void(Value row, Value stored)>;
  void forKeys(Value weight, UseRow use);
  void forValues(bool normed, UseRow use);
  /// Makes zeros of the keys (the values) behind the rows, up to the next multiple of a block. \param before  positions
  /// before that of row 0.
  void fillKeys(const CacheShape &cache, Value before, Value keys);
  void fillValues(const CacheShape &cache, Value before, Value values);

private:
  KernelBuilder &b;
  int64_t padded, headDim;
  double eps;
  Value raw, ropeTable, rows;
  PlaceOf placeOf;

  Value inverseRmsOf(Value row) { return inverseRms(b, row, padded, headDim, eps); }
  void fill(Value before, llvm::function_ref<void(Value zeros, const Place &place)> store);
  void rotated(Value row, Value weight, llvm::function_ref<void(Value offset, Value value)> store);
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_HEADROWS_H
