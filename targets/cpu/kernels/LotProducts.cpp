// Products of a few rows with many packed panels, whose sums lie in memory.
#include "targets/cpu/kernels/GroupProducts.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

// Products of several rows come back to a panel only when they were at all others of the lot, a group of each at a
// time: with twice the distance four rows of q8 take 8 to 15 % less time (docs/benchmarks.md).
static constexpr int64_t lotPrefetchBytes = 8192;

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

} // namespace gemmac
