// Products of a few rows with a few packed panels, which are read abreast. The sum over columns goes slice by slice
// (SliceSums), in each group by group of 32: one order for any number of rows and for packed and unpacked panels, so
// that decode, verify and prefill give the same bits.
#include "targets/cpu/kernels/GroupProducts.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

namespace {
/// The sums of some panels and rows, slice by slice.
class TileSums {
public:
  TileSums(KernelBuilder &b, const IsaLevel &level, const PackedShape &weight, ArrayRef<Value> panels,
           ArrayRef<Value> rowScales, ArrayRef<Value> rows)
      : b(b), level(level), weight(weight), panels(panels), rowScales(rowScales), rows(rows),
        none(weight.sumsIntegers() ? b.splatInt(b.vecI32(), 0) : b.splat(b.vecF32(), 0.0)), slices(b, weight.slices()),
        count(static_cast<int64_t>(panels.size() * rows.size())) {}

  KernelBuilder::Values make() {
    if (slices.levels() == 1)
      return dot(b.i64(0));
    int64_t sliceCount = weight.slices().count();
    // Sums wait at the place of their first slice: had each level a place of its own, LLVM would keep them all in
    // registers, which the products need.
    waiting = b.stack(sliceCount * bytes());
    b.loop(b.i64(0), b.i64(sliceCount), 1, [&](Value slice) {
      Value place = b.at(waiting, b.mul(slice, bytes()));
      KernelBuilder::Values made = dot(slice);
      slices.finish(slice, [&](int64_t level) { finish(made, level, place); });
    });
    return results();
  }

private:
  KernelBuilder &b;
  const IsaLevel &level;
  const PackedShape &weight;
  ArrayRef<Value> panels, rowScales, rows;
  Value none;
  SliceSums slices;
  int64_t count;
  Value waiting;

  int64_t bytes() const { return count * vecBytes; } ///< of a slice's sums

  // The totals of one panel with a group.
  KernelBuilder::Values addTo(Totals totals, size_t p, Value group) {
    int64_t ahead = prefetchBytes / static_cast<int64_t>(panels.size());
    Value weights = b.at(panels[p], b.mul(group, groupBytes(weight.format, panelRows)));
    b.prefetch(b.at(weights, ahead), groupBytes(weight.format, panelRows));
    return addGroup(b, *level.tileOps, weight, weights, rowScales[p], rows, group, totals);
  }
  KernelBuilder::Values dot(Value slice) {
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
  // What was made of a slice goes to its place, or to that of the first of those that it takes in.
  void finish(ArrayRef<Value> made, int64_t level, Value place) {
    for (int64_t i = 0; i < count; ++i) {
      auto placeOf = [&](int64_t level) { return b.at(place, i * vecBytes - ((int64_t{1} << level) - 1) * bytes()); };
      b.store(slices.takeIn(made[i], level, [&](int64_t below) { return placeOf(below + 1); }), placeOf(level),
              vecBytes);
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
  KernelBuilder::Values sums = TileSums(b, level, weight, panels, rowScales, rows).make();
  for (size_t i = 0; weight.sumsIntegers() && i < sums.size(); ++i)
    sums[i] = sumOfIntegers(b, rowScales[i / rows.size()], weight.cols, rows[i % rows.size()], sums[i]);
  SmallVector<KernelBuilder::Values> result;
  for (size_t p = 0; p < panels.size(); ++p)
    result.emplace_back(ArrayRef<Value>(sums).slice(p * rows.size(), rows.size()));
  return result;
}

} // namespace gemmac
