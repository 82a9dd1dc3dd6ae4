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

void KernelLibrary::dotLot(KernelBuilder &b, const PackedShape &weight, Value first, Value count, ArrayRef<Value> rows,
                           const LotSums &sums) const {
  VectorType type = weight.sumsIntegers() ? b.vecI32() : b.vecF32();
  int64_t rowCount = static_cast<int64_t>(rows.size()), rowsBytes = rowCount * vecBytes;
  auto panelAt = [&](Value p) { return b.at(first, b.mul(p, weight.panelBytes())); };
  SliceSums slices(b, weight.slices(), -sums.levelBytes());
  Value waiting = sums.at(b, 0);
  SmallVector<int64_t> offsets;
  for (int64_t row = 0; row < rowCount; ++row)
    offsets.push_back(row * vecBytes);
  b.loop(b.i64(0), b.i64(weight.slices().count()), 1, [&](Value slice) {
    Value place = slices.placeOf(slice, waiting), toZeros = b.distance(place, sums.zeros(b));
    Value end = slices.end(slice), taken = slices.taken(slice), behind = slices.placeBehind(taken, waiting);
    Value ahead = prefetchDistance(b, weight, slice, sums.panels, lotPrefetchBytes / sums.panels);
    b.loop(slices.first(slice), end, 1, ValueRange{toZeros}, [&](Value group, ValueRange before) {
      // A pass over the sums when the slice is made would wait for the cache: its last group adds what waits.
      Value isLast = b.less(b.sub(end, b.i64(2)), group), levels = b.select(isLast, taken, b.i64(0));
      Value target = b.select(isLast, behind, place), offset = b.mul(group, groupBytes(weight.format, panelRows));
      b.loop(b.i64(0), count, 1, [&](Value p) {
        Value panel = panelAt(p), weights = b.at(panel, offset), own = b.mul(p, rowsBytes);
        b.prefetch(b.at(weights, ahead), groupBytes(weight.format, panelRows));
        auto load = [&] {
          KernelBuilder::Values totals;
          for (int64_t row : offsets)
            totals.push_back(b.load(type, b.at(b.at(b.at(place, own), before[0]), row), vecBytes));
          return totals;
        };
        auto totals = addGroup(b, *level.tileOps, weight, weights, loadRowScales(b, weight, panel), rows, group, load);
        totals = slices.settled(levels, totals, b.at(waiting, own), offsets).sums;
        for (auto [total, row] : llvm::zip(totals, offsets))
          b.store(total, b.at(b.at(target, own), row), vecBytes);
      });
      return KernelBuilder::Values{b.i64(0)};
    });
  });
  if (llvm::isPowerOf2_64(weight.slices().count()) && !weight.sumsIntegers())
    return; // the results are where they belong
  b.loop(b.i64(0), count, 1, [&](Value p) {
    Value rowScales = loadRowScales(b, weight, panelAt(p)), offset = b.mul(p, rowsBytes);
    for (size_t row = 0; row < rows.size(); ++row) {
      Value own = b.add(offset, offsets[row]), sum = slices.result(b.at(waiting, own), type);
      if (weight.sumsIntegers())
        sum = sumOfIntegers(b, rowScales, weight.cols, rows[row], sum);
      b.store(sum, b.at(sums.memory, own), vecBytes);
    }
  });
}

} // namespace gemmac
