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

/// Sums so far. They are asked for behind the products of a group, so that totals in memory are loaded by the
/// additions.
using Totals = llvm::function_ref<KernelBuilder::Values()>;

// Per row: 32 fused multiply-adds into a partial sum, which is then added to the total.
static KernelBuilder::Values addFloatGroup(KernelBuilder &b, Format format, Value weights, ArrayRef<Value> rows,
                                           Value group, Totals totals) {
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
  for (auto [part, total] : llvm::zip(parts, totals()))
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
                                               ArrayRef<Value> rows, Value group, Totals totals) {
  int64_t scalesAt = shape.wideInput ? 4 * shape.cols : shape.cols, biasesAt = shape.cols / groupColumns * 4;
  KernelBuilder::Values scales, biases;
  Value offset = b.add(b.mul(group, 4), scalesAt);
  for (Value row : rows) {
    scales.push_back(b.at(row, offset));
    biases.push_back(b.at(scales.back(), biasesAt));
  }
  auto dots = dotGroup(b, ops, panels, shape, rows, biases, group);
  KernelBuilder::Values next = totals();
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
                                      Value rowScales, ArrayRef<Value> rows, Value group, Totals totals) {
  if (shape.quantized())
    return addQuantizedGroup(
        b, ops, WeightGroup{shape.format, weights, /*unpacked=*/false, shape.wideInput && ops.multipliesWords()},
        rowScales, shape, rows, group, totals);
  return addFloatGroup(b, shape.format, weights, rows, group, totals);
}

namespace {
/// The sums of some panels and rows, slice by slice. Those of a slice lie in registers while it is made, or in memory
/// where they would be spilled there anyway.
class TileSums {
public:
  TileSums(KernelBuilder &b, const IsaLevel &level, const PackedShape &weight, ArrayRef<Value> panels,
           ArrayRef<Value> rowScales, ArrayRef<Value> rows, bool inMemory)
      : b(b), level(level), weight(weight), panels(panels), rowScales(rowScales), rows(rows),
        none(weight.sumsIntegers() ? b.splatInt(b.vecI32(), 0) : b.splat(b.vecF32(), 0.0)), slices(b, weight.slices()),
        count(static_cast<int64_t>(panels.size() * rows.size())), inMemory(inMemory) {}

  KernelBuilder::Values make() {
    if (!inMemory && slices.levels() == 1)
      return dotInRegisters(b.i64(0));
    int64_t sliceCount = weight.slices().count();
    // Sums wait at the place of their first slice: had each level a place of its own, LLVM would keep them all in
    // registers, which the products need.
    waiting = b.stack(sliceCount * bytes());
    if (inMemory) {
      zeros = b.stack(bytes());
      store(KernelBuilder::Values(count, none), zeros);
    }
    b.loop(b.i64(0), b.i64(sliceCount), 1, [&](Value slice) {
      Value place = b.at(waiting, b.mul(slice, bytes()));
      if (inMemory)
        dotInMemory(slice, place);
      KernelBuilder::Values made = inMemory ? KernelBuilder::Values() : dotInRegisters(slice);
      slices.finish(slice, [&](int64_t level) { finish(made, level, place); });
    });
    return slices.levels() == 1 ? load(waiting, 0, count) : results();
  }

private:
  KernelBuilder &b;
  const IsaLevel &level;
  const PackedShape &weight;
  ArrayRef<Value> panels, rowScales, rows;
  Value none;
  SliceSums slices;
  int64_t count;
  bool inMemory;
  Value waiting, zeros;

  int64_t bytes() const { return count * vecBytes; } ///< of a slice's sums
  KernelBuilder::Values load(Value place, int64_t first, int64_t last) {
    KernelBuilder::Values sums;
    for (int64_t i = first; i < last; ++i)
      sums.push_back(b.load(none.getType(), b.at(place, i * vecBytes), vecBytes));
    return sums;
  }
  void store(ValueRange sums, Value place, int64_t first = 0) {
    for (auto [i, sum] : llvm::enumerate(sums))
      b.store(sum, b.at(place, (first + static_cast<int64_t>(i)) * vecBytes), vecBytes);
  }

  // The totals of one panel with a group.
  KernelBuilder::Values addTo(Totals totals, size_t p, Value group) {
    int64_t ahead = prefetchBytes / static_cast<int64_t>(panels.size());
    Value weights = b.at(panels[p], b.mul(group, groupBytes(weight.format, panelRows)));
    b.prefetch(b.at(weights, ahead), groupBytes(weight.format, panelRows));
    return addGroup(b, *level.tileOps, weight, weights, rowScales[p], rows, group, totals);
  }
  KernelBuilder::Values dotInRegisters(Value slice) {
    return b.loop(slices.first(slice), slices.end(slice), 1, KernelBuilder::Values(count, none),
                  [&](Value group, ValueRange totals) {
                    KernelBuilder::Values next;
                    for (size_t p = 0; p < panels.size(); ++p) {
                      ValueRange own = totals.slice(p * rows.size(), rows.size());
                      next.append(addTo([&] { return KernelBuilder::Values(own); }, p, group));
                    }
                    return next;
                  });
  }
  // Loads begin at the zeros: LLVM does not see that it is one place, and so leaves the sums there.
  void dotInMemory(Value slice, Value place) {
    b.loop(slices.first(slice), slices.end(slice), 1, ValueRange{zeros}, [&](Value group, ValueRange from) {
      for (size_t p = 0; p < panels.size(); ++p) {
        int64_t first = static_cast<int64_t>(p * rows.size()), last = first + static_cast<int64_t>(rows.size());
        store(addTo([&] { return load(from[0], first, last); }, p, group), place, first);
      }
      return KernelBuilder::Values{place};
    });
  }

  // Of the slice that was made at `place`, or in registers.
  void finish(ArrayRef<Value> made, int64_t level, Value place) {
    for (int64_t i = 0; i < count && (level > 0 || !inMemory); ++i) {
      auto placeOf = [&](int64_t level) { return b.at(place, i * vecBytes - ((int64_t{1} << level) - 1) * bytes()); };
      Value sum = inMemory ? load(place, i, i + 1)[0] : made[i];
      b.store(slices.takeIn(sum, level, [&](int64_t below) { return placeOf(below + 1); }), placeOf(level), vecBytes);
    }
  }
  KernelBuilder::Values results() {
    KernelBuilder::Values sums;
    for (int64_t i = 0; i < count; ++i)
      sums.push_back(slices.result([&](int64_t level) {
        int64_t first = weight.slices().count() >> (level + 1) << (level + 1);
        return b.at(waiting, first * bytes() + i * vecBytes);
      }));
    return sums;
  }
};
} // namespace

SmallVector<KernelBuilder::Values> KernelLibrary::dotPanels(KernelBuilder &b, const PackedShape &weight,
                                                            ArrayRef<Value> panels, ArrayRef<Value> rows) const {
  KernelBuilder::Values rowScales;
  for (Value panel : panels)
    rowScales.push_back(loadRowScales(b, weight, panel));
  KernelBuilder::Values sums =
      TileSums(b, level, weight, panels, rowScales, rows, inMemory(panels.size() * rows.size())).make();
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
    Value place = tree.placeOf(slice), toZeros = b.distance(place, sums.zeros(b));
    b.loop(slices.first(slice), slices.end(slice), 1, ValueRange{toZeros}, [&](Value group, ValueRange before) {
      Value offset = b.mul(group, groupBytes(weight.format, panelRows));
      b.loop(b.i64(0), count, 1, [&](Value p) {
        Value panel = panelAt(p), weights = b.at(panel, offset), own = b.at(place, b.mul(p, rowsBytes));
        b.prefetch(b.at(weights, lotPrefetchBytes / sums.panels), groupBytes(weight.format, panelRows));
        auto load = [&] {
          KernelBuilder::Values totals;
          forRows(b.at(own, before[0]), [&](size_t, Value from) { totals.push_back(b.load(type, from, vecBytes)); });
          return totals;
        };
        auto totals = addGroup(b, *level.tileOps, weight, weights, loadRowScales(b, weight, panel), rows, group, load);
        forRows(own, [&](size_t row, Value to) { b.store(totals[row], to, vecBytes); });
      });
      return KernelBuilder::Values{b.i64(0)};
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

// Adds one group of unpacked panels.
static KernelBuilder::Values addUnpacked(KernelBuilder &b, const KernelLibrary &library, const PackedShape &weight,
                                         const KernelLibrary::UnpackedGroups &groups, ArrayRef<Value> rows, Value group,
                                         Totals totals) {
  Value offset = b.mul(b.sub(group, groups.begin), library.blockOf(weight).groupBytes());
  SmallVector<WeightGroup> panels;
  for (Value block : groups.blocks)
    panels.push_back({weight.format, b.at(block, offset), /*unpacked=*/true, library.inWords(weight)});
  KernelBuilder::Values noRowScales(panels.size()); // they stand in the blocks
  return addQuantizedGroup(b, *library.getLevel().tileOps, panels, noRowScales, weight, rows, group, totals);
}

KernelBuilder::Values KernelLibrary::dotBlocks(KernelBuilder &b, const PackedShape &weight,
                                               const UnpackedGroups &groups, ArrayRef<Value> rows,
                                               ValueRange totals) const {
  return b.loop(groups.first, groups.last, 1, totals, [&](Value group, ValueRange state) {
    return addUnpacked(b, *this, weight, groups, rows, group, [&] { return KernelBuilder::Values(state); });
  });
}

// As in TileSums LLVM does not see that it is one place.
void KernelLibrary::dotBlocks(KernelBuilder &b, const PackedShape &weight, const UnpackedGroups &groups,
                              ArrayRef<Value> rows, Value from, Value to, int64_t panelBytes) const {
  Type type = weight.sumsIntegers() ? b.vecI32() : b.vecF32();
  int64_t rowCount = static_cast<int64_t>(rows.size()), count = rowCount * static_cast<int64_t>(groups.blocks.size());
  auto at = [&](Value base, int64_t i) { return b.at(base, i / rowCount * panelBytes + i % rowCount * vecBytes); };
  b.loop(groups.first, groups.last, 1, ValueRange{from}, [&](Value group, ValueRange place) {
    auto totals = addUnpacked(b, *this, weight, groups, rows, group, [&] {
      KernelBuilder::Values loaded;
      for (int64_t i = 0; i < count; ++i)
        loaded.push_back(b.load(type, at(place[0], i), vecBytes));
      return loaded;
    });
    for (int64_t i = 0; i < count; ++i)
      b.store(totals[i], at(to, i), vecBytes);
    return KernelBuilder::Values{to};
  });
}

} // namespace gemmac
