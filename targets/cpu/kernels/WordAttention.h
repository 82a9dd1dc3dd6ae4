// Attention among the rows of a picture in int16: keys, values, queries and powers are integers. docs/spec/numerics.md,
// "Attention in int16", tells which.
#ifndef GEMMAC_TARGETS_CPU_KERNELS_WORDATTENTION_H
#define GEMMAC_TARGETS_CPU_KERNELS_WORDATTENTION_H

#include "targets/cpu/WordProducts.h"
#include "targets/cpu/kernels/RowTile.h"

namespace gemmac {

/// Keys and values as attention multiplies them, unpacked panels of int16 (WordPlaces): a block of 16 keys is the 16
/// rows of a panel, followed by their scales in f32; of values, 32 positions are the columns of a panel for each 16
/// elements. Keys and values of a head take the same room.
class WordRows {
public:
  using Value = mlir::Value;
  WordRows(KernelBuilder &b, const IsaLevel &level, int64_t headDim)
      : b(b), places{level.tileOps->wordRegister()}, headDim(headDim), padded(paddedHeadDim(headDim)) {}

  int64_t keyBlockBytes() const { return scalesOffset() + cacheBlock * 4; }
  int64_t scalesOffset() const { return padded / groupColumns * WordPlaces::groupBytes; }
  /// Of the values of 32 positions.
  int64_t valueGroupBytes() const { return padded / panelRows * WordPlaces::groupBytes; }

  /// Stores a row of f32 as the key of position `position`.
  void storeKey(Value row, Value keys, Value position) const;
  /// Stores a row that was normed as the value of that position.
  void storeValue(Value row, Value values, Value position) const;
  /// A query as its integers, in the order in which they are multiplied, then its scale.
  void storeQuery(Value row, Value to) const;
  static constexpr int64_t queryBytes(int64_t padded) { return padded * 2 + 64; }

private:
  KernelBuilder &b;
  WordPlaces places;
  int64_t headDim, padded;

  /// What a row of f32 is multiplied with so that it has the length of integers.
  Value factorOf(Value row) const;
  /// The scale is the inverse of the factor.
  void storeScale(Value factor, Value to) const;
};

class WordAttention : public TileAttention {
public:
  WordAttention(KernelBuilder &b, const IsaLevel &level, int64_t headDim, Value keys, Value values)
      : b(b), level(level), headDim(headDim), padded(paddedHeadDim(headDim)), rows(b, level, headDim), keys(keys),
        values(values) {}

  static TileMemory tileMemory(const IsaLevel &level, int64_t perKvHead, int64_t headDim) {
    int64_t padded = paddedHeadDim(headDim);
    return {perKvHead, level.wordTile.rows, WordRows::queryBytes(padded), padded * 4};
  }

  void prepareQuery(Value query, Value to) override { rows.storeQuery(query, to); }
  void scores(const PairTile &tile, const SplitBlocks &blocks) override;
  Softmax softmax(Value scores, const SplitBlocks &blocks, Value first, Value last) override;
  void weightedValues(const PairTile &tile, const SplitBlocks &blocks) override;
  void finish(Value merged, Value inverse) override;

private:
  KernelBuilder &b;
  const IsaLevel &level;
  int64_t headDim, padded;
  WordRows rows;
  Value keys, values;

  llvm::SmallVector<Value> dotPanels(Value first, int64_t groups, int64_t panelBytes, int64_t panels,
                                     llvm::ArrayRef<Value> words) const;
  void scorePanels(const PairTile &tile, Value index, Value begin, int64_t panels) const;
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_WORDATTENTION_H
