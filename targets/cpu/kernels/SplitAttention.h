// Attention over the keys of one split, for a few (row, query head) pairs of one KV head at once: scores, softmax,
// weighted values. The emitters of decode and of several rows are built of these pieces, so that a pair's bits are the
// same in both.
#ifndef GEMMAC_TARGETS_CPU_KERNELS_SPLITATTENTION_H
#define GEMMAC_TARGETS_CPU_KERNELS_SPLITATTENTION_H

#include "targets/cpu/kernels/CacheRows.h"

namespace gemmac {

/// Blocks [first, last) of one split, by absolute position / 16; `begin` is the split's first one.
struct SplitBlocks {
  mlir::Value first, last, begin;
};

/// `count` pairs that are worked on together. Each has a query of f32, a row of scores of one split and a row of
/// weighted values, at fixed distances.
struct PairTile {
  int64_t count;
  mlir::Value queries, scores, sums;
};

/// The scores of a pair with the keys of one split, 16 for each block.
class ScoreRow {
public:
  using Value = mlir::Value;
  static constexpr int64_t bytes = cacheSplit * 4;
  ScoreRow(KernelBuilder &b, Value scores, const SplitBlocks &blocks) : b(b), scores(scores), blocks(blocks) {}

  /// Gives keys outside of [first, last], which are positions, a score below all others.
  void hide(Value first, Value last) const;
  /// The largest one; where no key is seen, one from which all are so far that their powers are zeros.
  Value top() const;
  Value place(Value index) const { return b.at(scores, b.mul(b.sub(index, blocks.begin), cacheBlock * 4)); }

private:
  KernelBuilder &b;
  Value scores;
  const SplitBlocks &blocks;
};

/// What RowTile asks of attention to the keys of one KV head.
class TileAttention {
public:
  using Value = mlir::Value;
  virtual ~TileAttention() = default;

  /// Makes what scores() reads of a query.
  virtual void prepareQuery(Value query, Value to) = 0;
  virtual void scores(const PairTile &tile, const SplitBlocks &blocks) = 0;
  struct Softmax {
    Value largest, sum; ///< f32; of a pair that sees no key of the split: below every score, and 0
  };
  /// Turns one pair's scores into powers e^(score - largest), 0 for keys outside of [first, last], which are positions.
  virtual Softmax softmax(Value scores, const SplitBlocks &blocks, Value first, Value last) = 0;
  /// Sums of the values, each times its power.
  virtual void weightedValues(const PairTile &tile, const SplitBlocks &blocks) = 0;
  /// Makes the result of a row of merged sums, in place. \param inverse  of the sum of the powers.
  virtual void finish(Value merged, Value inverse) = 0;
};

class SplitAttention : public TileAttention {
public:
  /// \param keys, values  of the KV head. \param keyNorm  which prepareQuery reads where the cache has turned pairs.
  SplitAttention(KernelBuilder &b, const CacheShape &cache, const IsaLevel &level, Value keys, Value values,
                 bool prefetch, Value keyNorm = {})
      : b(b), cache(cache), lanes(level.vectorLanes), mostSums(level.vectorSums), keys(keys), values(values),
        keyNorm(keyNorm), prefetch(prefetch) {
    if (cache.quantized())
      products = b.stack(mostSums * panelRows * 4);
  }

  /// Pairs per tile so that `pairs` need the fewest passes over the cache, with sums of `vectors` vectors each.
  static int64_t tilePairs(const IsaLevel &level, int64_t pairs, int64_t vectors = 1) {
    int64_t most = level.vectorSums / vectors, passes = (pairs + most - 1) / most;
    return (pairs + passes - 1) / passes;
  }

  /// Rows of a tile where several are worked on together, each with the query heads of one KV head: as many as keep
  /// their queries, scores and sums in the second level cache beside a split's keys and values.
  static int64_t tileRows(int64_t perKvHead) { return std::max<int64_t>(1, 32 / perKvHead); }
  /// Pairs per pass over the cache with such a tile: keys and values lie in the second level cache, so that a pass over
  /// whole blocks of them costs less than loads of queries.
  static int64_t passPairs(const IsaLevel &level, int64_t perKvHead) {
    return tilePairs(level, tileRows(perKvHead) * perKvHead, cacheBlock / level.vectorLanes);
  }
  /// Pairs of such a tile, filled up to whole passes.
  static int64_t capacity(const IsaLevel &level, int64_t perKvHead) {
    return roundUp(tileRows(perKvHead) * perKvHead, passPairs(level, perKvHead));
  }

  int64_t rowBytes() const { return cache.padded * 4; } ///< of sums
  int64_t queryBytes() const { return queryRowBytes(cache); }

  void prepareQuery(Value query, Value to) override { gemmac::prepareQuery(b, cache, query, keyNorm, to); }
  /// Products of the tile's queries with the keys, every chain in the order of the stored key's elements. Where a part
  /// of the keys is made of values, that part's products follow, 16 sums of every 16th element and then those of the
  /// sums.
  void scores(const PairTile &tile, const SplitBlocks &blocks) override;
  Softmax softmax(Value scores, const SplitBlocks &blocks, Value first, Value last) override;
  /// In the order of positions.
  void weightedValues(const PairTile &tile, const SplitBlocks &blocks) override;
  void finish(Value merged, Value inverse) override;

  static constexpr float lowestScore = -1.0e30f;
  /// e^x for x <= 0; 0 below e^-64, which no sum of f32 feels beside 1: products of smaller powers would be denormal
  /// numbers, which cost a hundred cycles each.
  static Value powerOf(KernelBuilder &b, Value x);

private:
  KernelBuilder &b;
  const CacheShape &cache;
  int64_t lanes, mostSums;
  Value keys, values, keyNorm;
  bool prefetch;
  Value products; ///< of quantized caches: powers times scales of a group, 16 for each group and pair

  mlir::VectorType floats() { return b.vec(lanes, b.getF32Type()); }
  Value block(Value base, Value index, int64_t bytes);
  Value pairAt(Value base, int64_t pair, int64_t stride) { return b.at(base, pair * stride); }
  /// Keys that one pass multiplies with: `parts` vectors of each block from vector `part` on.
  struct KeyVectors {
    int64_t part, parts;
    KernelBuilder::Values panels; ///< the first bytes of the blocks
    int64_t count() const { return static_cast<int64_t>(panels.size()) * parts; }
  };
  KernelBuilder::Values floatScores(const PairTile &tile, const KeyVectors &from);
  KernelBuilder::Values quantizedScores(const PairTile &tile, const KeyVectors &from);
  void addProducts(const PairTile &tile, Value query, int64_t element, mlir::ArrayRef<Value> vectors,
                   KernelBuilder::Values &sums);
  KernelBuilder::Values loadIntegers(Value pointer, int64_t count);
  void keyScores(const PairTile &tile, const SplitBlocks &blocks);
  void addValueScores(const PairTile &tile, const SplitBlocks &blocks);
  void addValueScores(const PairTile &tile, Value panel, Value target, int64_t firstPair, int64_t pairs,
                      int64_t positions);
  std::pair<Value, Value> loadValueGroup(Value row, Value scale);
  void scoreBlocks(const PairTile &tile, Value first, Value begin, int64_t blocks, int64_t half);
  void multiplyPowers(const PairTile &tile, Value rows, Value powers, int64_t groups);
  Value loadValues(Value row, int64_t vector);
  void addColumns(const PairTile &tile, Value rows, Value powers, Value group, int64_t firstVector, int64_t vectors);
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_SPLITATTENTION_H
