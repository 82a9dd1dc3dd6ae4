// Attention of several rows to the keys of one KV head: what attention over a cache and attention among the rows of a
// picture share.
#ifndef GEMMAC_TARGETS_CPU_KERNELS_ROWTILE_H
#define GEMMAC_TARGETS_CPU_KERNELS_ROWTILE_H

#include "targets/cpu/kernels/CacheRows.h"
#include "targets/cpu/kernels/SplitAttention.h"

namespace gemmac {

/// Positions [first, last] that a row or several see, and the splits and blocks that hold them.
struct KeyRange {
  KernelBuilder &b;
  mlir::Value first, last;

  /// All that the rows at positions [from, to] see.
  KeyRange(KernelBuilder &b, const CacheShape &cache, mlir::Value from, mlir::Value to)
      : b(b), first(b.i64(0)), last(to) {
    if (cache.window > 0)
      first = b.maxSigned(first, b.sub(from, b.i64(cache.window - 1)));
  }
  mlir::Value firstSplit() { return b.div(first, b.i64(cacheSplit)); }
  mlir::Value endSplit() { return b.add(b.div(last, b.i64(cacheSplit)), 1); }
  SplitBlocks blocksOf(mlir::Value split) {
    constexpr int64_t perSplit = cacheSplit / cacheBlock;
    mlir::Value begin = b.mul(split, perSplit);
    return {b.maxSigned(begin, b.div(first, b.i64(cacheBlock))),
            b.minSigned(b.add(begin, perSplit), b.add(b.div(last, b.i64(cacheBlock)), 1)), begin};
  }
};

/// The running softmax of 16 pairs, one a lane, and what the next split changes in it.
struct Merge {
  mlir::Value largest, sum; ///< after the split
  mlir::Value keep, take;   ///< factors of what was there and of the split's own
  Merge(KernelBuilder &b, mlir::Value largestBefore, mlir::Value sumBefore, mlir::Value splitLargest,
        mlir::Value splitSum)
      : largest(b.maxf(largestBefore, splitLargest)) {
    keep = SplitAttention::powerOf(b, b.subf(largestBefore, largest));
    take = SplitAttention::powerOf(b, b.subf(splitLargest, largest));
    sum = b.fma(sumBefore, keep, b.mulf(splitSum, take));
  }
  /// One vector of weighted values.
  static mlir::Value values(KernelBuilder &b, mlir::Value before, mlir::Value split, mlir::Value keep,
                            mlir::Value take) {
    return b.fma(before, keep, b.mulf(split, take));
  }
};

/// What a tile keeps of its pairs (row, query head).
struct TileMemory {
  int64_t pairs;      ///< at most
  int64_t passPairs;  ///< that are worked on together
  int64_t queryBytes; ///< as TileAttention::prepareQuery makes them
  int64_t headBytes;  ///< of the sums of a pair
  TileMemory(const IsaLevel &level, const CacheShape &cache, int64_t perKvHead)
      : pairs(SplitAttention::capacity(level, perKvHead)), passPairs(SplitAttention::passPairs(level, perKvHead)),
        queryBytes(queryRowBytes(cache)), headBytes(cache.padded * 4) {}
  TileMemory(int64_t perKvHead, int64_t passPairs, int64_t queryBytes, int64_t headBytes)
      : pairs(roundUp(SplitAttention::tileRows(perKvHead) * perKvHead, passPairs)), passPairs(passPairs),
        queryBytes(queryBytes), headBytes(headBytes) {}
  static constexpr int64_t statistics = 6; ///< f32 each
  int64_t stackBytes() const { return pairs * (queryBytes + headBytes + ScoreRow::bytes + statistics * 4); }
};

/// Rows [first, first + count) of one KV head: their pairs (row, query head) in scratch, row after row.
class RowTile {
public:
  using Value = mlir::Value;

  RowTile(KernelBuilder &b, const CacheShape &cache, const TileMemory &memory, int64_t heads, int64_t rowBytes);

  /// \param position  of row `firstRow`.
  /// \param lastKey  the last position that every row sees; null: each sees those up to its own.
  void emit(TileAttention &attention, Value query, Value result, Value firstRow, Value count, Value position,
            Value lastKey);

private:
  KernelBuilder &b;
  const CacheShape &cache;
  const TileMemory memory;
  int64_t perKvHead, rowBytes, vectors;
  Value queries, sums, scores, statistics, position, lastKey;

  enum Statistic { largest, sum, splitLargest, splitSum, keep, take };
  Value vectorOf(Statistic kind, int64_t vector);
  Value placeOf(Statistic kind, Value pair);
  Value offsetOf(Value firstRow, Value pair);
  KeyRange seenBy(Value from, Value to);
  void forHead(llvm::function_ref<void(Value offset)> body);
  void forTiles(Value paddedPairs, llvm::function_ref<void(const PairTile &)> body);
  void begin(TileAttention &attention, Value query, Value result, Value firstRow, Value pairs, Value paddedPairs);
  void softmax(TileAttention &attention, const SplitBlocks &blocks, Value pair);
  void merge(Value result, Value firstRow, Value pairs);
  void finish(TileAttention &attention, Value result, Value firstRow, Value pairs);
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_ROWTILE_H
