#include "targets/cpu/kernels/WordAttention.h"

#include <numbers>

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;
static constexpr int64_t wordBytes = lanes * 2;

static Value narrowed(KernelBuilder &b, Value integers) {
  return arith::TruncIOp::create(b, b.vec(lanes, b.getI16Type()), integers);
}

static Value toFloats(KernelBuilder &b, Value integers) { return arith::SIToFPOp::create(b, b.vecF32(), integers); }

//===--- keys, values, queries
//-------------------------------------------------------------------------------------------------------===//

Value WordRows::factorOf(Value row) const {
  constexpr double least = 0x1p-100; // a row of zeros has a factor as well
  return b.mulf(inverseRms(b, row, padded, /*count=*/1, least), b.splat(b.vecF32(), encoderRowLength));
}

void WordRows::storeScale(Value factor, Value to) const {
  Value first = vector::ExtractOp::create(b, factor, ArrayRef<int64_t>{0});
  b.store(b.divf(b.f32(1.0F), first), to);
}

void WordRows::storeKey(Value row, Value keys, Value position) const {
  Value block = b.at(keys, b.mul(b.div(position, b.i64(cacheBlock)), keyBlockBytes()));
  Value lane = b.rem(position, b.i64(cacheBlock)), place = b.at(block, places.row(b, lane));
  Value factor = factorOf(row), slot = b.stack(wordBytes);
  constexpr int64_t quads = lanes / 4;
  b.loop(b.i64(0), b.i64(padded / lanes), 1, [&](Value vector) {
    Value x = b.mulf(b.loadVec(b.at(row, b.mul(vector, vecBytes))), factor);
    b.store(evenBeforeOdd(b, narrowed(b, b.nearestIntegers(x))), slot, wordBytes);
    Value target = b.at(place, b.mul(vector, quads * WordPlaces::quadBytes));
    for (int64_t pair = 0; pair < 2 * quads; ++pair)
      b.store(b.load(b.getI32Type(), b.at(slot, 4 * pair)),
              b.at(target, pair / 2 * WordPlaces::quadBytes + pair % 2 * places.bytes));
  });
  storeScale(factor, b.at(b.at(block, scalesOffset()), b.mul(lane, 4)));
}

void WordRows::storeValue(Value row, Value values, Value position) const {
  Value columns = b.i64(groupColumns);
  Value target = b.add(b.mul(b.div(position, columns), valueGroupBytes()), places.column(b, b.rem(position, columns)));
  Value factor = b.splat(b.vecF32(), encoderValueFactor(headDim)), slot = b.stack(wordBytes);
  b.loop(b.i64(0), b.i64(padded / lanes), 1, [&](Value vector) {
    Value x = b.mulf(b.loadVec(b.at(row, b.mul(vector, vecBytes))), factor);
    b.store(narrowed(b, b.nearestIntegers(x)), slot, wordBytes);
    Value panel = b.at(b.at(values, target), b.mul(vector, WordPlaces::groupBytes));
    for (int64_t i = 0; i < lanes; ++i)
      b.store(b.load(b.getI16Type(), b.at(slot, 2 * i), 2), b.at(panel, places.row(i)), 2);
  });
}

void WordRows::storeQuery(Value row, Value to) const {
  Value factor = factorOf(row);
  b.loop(b.i64(0), b.i64(padded / lanes), 1, [&](Value vector) {
    Value x = b.mulf(b.loadVec(b.at(row, b.mul(vector, vecBytes))), factor);
    b.store(evenBeforeOdd(b, narrowed(b, b.nearestIntegers(x))), b.at(to, b.mul(vector, wordBytes)), wordBytes);
  });
  storeScale(factor, b.at(to, padded * 2));
}

//===--- attention
//-------------------------------------------------------------------------------------------------------===//

// Of `groups` groups of columns of `panels` panels that lie `panelBytes` apart, by panel, then by row of words.
SmallVector<Value> WordAttention::dotPanels(Value first, int64_t groups, int64_t panelBytes, int64_t panels,
                                            ArrayRef<Value> words) const {
  SmallVector<WeightGroup> weights;
  for (int64_t i = 0; i < panels; ++i)
    weights.push_back({Format::Q12, b.at(first, i * panelBytes), /*unpacked=*/true, /*words=*/true, groups});
  SmallVector<ActivationGroup> activations;
  for (Value row : words)
    activations.push_back({row, /*bias=*/{}, /*wholeRange=*/false, /*words=*/true});
  return level.tileOps->dotPanels(b, weights, activations);
}

// The scores of `panels` blocks of keys from block `index` on.
void WordAttention::scorePanels(const PairTile &tile, Value index, Value begin, int64_t panels) const {
  Value block = b.at(keys, b.mul(index, rows.keyBlockBytes()));
  auto query = [&](int64_t pair) { return b.at(tile.queries, pair * WordRows::queryBytes(padded)); };
  SmallVector<Value> words;
  for (int64_t pair = 0; pair < tile.count; ++pair)
    words.push_back(query(pair));
  SmallVector<Value> sums = dotPanels(block, padded / groupColumns, rows.keyBlockBytes(), panels, words);
  Value target = b.at(tile.scores, b.mul(b.sub(index, begin), cacheBlock * 4));
  for (int64_t panel = 0; panel < panels; ++panel) {
    Value scales = b.loadVec(b.at(block, panel * rows.keyBlockBytes() + rows.scalesOffset()));
    for (int64_t pair = 0; pair < tile.count; ++pair) {
      Value scale = b.mulf(b.broadcast(b.loadFloat(b.at(query(pair), padded * 2))), scales);
      b.store(b.mulf(toFloats(b, sums[panel * tile.count + pair]), scale),
              b.at(target, pair * ScoreRow::bytes + panel * vecBytes));
    }
  }
}

void WordAttention::scores(const PairTile &tile, const SplitBlocks &blocks) {
  Value done = blocks.first;
  for (int64_t panels = level.wordTile.panels; panels > 0; panels /= 2) {
    Value end = b.sub(blocks.last, b.rem(b.sub(blocks.last, done), b.i64(panels)));
    b.loop(done, end, panels, [&](Value index) { scorePanels(tile, index, blocks.begin, panels); });
    done = end;
  }
}

// 2^x as an integer, for x of at most 0: the power of its fraction, whose exponent grows by its nearest integer.
static Value integerPower(KernelBuilder &b, Value x) {
  auto floats = b.vecF32(), ints = b.vecI32();
  x = b.clampf(x, b.splat(floats, encoderLeastExponent), b.splat(floats, 0.0));
  Value magic = b.splat(floats, 12582912.0), shifted = b.addf(x, magic);
  Value fraction = b.subf(x, b.subf(shifted, magic));
  Value power = b.splat(floats, std::end(encoderPowerTerms)[-1]);
  for (float term : llvm::reverse(llvm::ArrayRef(encoderPowerTerms).drop_back()))
    power = b.fma(power, fraction, b.splat(floats, term));
  // Of the bits of the shifted x only those of the integer are left.
  Value exponent = arith::ShLIOp::create(b, b.bitcast(shifted, ints), b.splatInt(ints, 23));
  return b.nearestIntegers(b.bitcast(arith::AddIOp::create(b, b.bitcast(power, ints), exponent), floats));
}

// The integers overwrite the scores: those of a block lie before the scores of the next one. Their sum is exact.
TileAttention::Softmax WordAttention::softmax(Value scores, const SplitBlocks &blocks, Value first, Value last) {
  ScoreRow row(b, scores, blocks);
  row.hide(first, last);
  Value top = row.top(), logarithm = b.splat(b.vecF32(), std::numbers::log2e);
  Value behind = arith::NegFOp::create(b, b.mulf(b.broadcast(top), logarithm));
  auto place = [&](Value index) { return b.at(scores, b.mul(b.sub(index, blocks.begin), wordBytes)); };
  Value none = b.splatInt(b.vecI32(), 0);
  auto total = b.loop(blocks.first, blocks.last, 1, ValueRange{none}, [&](Value index, ValueRange state) {
    Value integers = integerPower(b, b.fma(b.loadVec(row.place(index)), logarithm, behind));
    b.store(evenBeforeOdd(b, narrowed(b, integers)), place(index), wordBytes);
    return KernelBuilder::Values{arith::AddIOp::create(b, state[0], integers)};
  });
  // Values are multiplied by two blocks at a time.
  Value end = b.add(blocks.last, b.rem(b.sub(blocks.last, blocks.begin), b.i64(2)));
  b.loop(blocks.last, end, 1,
         [&](Value index) { b.store(b.splatInt(b.vec(lanes, b.getI16Type()), 0), place(index), wordBytes); });
  Value sum = vector::ReductionOp::create(b, vector::CombiningKind::ADD, total[0]);
  return {top, arith::SIToFPOp::create(b, b.getF32Type(), sum)};
}

void WordAttention::weightedValues(const PairTile &tile, const SplitBlocks &blocks) {
  Value zero = b.splat(b.vecF32(), 0.0);
  b.loop(b.i64(0), b.i64(tile.count * padded * 4), vecBytes, [&](Value i) { b.store(zero, b.at(tile.sums, i)); });
  constexpr int64_t perGroup = groupColumns / cacheBlock;
  int64_t panels = std::min(level.wordTile.panels, padded / panelRows);
  Value first = b.div(blocks.begin, b.i64(perGroup));
  Value count = b.div(b.add(b.sub(blocks.last, blocks.begin), perGroup - 1), b.i64(perGroup));
  b.loop(b.i64(0), count, 1, [&](Value group) {
    Value panel = b.at(values, b.mul(b.add(first, group), rows.valueGroupBytes()));
    SmallVector<Value> powers;
    for (int64_t pair = 0; pair < tile.count; ++pair)
      powers.push_back(b.at(b.at(tile.scores, pair * ScoreRow::bytes), b.mul(group, groupColumns * 2)));
    b.loop(b.i64(0), b.i64(padded / panelRows), panels, [&](Value i) {
      SmallVector<Value> dots =
          dotPanels(b.at(panel, b.mul(i, WordPlaces::groupBytes)), 1, WordPlaces::groupBytes, panels, powers);
      Value target = b.at(tile.sums, b.mul(i, vecBytes));
      for (auto [n, dot] : llvm::enumerate(dots)) {
        auto number = static_cast<int64_t>(n);
        Value place = b.at(target, number % tile.count * padded * 4 + number / tile.count * vecBytes);
        b.store(b.addf(b.loadVec(place), toFloats(b, dot)), place);
      }
    });
  });
}

void WordAttention::finish(Value merged, Value inverse) {
  Value factor = b.mulf(inverse, b.splat(b.vecF32(), encoderValueScale(headDim)));
  b.loop(b.i64(0), b.i64(padded * 4), vecBytes,
         [&](Value i) { b.store(b.mulf(b.loadVec(b.at(merged, i)), factor), b.at(merged, i)); });
}

} // namespace gemmac
