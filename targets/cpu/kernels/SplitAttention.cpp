#include "targets/cpu/kernels/SplitAttention.h"

using namespace mlir;

namespace gemmac {

// How far ahead of the keys and values in use those are asked for that come from memory; see GroupProducts.h.
static constexpr int64_t prefetchDistance = 4096;

void ScoreRow::hide(Value first, Value last) const {
  auto ints = b.vecI32();
  auto narrow = [&](Value value) -> Value { return arith::TruncIOp::create(b, b.getI32Type(), value); };
  SmallVector<int32_t> steps(cacheBlock);
  for (int32_t i = 0; i < cacheBlock; ++i)
    steps[i] = i;
  Value lane = arith::ConstantOp::create(b, DenseElementsAttr::get(ints, ArrayRef<int32_t>(steps)));
  Value seen = b.broadcast(narrow(b.sub(last, first)), ints); // positions behind `first` that are seen
  Value lowest = b.splat(b.vecF32(), SplitAttention::lowestScore);
  auto hideBlocks = [&](Value begin, Value end) {
    b.loop(begin, end, 1, [&](Value index) {
      Value behind = narrow(b.sub(b.mul(index, cacheBlock), first));
      Value distance = arith::AddIOp::create(b, b.broadcast(behind, ints), lane);
      Value visible = arith::CmpIOp::create(b, arith::CmpIPredicate::ule, distance, seen);
      b.store(b.select(visible, b.loadVec(place(index)), lowest), place(index));
    });
  };
  // Blocks that are seen whole need no look at their positions.
  Value whole = b.div(b.add(first, cacheBlock - 1), b.i64(cacheBlock)), end = b.div(b.add(last, 1), b.i64(cacheBlock));
  whole = b.minSigned(b.maxSigned(whole, blocks.first), blocks.last);
  hideBlocks(blocks.first, whole);
  hideBlocks(b.maxSigned(b.minSigned(end, blocks.last), whole), blocks.last);
}

Value ScoreRow::top() const {
  Value lowest = b.splat(b.vecF32(), SplitAttention::lowestScore);
  auto largest = b.loop(blocks.first, blocks.last, 1, ValueRange{lowest}, [&](Value index, ValueRange state) {
    return KernelBuilder::Values{b.maxf(state[0], b.loadVec(place(index)))};
  });
  // Where no key is seen, all scores are the lowest: far enough below this to become zeros.
  return b.maxf(b.maxLanes(largest[0]), b.f32(SplitAttention::lowestScore / 2));
}

Value SplitAttention::powerOf(KernelBuilder &b, Value x) {
  auto type = cast<VectorType>(x.getType());
  Value matters = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, b.splat(type, -64.0));
  return b.select(matters, b.exp(x), b.splat(type, 0.0));
}

Value SplitAttention::block(Value base, Value index, int64_t bytes) {
  Value slot = cache.window > 0 ? b.rem(index, b.i64(cache.capacity / cacheBlock)) : index;
  return b.at(base, b.mul(slot, bytes));
}

// Products with the keys as they lie in the block: 16 of an element side by side.
KernelBuilder::Values SplitAttention::floatScores(const PairTile &tile, const KeyVectors &from) {
  constexpr int64_t unroll = 4;
  int64_t element = cache.elementBytes(), keyBytes = cacheBlock * element;
  KernelBuilder::Values sums(tile.count * from.count(), b.splat(floats(), 0.0));
  return b.loop(b.i64(0), b.i64(cache.paddedKey), unroll, sums, [&](Value j, ValueRange state) {
    KernelBuilder::Values next(state);
    Value query = b.at(tile.queries, b.mul(j, 4)), offset = b.mul(j, keyBytes);
    if (prefetch && from.part == 0)
      for (Value panel : from.panels)
        b.prefetch(b.at(b.at(panel, offset), prefetchDistance), unroll * keyBytes);
    for (int64_t u = 0; u < unroll; ++u) {
      KernelBuilder::Values loaded;
      for (Value panel : from.panels)
        for (int64_t part = from.part; part < from.part + from.parts; ++part)
          loaded.push_back(
              b.loadFloats(cache.format, b.at(b.at(panel, offset), u * keyBytes + part * lanes * element), lanes));
      addProducts(tile, query, u, loaded, next);
    }
    return next;
  });
}

// Per group of 32 elements: products with the integers, then the sums times the scales of the positions.
KernelBuilder::Values SplitAttention::quantizedScores(const PairTile &tile, const KeyVectors &from) {
  constexpr int64_t unroll = 4;
  int64_t perByte = cacheValuesPerByte(cache.format), rows = groupColumns / perByte;
  KernelBuilder::Values zeros(tile.count * from.count(), b.splat(floats(), 0.0));
  return b.loop(b.i64(0), b.i64(cache.paddedKey / groupColumns), 1, zeros, [&](Value group, ValueRange totals) {
    Value queries = b.at(tile.queries, b.mul(group, groupColumns * 4)), offset = b.mul(group, cache.groupBytes());
    KernelBuilder::Values bytes, scales;
    for (Value panel : from.panels) {
      Value place = b.at(panel, offset);
      if (prefetch && from.part == 0)
        b.prefetch(b.at(place, prefetchDistance), cache.groupBytes());
      for (int64_t part = from.part; part < from.part + from.parts; ++part) {
        bytes.push_back(b.at(place, part * lanes));
        scales.push_back(b.loadFloats(Format::F16, b.at(place, cache.scalesOffset() + part * lanes * 2), lanes));
      }
    }
    auto sums = b.loop(b.i64(0), b.i64(rows), unroll, zeros, [&](Value row, ValueRange state) {
      KernelBuilder::Values next(state);
      Value query = b.at(queries, b.mul(row, 4)), rowOffset = b.mul(row, cacheBlock);
      for (int64_t u = 0; u < unroll; ++u) {
        SmallVector<KernelBuilder::Values> loaded(perByte); // by half of a byte
        for (Value place : bytes)
          for (auto [half, integers] :
               llvm::enumerate(loadIntegers(b.at(b.at(place, rowOffset), u * cacheBlock), lanes)))
            loaded[half].push_back(integers);
        for (int64_t half = 0; half < perByte; ++half)
          addProducts(tile, query, u + half * rows, loaded[half], next);
      }
      return next;
    });
    for (auto [i, sum] : llvm::enumerate(sums))
      sum = b.fma(sum, scales[i % scales.size()], totals[i]);
    return sums;
  });
}

// Adds, for each pair, element `element` behind `query` times each vector of keys.
void SplitAttention::addProducts(const PairTile &tile, Value query, int64_t element, ArrayRef<Value> vectors,
                                 KernelBuilder::Values &sums) {
  for (int64_t pair = 0; pair < tile.count; ++pair) {
    Value x = b.broadcast(b.load(b.getF32Type(), b.at(pairAt(query, pair, queryBytes()), element * 4)), floats());
    for (auto [i, key] : llvm::enumerate(vectors)) {
      Value &sum = sums[pair * vectors.size() + i];
      sum = b.fma(key, x, sum);
    }
  }
}

// The integers that `count` bytes of a quantized cache hold, as floats: in q4 those of the low
// halves, then of the high ones.
KernelBuilder::Values SplitAttention::loadIntegers(Value pointer, int64_t count) {
  auto ints = b.vec(count, b.getI32Type());
  Value bytes = arith::ExtSIOp::create(b, ints, b.load(b.vec(count, b.getI8Type()), pointer, 1));
  auto toFloats = [&](Value x) -> Value { return arith::SIToFPOp::create(b, b.vec(count, b.getF32Type()), x); };
  if (cache.format == Format::Q8)
    return {toFloats(bytes)};
  Value low = arith::ShRSIOp::create(b, arith::ShLIOp::create(b, bytes, b.splatInt(ints, 28)), b.splatInt(ints, 28));
  return {toFloats(low), toFloats(arith::ShRSIOp::create(b, bytes, b.splatInt(ints, 4)))};
}

// Scores of `blocks` blocks from `first` on, lanes [half * lanes, (half + 1) * lanes) of each where a block takes more
// than one vector and one pass does not do both.
void SplitAttention::scoreBlocks(const PairTile &tile, Value first, Value begin, int64_t blocks, int64_t half) {
  KeyVectors from{half < 0 ? 0 : half, half < 0 ? cacheBlock / lanes : 1, {}};
  for (int64_t i = 0; i < blocks; ++i)
    from.panels.push_back(block(keys, b.add(first, i), cache.keyBlockBytes()));
  KernelBuilder::Values sums = cache.quantized() ? quantizedScores(tile, from) : floatScores(tile, from);
  Value target = b.at(tile.scores, b.mul(b.sub(first, begin), cacheBlock * 4));
  int64_t perPair = from.count();
  for (int64_t pair = 0; pair < tile.count; ++pair)
    for (int64_t i = 0; i < perPair; ++i)
      b.store(sums[pair * perPair + i], b.at(pairAt(target, pair, ScoreRow::bytes), (from.part + i) * lanes * 4));
}

// The 32 values of one position in one group, times `scale` where it is given.
std::pair<Value, Value> SplitAttention::loadValueGroup(Value row, Value scale) {
  if (!scale)
    return {b.loadFloats(cache.format, row), b.loadFloats(cache.format, b.at(row, panelRows * cache.elementBytes()))};
  KernelBuilder::Values parts = loadIntegers(row, panelRows);
  if (cache.format == Format::Q8)
    parts.push_back(loadIntegers(b.at(row, panelRows), panelRows)[0]);
  return {b.mulf(parts[0], scale), b.mulf(parts[1], scale)};
}

// Adds to the scores of `pairs` pairs those of one block's values with the queries' second part. `target` is the
// block's place in the scores of the first pair.
void SplitAttention::addValueScores(const PairTile &tile, Value panel, Value target, int64_t firstPair, int64_t pairs,
                                    int64_t positions) {
  Value queries = b.at(tile.queries, firstPair * queryBytes() + cache.paddedKey * 4);
  KernelBuilder::Values zeros(pairs * positions, b.splat(b.vecF32(), 0.0));
  b.loop(b.i64(0), b.i64(cacheBlock), positions, [&](Value position) {
    Value rows = b.at(panel, b.mul(position, cache.groupRowBytes()));
    Value scales = cache.quantized() ? b.at(b.at(panel, cache.scalesOffset()), b.mul(position, 2)) : Value();
    auto sums = b.loop(b.i64(0), b.i64(cache.padded / groupColumns), 1, zeros, [&](Value group, ValueRange state) {
      KernelBuilder::Values next(state);
      Value offset = b.mul(group, cache.groupBytes()), query = b.at(queries, b.mul(group, groupColumns * 4));
      for (int64_t i = 0; i < positions; ++i) {
        Value scale;
        if (scales) {
          Value half = b.load(b.getF16Type(), b.at(b.at(scales, offset), i * 2), 2);
          scale = b.broadcast(arith::ExtFOp::create(b, b.getF32Type(), half));
        }
        auto [low, high] = loadValueGroup(b.at(b.at(rows, offset), i * cache.groupRowBytes()), scale);
        for (int64_t pair = 0; pair < pairs; ++pair) {
          Value place = pairAt(query, pair, queryBytes()), &sum = next[i * pairs + pair];
          sum = b.fma(low, b.loadVec(place), sum);
          sum = b.fma(high, b.loadVec(b.at(place, panelRows * 4)), sum);
        }
      }
      return next;
    });
    for (int64_t i = 0; i < positions; ++i)
      for (int64_t pair = 0; pair < pairs; ++pair) {
        Value place = b.at(b.at(pairAt(target, pair, ScoreRow::bytes), b.mul(position, 4)), i * 4);
        b.store(b.addf(b.load(b.getF32Type(), place), b.sumLanes(sums[i * pairs + pair])), place);
      }
  });
}

void SplitAttention::addValueScores(const PairTile &tile, const SplitBlocks &blocks) {
  int64_t most = std::max<int64_t>(1, mostSums * lanes / panelRows); // sums of 16 floats that registers hold
  b.loop(blocks.first, blocks.last, 1, [&](Value index) {
    Value panel = block(values, index, cache.valueBlockBytes());
    Value target = b.at(tile.scores, b.mul(b.sub(index, blocks.begin), cacheBlock * 4));
    if (prefetch) { // the next block
      Value next = b.at(panel, cache.valueBlockBytes());
      b.loop(b.i64(0), b.i64(cache.valueBlockBytes()), 64, [&](Value i) { b.prefetch(b.at(next, i), 64); });
    }
    for (int64_t pair = 0; pair < tile.count; pair += most) {
      int64_t pairs = std::min(most, tile.count - pair), positions = 1;
      while (2 * positions * pairs <= most && positions < cacheBlock)
        positions *= 2;
      addValueScores(tile, panel, pairAt(target, pair, ScoreRow::bytes), pair, pairs, positions);
    }
  });
}

void SplitAttention::scores(const PairTile &tile, const SplitBlocks &blocks) {
  keyScores(tile, blocks);
  if (cache.turnedPairs)
    addValueScores(tile, blocks);
}

void SplitAttention::keyScores(const PairTile &tile, const SplitBlocks &blocks) {
  int64_t vectors = std::max<int64_t>(1, mostSums / tile.count), parts = cacheBlock / lanes;
  if (vectors < parts) {
    b.loop(blocks.first, blocks.last, 1, [&](Value index) {
      for (int64_t half = 0; half < parts; ++half)
        scoreBlocks(tile, index, blocks.begin, 1, half);
    });
    return;
  }
  // Few pairs take several blocks at once: one chain of additions for each would leave the multipliers waiting. Each
  // block has its own address, so more than 8 would spill them.
  constexpr int64_t mostBlocks = 8;
  Value done = blocks.first;
  for (int64_t step = std::min(vectors / parts, mostBlocks); step > 0; step /= 2) {
    Value end = b.sub(blocks.last, b.rem(b.sub(blocks.last, done), b.i64(step)));
    b.loop(done, end, step, [&](Value index) { scoreBlocks(tile, index, blocks.begin, step, -1); });
    done = end;
  }
}

SplitAttention::Softmax SplitAttention::softmax(Value scores, const SplitBlocks &blocks, Value first, Value last) {
  ScoreRow row(b, scores, blocks);
  row.hide(first, last);
  Value top = row.top(), tops = b.broadcast(top), zero = b.splat(b.vecF32(), 0.0);
  auto total = b.loop(blocks.first, blocks.last, 1, ValueRange{zero}, [&](Value index, ValueRange state) {
    Value power = powerOf(b, b.subf(b.loadVec(row.place(index)), tops));
    b.store(power, row.place(index));
    return KernelBuilder::Values{b.addf(state[0], power)};
  });
  return {top, b.sumLanes(total[0])};
}

void SplitAttention::finish(Value merged, Value inverse) {
  CacheRows::values(b, cache).restore(merged);
  b.loop(b.i64(0), b.i64(rowBytes()), 64,
         [&](Value i) { b.store(b.mulf(b.loadVec(b.at(merged, i)), inverse), b.at(merged, i)); });
}

// Powers of the block's positions times the scales that their values have in each of `groups` groups.
void SplitAttention::multiplyPowers(const PairTile &tile, Value rows, Value powers, int64_t groups) {
  for (int64_t group = 0; group < groups; ++group) {
    Value scales = b.loadFloats(Format::F16, b.at(rows, group * cache.groupBytes() + cache.scalesOffset()));
    for (int64_t pair = 0; pair < tile.count; ++pair)
      b.store(b.mulf(b.loadVec(pairAt(powers, pair, ScoreRow::bytes)), scales),
              b.at(products, (group * tile.count + pair) * panelRows * 4));
  }
}

// Vector `vector` of the values of one position in one group, in a quantized cache without their scale.
Value SplitAttention::loadValues(Value row, int64_t vector) {
  int64_t element = vector * lanes;
  if (!cache.quantized())
    return b.loadFloats(cache.format, b.at(row, element * cache.elementBytes()), lanes);
  int64_t bytes = cache.groupRowBytes();
  return loadIntegers(b.at(row, element % bytes), lanes)[element / bytes];
}

// Adds one block's values to `vectors` vectors of the group's columns. `rows` and `powers` belong to the block.
void SplitAttention::addColumns(const PairTile &tile, Value rows, Value powers, Value group, int64_t firstVector,
                                int64_t vectors) {
  constexpr int64_t unroll = 4;
  int64_t rowGroupBytes = cache.groupRowBytes(), perGroup = groupColumns / lanes;
  Value target = b.at(b.at(tile.sums, b.mul(group, groupColumns * 4)), firstVector * lanes * 4);
  KernelBuilder::Values sums;
  for (int64_t pair = 0; pair < tile.count; ++pair)
    for (int64_t v = 0; v < vectors; ++v)
      sums.push_back(b.load(floats(), b.at(pairAt(target, pair, rowBytes()), v * lanes * 4)));
  sums = b.loop(b.i64(0), b.i64(cacheBlock), unroll, sums, [&](Value key, ValueRange state) {
    KernelBuilder::Values next(state);
    Value row = b.at(rows, b.mul(key, rowGroupBytes)), position = b.mul(key, 4);
    // What the values of a position are multiplied with: its power, in a quantized cache times the scale of the group.
    auto factor = [&](int64_t pair, int64_t vector, int64_t u) {
      Value from = cache.quantized() ? b.at(products, (vector / perGroup * tile.count + pair) * panelRows * 4)
                                     : pairAt(powers, pair, ScoreRow::bytes);
      return b.broadcast(b.load(b.getF32Type(), b.at(b.at(from, position), u * 4)), floats());
    };
    for (int64_t u = 0; u < unroll; ++u) {
      KernelBuilder::Values loaded;
      for (int64_t v = firstVector; v < firstVector + vectors; ++v)
        loaded.push_back(loadValues(b.at(row, v / perGroup * cache.groupBytes() + u * rowGroupBytes), v % perGroup));
      for (int64_t pair = 0; pair < tile.count; ++pair) {
        Value p;
        for (int64_t v = 0; v < vectors; ++v) {
          if (v == 0 || (cache.quantized() && (firstVector + v) % perGroup == 0))
            p = factor(pair, firstVector + v, u);
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
    Value panel = block(values, index, cache.valueBlockBytes());
    Value powers = b.at(tile.scores, b.mul(b.sub(index, blocks.begin), cacheBlock * 4));
    b.loop(b.i64(0), b.i64(groups), groupStep, [&](Value group) {
      Value rows = b.at(panel, b.mul(group, cache.groupBytes()));
      if (prefetch)
        b.prefetch(b.at(rows, prefetchDistance), groupStep * cache.groupBytes());
      if (cache.quantized())
        multiplyPowers(tile, rows, powers, groupStep);
      for (int64_t v = 0; v < groupStep * perGroup; v += vectors)
        addColumns(tile, rows, powers, group, v, vectors);
    });
  });
}

} // namespace gemmac
