#include "targets/cpu/kernels/RowTile.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;

RowTile::RowTile(KernelBuilder &b, const CacheShape &cache, const TileMemory &memory, int64_t heads, int64_t rowBytes)
    : b(b), cache(cache), memory(memory), perKvHead(heads / cache.heads), rowBytes(rowBytes),
      vectors(roundUp(memory.pairs, lanes) / lanes) {
  queries = b.stack(memory.pairs * memory.queryBytes);
  sums = b.stack(memory.pairs * memory.headBytes);
  scores = b.stack(memory.pairs * ScoreRow::bytes);
  statistics = b.stack(TileMemory::statistics * vectors * vecBytes);
}

void RowTile::emit(TileAttention &attention, Value query, Value result, Value firstRow, Value count, Value position,
                   Value lastKey) {
  Value pairs = b.mul(count, perKvHead), passPairs = b.i64(memory.passPairs);
  Value paddedPairs = b.mul(b.div(b.add(pairs, memory.passPairs - 1), passPairs), passPairs);
  this->position = position;
  this->lastKey = lastKey;
  begin(attention, query, result, firstRow, pairs, paddedPairs);
  KeyRange range = seenBy(position, b.sub(b.add(position, count), b.i64(1)));
  b.loop(range.firstSplit(), range.endSplit(), 1, [&](Value split) {
    SplitBlocks blocks = range.blocksOf(split);
    forTiles(paddedPairs, [&](const PairTile &tile) { attention.scores(tile, blocks); });
    b.loop(b.i64(0), pairs, 1, [&](Value pair) { softmax(attention, blocks, pair); });
    forTiles(paddedPairs, [&](const PairTile &tile) { attention.weightedValues(tile, blocks); });
    merge(result, firstRow, pairs);
  });
  finish(attention, result, firstRow, pairs);
}

/// What the rows at positions [from, to] see.
KeyRange RowTile::seenBy(Value from, Value to) { return KeyRange(b, cache, from, lastKey ? lastKey : to); }

Value RowTile::vectorOf(Statistic kind, int64_t vector) {
  return b.at(statistics, (kind * vectors + vector) * vecBytes);
}
Value RowTile::placeOf(Statistic kind, Value pair) { return b.at(vectorOf(kind, 0), b.mul(pair, 4)); }

/// Byte offset of a pair's head in rows that hold all heads, from those of the tile's KV head on.
Value RowTile::offsetOf(Value firstRow, Value pair) {
  Value row = b.add(firstRow, b.div(pair, b.i64(perKvHead))), head = b.rem(pair, b.i64(perKvHead));
  return b.add(b.mul(row, rowBytes), b.mul(head, memory.headBytes));
}
void RowTile::forHead(llvm::function_ref<void(Value offset)> body) {
  b.loop(b.i64(0), b.i64(memory.headBytes), vecBytes, body);
}
void RowTile::forTiles(Value paddedPairs, llvm::function_ref<void(const PairTile &)> body) {
  b.loop(b.i64(0), paddedPairs, memory.passPairs, [&](Value pair) {
    body({memory.passPairs, b.at(queries, b.mul(pair, memory.queryBytes)), b.at(scores, b.mul(pair, ScoreRow::bytes)),
          b.at(sums, b.mul(pair, memory.headBytes))});
  });
}

// Queries lie together, and nothing reads them where they were: the result may lie there. Pairs that fill up the last
// tile get zeros, whose scores are zeros and so powers already.
void RowTile::begin(TileAttention &attention, Value query, Value result, Value firstRow, Value pairs,
                    Value paddedPairs) {
  Value zero = b.splat(b.vecF32(), 0.0), lowest = b.splat(b.vecF32(), SplitAttention::lowestScore);
  for (int64_t v = 0; v < vectors; ++v)
    for (auto kind : {largest, sum, splitLargest, splitSum})
      b.store(kind == largest || kind == splitLargest ? lowest : zero, vectorOf(kind, v));
  b.loop(b.i64(0), pairs, 1, [&](Value pair) {
    Value offset = offsetOf(firstRow, pair);
    attention.prepareQuery(b.at(query, offset), b.at(queries, b.mul(pair, memory.queryBytes)));
    Value merged = b.at(result, offset);
    forHead([&](Value i) { b.store(zero, b.at(merged, i)); });
  });
  b.loop(b.mul(pairs, memory.queryBytes), b.mul(paddedPairs, memory.queryBytes), vecBytes,
         [&](Value i) { b.store(zero, b.at(queries, i)); });
}

void RowTile::softmax(TileAttention &attention, const SplitBlocks &blocks, Value pair) {
  Value row = b.add(position, b.div(pair, b.i64(perKvHead)));
  KeyRange seen = seenBy(row, row);
  auto result = attention.softmax(b.at(scores, b.mul(pair, ScoreRow::bytes)), blocks, seen.first, seen.last);
  b.store(result.largest, placeOf(splitLargest, pair));
  b.store(result.sum, placeOf(splitSum, pair));
}

void RowTile::merge(Value result, Value firstRow, Value pairs) {
  for (int64_t v = 0; v < vectors; ++v) {
    auto load = [&](Statistic kind) { return b.loadVec(vectorOf(kind, v)); };
    Merge merge(b, load(largest), load(sum), load(splitLargest), load(splitSum));
    b.store(merge.largest, vectorOf(largest, v));
    b.store(merge.sum, vectorOf(sum, v));
    b.store(merge.keep, vectorOf(keep, v));
    b.store(merge.take, vectorOf(take, v));
  }
  b.loop(b.i64(0), pairs, 1, [&](Value pair) {
    Value merged = b.at(result, offsetOf(firstRow, pair)), split = b.at(sums, b.mul(pair, memory.headBytes));
    Value keeps = b.broadcast(b.loadFloat(placeOf(keep, pair))), takes = b.broadcast(b.loadFloat(placeOf(take, pair)));
    forHead([&](Value i) {
      Value place = b.at(merged, i);
      b.store(Merge::values(b, b.loadVec(place), b.loadVec(b.at(split, i)), keeps, takes), place);
    });
  });
}

void RowTile::finish(TileAttention &attention, Value result, Value firstRow, Value pairs) {
  for (int64_t v = 0; v < vectors; ++v)
    b.store(b.divf(b.splat(b.vecF32(), 1.0), b.loadVec(vectorOf(sum, v))), vectorOf(sum, v));
  b.loop(b.i64(0), pairs, 1, [&](Value pair) {
    attention.finish(b.at(result, offsetOf(firstRow, pair)), b.broadcast(b.loadFloat(placeOf(sum, pair))));
  });
}

} // namespace gemmac
