#include "passes/lower/SplitAttention.h"

using namespace mlir;

namespace gemmac {

// How far ahead of the keys and values in use those are asked for that come from memory; see PanelProducts.cpp.
static constexpr int64_t prefetchDistance = 4096;

Value SplitAttention::powerOf(KernelBuilder &b, Value x) {
  auto type = cast<VectorType>(x.getType());
  Value matters = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, b.splat(type, -64.0));
  return b.select(matters, b.exp(x), b.splat(type, 0.0));
}

Value SplitAttention::block(Value base, Value index) {
  Value slot = cache.window > 0 ? b.rem(index, b.i64(cache.capacity / cacheBlock)) : index;
  return b.at(base, b.mul(slot, cache.blockBytes()));
}

// Scores of `blocks` blocks from `first` on, lanes [half * lanes, (half + 1) * lanes) of each where a block takes more
// than one vector and one pass does not do both.
void SplitAttention::scoreBlocks(const PairTile &tile, Value first, Value begin, int64_t blocks, int64_t half) {
  constexpr int64_t unroll = 4;
  int64_t element = cache.elementBytes(), keyBytes = cacheBlock * element;
  int64_t parts = half < 0 ? cacheBlock / lanes : 1;
  KernelBuilder::Values panels, sums(tile.count * blocks * parts, b.splat(floats(), 0.0));
  for (int64_t i = 0; i < blocks; ++i) {
    Value panel = block(keys, b.add(first, i));
    for (int64_t part = 0; part < parts; ++part)
      panels.push_back(b.at(panel, (half < 0 ? part : half) * lanes * element));
  }
  sums = b.loop(b.i64(0), b.i64(cache.padded), unroll, sums, [&](Value j, ValueRange state) {
    KernelBuilder::Values next(state);
    Value query = b.at(tile.queries, b.mul(j, 4)), offset = b.mul(j, keyBytes);
    if (prefetch && half <= 0)
      for (int64_t i = 0; i < blocks; ++i)
        b.prefetch(b.at(b.at(panels[i * parts], offset), prefetchDistance), unroll * keyBytes);
    for (int64_t u = 0; u < unroll; ++u) {
      KernelBuilder::Values loaded;
      for (Value panel : panels)
        loaded.push_back(b.loadFloats(cache.format, b.at(b.at(panel, offset), u * keyBytes), lanes));
      for (int64_t pair = 0; pair < tile.count; ++pair) {
        Value x = b.broadcast(b.load(b.getF32Type(), b.at(pairAt(query, pair, rowBytes()), u * 4)), floats());
        for (auto [i, key] : llvm::enumerate(loaded)) {
          Value &sum = next[pair * loaded.size() + i];
          sum = b.fma(key, x, sum);
        }
      }
    }
    return next;
  });
  Value target = b.at(tile.scores, b.mul(b.sub(first, begin), cacheBlock * 4));
  for (int64_t pair = 0; pair < tile.count; ++pair)
    for (size_t i = 0; i < panels.size(); ++i) {
      int64_t offset = (half < 0 ? static_cast<int64_t>(i) * lanes : half * lanes) * 4;
      b.store(sums[pair * panels.size() + i], b.at(pairAt(target, pair, scoreRowBytes), offset));
    }
}

void SplitAttention::scores(const PairTile &tile, const SplitBlocks &blocks) {
  int64_t vectors = std::max<int64_t>(1, mostSums / tile.count), parts = cacheBlock / lanes;
  if (vectors < parts) {
    b.loop(blocks.first, blocks.last, 1, [&](Value index) {
      for (int64_t half = 0; half < parts; ++half)
        scoreBlocks(tile, index, blocks.begin, 1, half);
    });
    return;
  }
  // Few pairs take several blocks at once: one chain of additions for each would leave the multipliers waiting. Each block
  // has its own address, so more than 8 would spill them.
  constexpr int64_t mostBlocks = 8;
  Value done = blocks.first;
  for (int64_t step = std::min(vectors / parts, mostBlocks); step > 0; step /= 2) {
    Value end = b.sub(blocks.last, b.rem(b.sub(blocks.last, done), b.i64(step)));
    b.loop(done, end, step, [&](Value index) { scoreBlocks(tile, index, blocks.begin, step, -1); });
    done = end;
  }
}

SplitAttention::Softmax SplitAttention::softmax(Value scores, const SplitBlocks &blocks, Value first, Value last) {
  constexpr int64_t blockBytes = cacheBlock * 4;
  auto ints = b.vecI32();
  auto narrow = [&](Value value) -> Value { return arith::TruncIOp::create(b, b.getI32Type(), value); };
  SmallVector<int32_t> steps(cacheBlock);
  for (int32_t i = 0; i < cacheBlock; ++i)
    steps[i] = i;
  Value lane = arith::ConstantOp::create(b, DenseElementsAttr::get(ints, ArrayRef<int32_t>(steps)));
  Value seen = b.broadcast(narrow(b.sub(last, first)), ints); // positions behind `first` that are seen
  Value lowest = b.splat(b.vecF32(), lowestScore), zero = b.splat(b.vecF32(), 0.0);
  auto place = [&](Value index) { return b.at(scores, b.mul(b.sub(index, blocks.begin), blockBytes)); };

  auto largest = b.loop(blocks.first, blocks.last, 1, ValueRange{lowest}, [&](Value index, ValueRange state) {
    Value behind = narrow(b.sub(b.mul(index, cacheBlock), first));
    Value distance = arith::AddIOp::create(b, b.broadcast(behind, ints), lane);
    Value visible = arith::CmpIOp::create(b, arith::CmpIPredicate::ule, distance, seen);
    Value score = b.select(visible, b.loadVec(place(index)), lowest);
    b.store(score, place(index));
    return KernelBuilder::Values{b.maxf(state[0], score)};
  });
  // Where no key is seen, all scores are the lowest: far enough below this to become zeros.
  Value top = b.maxf(b.maxLanes(largest[0]), b.f32(lowestScore / 2)), tops = b.broadcast(top);
  auto total = b.loop(blocks.first, blocks.last, 1, ValueRange{zero}, [&](Value index, ValueRange state) {
    Value power = powerOf(b, b.subf(b.loadVec(place(index)), tops));
    b.store(power, place(index));
    return KernelBuilder::Values{b.addf(state[0], power)};
  });
  return {top, b.sumLanes(total[0])};
}

// Adds one block's values to `vectors` vectors of the group's columns. `rows` and `powers` belong to the block.
void SplitAttention::addColumns(const PairTile &tile, Value rows, Value powers, Value group, int64_t firstVector,
                                int64_t vectors) {
  constexpr int64_t unroll = 4;
  int64_t element = cache.elementBytes(), rowGroupBytes = groupColumns * element, perGroup = groupColumns / lanes;
  Value target = b.at(b.at(tile.sums, b.mul(group, groupColumns * 4)), firstVector * lanes * 4);
  KernelBuilder::Values sums;
  for (int64_t pair = 0; pair < tile.count; ++pair)
    for (int64_t v = 0; v < vectors; ++v)
      sums.push_back(b.load(floats(), b.at(pairAt(target, pair, rowBytes()), v * lanes * 4)));
  sums = b.loop(b.i64(0), b.i64(cacheBlock), unroll, sums, [&](Value key, ValueRange state) {
    KernelBuilder::Values next(state);
    Value row = b.at(rows, b.mul(key, rowGroupBytes)), power = b.at(powers, b.mul(key, 4));
    for (int64_t u = 0; u < unroll; ++u) {
      KernelBuilder::Values loaded;
      for (int64_t v = firstVector; v < firstVector + vectors; ++v) {
        int64_t offset = v / perGroup * cache.groupBytes() + v % perGroup * lanes * element + u * rowGroupBytes;
        loaded.push_back(b.loadFloats(cache.format, b.at(row, offset), lanes));
      }
      for (int64_t pair = 0; pair < tile.count; ++pair) {
        Value p = b.broadcast(b.load(b.getF32Type(), b.at(pairAt(power, pair, scoreRowBytes), u * 4)), floats());
        for (int64_t v = 0; v < vectors; ++v) {
          Value &sum = next[pair * vectors + v];
          sum = b.fma(loaded[v], p, sum);
        }
      }
    }
    return next;
  });
  for (int64_t pair = 0; pair < tile.count; ++pair)
    for (int64_t v = 0; v < vectors; ++v)
      b.store(sums[pair * vectors + v], b.at(pairAt(target, pair, rowBytes()), v * lanes * 4));
}

void SplitAttention::weightedValues(const PairTile &tile, const SplitBlocks &blocks) {
  Value zero = b.splat(b.vecF32(), 0.0);
  b.loop(b.i64(0), b.i64(tile.count * rowBytes()), 64, [&](Value i) { b.store(zero, b.at(tile.sums, i)); });
  // Vectors of columns at once: as many as can be summed in registers, whole groups or a part of one.
  int64_t groups = cache.padded / groupColumns, perGroup = groupColumns / lanes;
  int64_t vectors = 1;
  while (2 * vectors * tile.count <= mostSums && groups * perGroup % (2 * vectors) == 0)
    vectors *= 2;
  int64_t groupStep = std::max<int64_t>(1, vectors / perGroup);
  b.loop(blocks.first, blocks.last, 1, [&](Value index) {
    Value panel = block(values, index);
    Value powers = b.at(tile.scores, b.mul(b.sub(index, blocks.begin), cacheBlock * 4));
    b.loop(b.i64(0), b.i64(groups), groupStep, [&](Value group) {
      Value rows = b.at(panel, b.mul(group, cache.groupBytes()));
      if (prefetch)
        b.prefetch(b.at(rows, prefetchDistance), groupStep * cache.groupBytes());
      for (int64_t v = 0; v < groupStep * perGroup; v += vectors)
        addColumns(tile, rows, powers, group, v, vectors);
    });
  });
}

} // namespace gemmac
