// Products of a few rows with one panel, 16 output rows. The sum over columns goes slice by slice (SliceSums), in each
// group by group of 32: one order for any number of rows and for packed and unpacked panels, so that decode, verify and
// prefill give the same bits.
#include "targets/cpu/kernels/Kernels.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;

// Weights come from memory once and in order, but hardware prefetchers stop at the end of a page and keep fewer lines
// in flight than a core can. Asking for lines this far ahead, counted over all panels that are read abreast, and
// reading several panels abreast raised a GEMV on a server core from 60 to 90-100 % of a plain read
// (docs/benchmarks.md).
static constexpr int64_t prefetchBytes = 4096;

// Products of several rows come back to a panel only when they were at all others of the lot, a group of each at a
// time: with twice the distance four rows of q8 take 8 to 15 % less time (docs/benchmarks.md).
static constexpr int64_t lotPrefetchBytes = 8192;

// Per row: 32 fused multiply-adds into a partial sum, which is then added to the total.
static KernelBuilder::Values addFloatGroup(KernelBuilder &b, Format format, Value weights, ArrayRef<Value> rows,
                                           Value group, ValueRange totals) {
  int64_t element = KernelBuilder::elementBytes(format);
  constexpr int64_t unroll = 4;
  Value column = b.mul(group, groupColumns);
  KernelBuilder::Values zero(rows.size(), b.splat(b.vecF32(), 0.0));
  auto parts = b.loop(b.i64(0), b.i64(groupColumns), unroll, zero, [&](Value k, ValueRange state) {
    KernelBuilder::Values next(state);
    Value base = b.at(weights, b.mul(k, lanes * element));
    Value offset = b.mul(b.add(column, k), 4);
    for (int64_t u = 0; u < unroll; ++u) {
      Value w = b.loadFloats(format, b.at(base, u * lanes * element));
      for (auto [r, row] : llvm::enumerate(rows)) {
        Value x = b.load(b.getF32Type(), b.at(b.at(row, offset), u * 4));
        next[r] = b.fma(w, b.broadcast(x), next[r]);
      }
    }
    return next;
  });
  for (auto [part, total] : llvm::zip(parts, totals))
    part = b.addf(total, part);
  return parts;
}

// The scales of a panel's rows where they hold for all groups, loaded once; else null.
static Value loadRowScales(KernelBuilder &b, const PackedShape &weight, Value panel) {
  return weight.rowScales() ? b.loadVec(b.at(panel, weight.rowScalesOffset())) : Value();
}

// The scales of the rows in one group.
static Value scalesOfGroup(KernelBuilder &b, const WeightGroup &weights, Value rowScales) {
  if (weights.unpacked)
    return b.loadVec(b.at(weights.pointer, TileOps::unpackedBytes(weights.words)));
  if (rowScales)
    return rowScales;
  return b.loadFloats(Format::F16, b.at(weights.pointer, valueBytes(weights.format, lanes)));
}

// Per panel and row the exact integer dot products of a group. `rows`: where the rows' own groups lie. Those of wide
// rows are made of the products with their high and their low bytes, where `ops` does not multiply int16.
static KernelBuilder::Values dotGroup(KernelBuilder &b, const TileOps &ops, ArrayRef<WeightGroup> panels,
                                      const PackedShape &shape, ArrayRef<Value> rows, ArrayRef<Value> biases,
                                      Value group) {
  SmallVector<ActivationGroup> activations;
  Value offset = b.mul(group, groupColumns);
  bool words = panels.front().words, parts = shape.wideInput && !words;
  for (auto [row, bias] : llvm::zip(rows, biases)) {
    Value values = b.at(words ? b.at(row, 2 * shape.cols) : row, words ? b.mul(offset, 2) : offset);
    if (parts)
      activations.push_back({values, /*bias=*/Value()});
    activations.push_back(
        {parts ? b.at(values, shape.cols) : values, bias, /*wholeRange=*/parts || shape.staticInput, words});
  }
  SmallVector<Value> dots = ops.dotPanels(b, panels, activations);
  if (!parts)
    return dots;
  KernelBuilder::Values sums;
  for (size_t i = 0; i < dots.size(); i += 2)
    sums.push_back(arith::AddIOp::create(b, arith::ShLIOp::create(b, dots[i], b.splatInt(b.vecI32(), 8)), dots[i + 1]));
  return sums;
}

// Per panel and row: the dot product of the group, scaled and added to the total. `rowScales`: by panel, what
// loadRowScales gave. Where `shape` sums integers, so are the totals, and scales wait for scaledSum.
static KernelBuilder::Values addQuantizedGroup(KernelBuilder &b, const TileOps &ops, ArrayRef<WeightGroup> panels,
                                               ArrayRef<Value> rowScales, const PackedShape &shape,
                                               ArrayRef<Value> rows, Value group, ValueRange totals) {
  int64_t scalesAt = shape.wideInput ? 4 * shape.cols : shape.cols, biasesAt = shape.cols / groupColumns * 4;
  KernelBuilder::Values scales, biases, next(totals);
  Value offset = b.add(b.mul(group, 4), scalesAt);
  for (Value row : rows) {
    scales.push_back(b.at(row, offset));
    biases.push_back(b.at(scales.back(), biasesAt));
  }
  auto dots = dotGroup(b, ops, panels, shape, rows, biases, group);
  if (shape.sumsIntegers()) { // within int32: gemma.buffer bounds the columns
    for (auto [total, dot] : llvm::zip(next, dots))
      total = arith::AddIOp::create(b, total, dot);
    return next;
  }
  // Scales are loaded behind the products, whose sums take the registers.
  for (Value &scale : scales)
    scale = b.broadcast(b.load(b.getF32Type(), scale));
  Value weightScales;
  for (auto [i, dot] : llvm::enumerate(dots)) {
    if (i % rows.size() == 0)
      weightScales = scalesOfGroup(b, panels[i / rows.size()], rowScales[i / rows.size()]);
    Value scale = b.mulf(weightScales, scales[i % rows.size()]);
    next[i] = b.fma(arith::SIToFPOp::create(b, b.vecF32(), dot), scale, next[i]);
  }
  return next;
}

static Value sumOfIntegers(KernelBuilder &b, Value rowScales, int64_t cols, Value row, Value sum) {
  Value scale =
      b.mulf(rowScales, b.broadcast(b.load(b.getF32Type(), b.at(row, cols)))); // the first group's, and so everyone's
  return b.mulf(arith::SIToFPOp::create(b, b.vecF32(), sum), scale);
}

Value KernelLibrary::scaledSum(KernelBuilder &b, const PackedShape &weight, Value panel, Value row, Value sum) const {
  if (!weight.sumsIntegers())
    return sum;
  return sumOfIntegers(b, loadRowScales(b, weight, panel), weight.cols, row, b.bitcast(sum, b.vecI32()));
}

// The same for packed weights of any format.
static KernelBuilder::Values addGroup(KernelBuilder &b, const TileOps &ops, const PackedShape &shape, Value weights,
                                      Value rowScales, ArrayRef<Value> rows, Value group, ValueRange totals) {
  if (shape.quantized())
    return addQuantizedGroup(
        b, ops, WeightGroup{shape.format, weights, /*unpacked=*/false, shape.wideInput && ops.multipliesWords()},
        rowScales, shape, rows, group, totals);
  return addFloatGroup(b, shape.format, weights, rows, group, totals);
}

// The sums of groups [first, last), from 0 on.
static KernelBuilder::Values dotSlice(KernelBuilder &b, const TileOps &ops, const PackedShape &weight,
                                      ArrayRef<Value> panels, ArrayRef<Value> rowScales, ArrayRef<Value> rows,
                                      Value first, Value last) {
  Value none = weight.sumsIntegers() ? b.splatInt(b.vecI32(), 0) : b.splat(b.vecF32(), 0.0);
  KernelBuilder::Values zero(panels.size() * rows.size(), none);
  int64_t ahead = prefetchBytes / static_cast<int64_t>(panels.size());
  return b.loop(first, last, 1, zero, [&](Value group, ValueRange totals) {
    Value offset = b.mul(group, groupBytes(weight.format, panelRows));
    KernelBuilder::Values next;
    for (auto [p, panel] : llvm::enumerate(panels)) {
      Value weights = b.at(panel, offset);
      b.prefetch(b.at(weights, ahead), groupBytes(weight.format, panelRows));
      next.append(
          addGroup(b, ops, weight, weights, rowScales[p], rows, group, totals.slice(p * rows.size(), rows.size())));
    }
    return next;
  });
}

SmallVector<KernelBuilder::Values> KernelLibrary::dotPanels(KernelBuilder &b, const PackedShape &weight,
                                                            ArrayRef<Value> panels, ArrayRef<Value> rows) const {
  KernelBuilder::Values rowScales, sums;
  for (Value panel : panels)
    rowScales.push_back(loadRowScales(b, weight, panel));
  SliceSums slices(b, weight.slices());
  auto dot = [&](Value slice) {
    return dotSlice(b, *level.tileOps, weight, panels, rowScales, rows, slices.first(slice), slices.end(slice));
  };
  int64_t count = static_cast<int64_t>(panels.size() * rows.size());
  if (slices.levels() == 1) {
    sums = dot(b.i64(0));
  } else {
    Value parked = b.stack(slices.levels() * count * vecBytes);
    auto placeOf = [&](int64_t sum, int64_t level) { return b.at(parked, (level * count + sum) * vecBytes); };
    b.loop(b.i64(0), b.i64(weight.slices().count()), 1, [&](Value slice) {
      KernelBuilder::Values part = dot(slice);
      slices.finish(slice, [&](int64_t level) {
        for (int64_t i = 0; i < count; ++i) {
          Value sum = slices.takeIn(part[i], level, [&](int64_t below) { return placeOf(i, below); });
          b.store(sum, placeOf(i, level), vecBytes);
        }
      });
    });
    for (int64_t i = 0; i < count; ++i)
      sums.push_back(slices.result([&](int64_t level) { return placeOf(i, level); }));
  }
  for (size_t i = 0; weight.sumsIntegers() && i < sums.size(); ++i)
    sums[i] = sumOfIntegers(b, rowScales[i / rows.size()], weight.cols, rows[i % rows.size()], sums[i]);
  SmallVector<KernelBuilder::Values> result;
  for (size_t p = 0; p < panels.size(); ++p)
    result.emplace_back(ArrayRef<Value>(sums).slice(p * rows.size(), rows.size()));
  return result;
}

KernelLibrary::LotSums::LotSums(KernelBuilder &b, const PackedShape &weight, int64_t panels, int64_t rows)
    : panels(panels), rows(rows), levels(SliceSums::levels(weight.slices())) {
  memory = b.stack((levels + 1) * levelBytes());
  b.loop(b.i64(0), b.i64(levelBytes()), vecBytes,
         [&](Value i) { b.store(b.splat(b.vecF32(), 0.0), b.at(zeros(b), i), vecBytes); });
}

namespace {
/// What becomes of the sums of a lot when a slice of `panels` panels and `rows` rows is made.
class LotTree {
public:
  LotTree(KernelBuilder &b, Slices shape, const KernelLibrary::LotSums &sums, Value panels, int64_t rows)
      : b(b), slices(b, shape), count(shape.count()), sums(sums), bytes(b.mul(panels, rows * vecBytes)), rows(rows) {}

  /// Where the sums of a slice are made: of an even one, which takes in nothing, where they wait.
  Value placeOf(Value slice) {
    Value open = sums.at(b, slices.open());
    if (count == 1)
      return open;
    Value odd = arith::AndIOp::create(b, slice, b.i64(1));
    return b.select(b.less(b.i64(0), odd), open, sums.at(b, 0));
  }
  void finish(Value slice) {
    slices.finish(slice, [&](int64_t level) {
      if (level == 0)
        return;
      forSums([&](Value offset) {
        Value sum = b.load(b.vecF32(), at(slices.open(), offset), vecBytes);
        b.store(slices.takeIn(sum, level, [&](int64_t below) { return at(below, offset); }), at(level, offset),
                vecBytes);
      });
    });
  }
  /// All slices are made.
  void finish() {
    if (int64_t{1} << slices.open() == count)
      return;
    forSums([&](Value offset) {
      Value sum = slices.result([&](int64_t level) { return at(level, offset); });
      b.store(sum, at(slices.open(), offset), vecBytes);
    });
  }

private:
  KernelBuilder &b;
  SliceSums slices;
  int64_t count;
  const KernelLibrary::LotSums &sums;
  Value bytes;
  int64_t rows;

  Value at(int64_t level, Value offset) { return b.at(sums.at(b, level), offset); }
  void forSums(llvm::function_ref<void(Value offset)> body) {
    b.loop(b.i64(0), bytes, rows * vecBytes, [&](Value offset) {
      for (int64_t row = 0; row < rows; ++row)
        body(b.add(offset, row * vecBytes));
    });
  }
};
} // namespace

void KernelLibrary::dotLot(KernelBuilder &b, const PackedShape &weight, Value first, Value count, ArrayRef<Value> rows,
                           const LotSums &sums) const {
  Type type = weight.sumsIntegers() ? b.vecI32() : b.vecF32();
  int64_t rowCount = static_cast<int64_t>(rows.size()), rowsBytes = rowCount * vecBytes;
  auto panelAt = [&](Value p) { return b.at(first, b.mul(p, weight.panelBytes())); };
  auto forRows = [&](Value own, llvm::function_ref<void(size_t row, Value place)> body) {
    for (size_t row = 0; row < rows.size(); ++row)
      body(row, b.at(own, static_cast<int64_t>(row) * vecBytes));
  };
  SliceSums slices(b, weight.slices());
  LotTree tree(b, weight.slices(), sums, count, rowCount);
  b.loop(b.i64(0), b.i64(weight.slices().count()), 1, [&](Value slice) {
    Value begin = slices.first(slice), place = tree.placeOf(slice), toZeros = b.distance(place, sums.zeros(b));
    b.loop(begin, slices.end(slice), 1, [&](Value group) {
      Value offset = b.mul(group, groupBytes(weight.format, panelRows));
      Value before = b.select(b.less(begin, group), b.i64(0), toZeros);
      b.loop(b.i64(0), count, 1, [&](Value p) {
        Value panel = panelAt(p), weights = b.at(panel, offset), own = b.at(place, b.mul(p, rowsBytes));
        b.prefetch(b.at(weights, lotPrefetchBytes / sums.panels), groupBytes(weight.format, panelRows));
        KernelBuilder::Values totals;
        forRows(b.at(own, before), [&](size_t, Value from) { totals.push_back(b.load(type, from, vecBytes)); });
        totals = addGroup(b, *level.tileOps, weight, weights, loadRowScales(b, weight, panel), rows, group, totals);
        forRows(own, [&](size_t row, Value to) { b.store(totals[row], to, vecBytes); });
      });
    });
    tree.finish(slice);
  });
  tree.finish();
  if (weight.sumsIntegers())
    b.loop(b.i64(0), count, 1, [&](Value p) {
      Value rowScales = loadRowScales(b, weight, panelAt(p));
      forRows(b.at(sums.memory, b.mul(p, rowsBytes)), [&](size_t row, Value sum) {
        b.store(sumOfIntegers(b, rowScales, weight.cols, rows[row], b.load(type, sum, vecBytes)), sum, vecBytes);
      });
    });
}

void KernelLibrary::unpackBlock(KernelBuilder &b, const PackedShape &weight, Value panel, Value first, Value last,
                                Value block) const {
  Value rowScales = loadRowScales(b, weight, panel);
  bool words = inWords(weight);
  b.loop(first, last, 1, [&](Value group) {
    WeightGroup packed{weight.format, b.at(panel, b.mul(group, groupBytes(weight.format, panelRows))),
                       /*unpacked=*/false, words};
    b.prefetch(b.at(packed.pointer, prefetchBytes), groupBytes(weight.format, panelRows));
    Value target = b.at(block, b.mul(b.sub(group, first), blockOf(weight).groupBytes()));
    level.tileOps->unpack(b, packed, target);
    b.store(scalesOfGroup(b, packed, rowScales), b.at(target, TileOps::unpackedBytes(words)), 64);
  });
}

KernelBuilder::Values KernelLibrary::dotBlocks(KernelBuilder &b, const PackedShape &weight,
                                               const UnpackedGroups &groups, ArrayRef<Value> rows,
                                               ValueRange totals) const {
  KernelBuilder::Values before(totals);
  if (weight.sumsIntegers())
    for (Value &total : before)
      total = b.bitcast(total, b.vecI32());
  KernelBuilder::Values sums = b.loop(groups.first, groups.last, 1, before, [&](Value group, ValueRange state) {
    Value offset = b.mul(b.sub(group, groups.begin), blockOf(weight).groupBytes());
    SmallVector<WeightGroup> panels;
    for (Value block : groups.blocks)
      panels.push_back({weight.format, b.at(block, offset), /*unpacked=*/true, inWords(weight)});
    KernelBuilder::Values noRowScales(panels.size()); // they stand in the blocks
    return addQuantizedGroup(b, *level.tileOps, panels, noRowScales, weight, rows, group, state);
  });
  if (weight.sumsIntegers())
    for (Value &sum : sums)
      sum = b.bitcast(sum, b.vecF32());
  return sums;
}

} // namespace gemmac
