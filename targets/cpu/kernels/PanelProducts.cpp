// Products of a few rows with a few packed panels, which are read abreast. The sum over columns goes slice by slice
// (SliceSums), in each group by group of 32: one order for any number of rows and for packed and unpacked panels, so
// that decode, verify and prefill give the same bits.
#include "targets/cpu/kernels/GroupProducts.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

namespace {
/// The sums of some panels and rows, slice by slice. Those of a slice lie in registers while it is made, or in memory
/// where they would be spilled there anyway.
class TileSums {
public:
  TileSums(KernelBuilder &b, const IsaLevel &level, const PackedShape &weight, ArrayRef<Value> panels,
           ArrayRef<Value> rowScales, ArrayRef<Value> rows, bool inMemory)
      : b(b), level(level), weight(weight), panels(panels), rowScales(rowScales), rows(rows),
        none(weight.sumsIntegers() ? b.splatInt(b.vecI32(), 0) : b.splat(b.vecF32(), 0.0)),
        count(static_cast<int64_t>(panels.size() * rows.size())), slices(b, weight.slices(), count * vecBytes),
        inMemory(inMemory) {
    for (int64_t i = 0; i < count; ++i)
      offsets.push_back(i * vecBytes);
  }

  KernelBuilder::Values make() {
    if (!inMemory && slices.levels() == 1)
      return dotInRegisters(b.i64(0));
    waiting = b.stack(slices.levels() * bytes());
    if (inMemory) {
      zeros = b.stack(bytes());
      store(KernelBuilder::Values(count, none), zeros);
    }
    b.loop(b.i64(0), b.i64(weight.slices().count()), 1, [&](Value slice) {
      if (inMemory) {
        dotInMemory(slice, slices.placeOf(slice, waiting));
        slices.finish(slice, waiting, offsets);
      } else {
        slices.finish(slice, dotInRegisters(slice), waiting, offsets);
      }
    });
    KernelBuilder::Values sums;
    for (int64_t offset : offsets)
      sums.push_back(slices.result(b.at(waiting, offset), cast<VectorType>(none.getType())));
    return sums;
  }

private:
  KernelBuilder &b;
  const IsaLevel &level;
  const PackedShape &weight;
  ArrayRef<Value> panels, rowScales, rows;
  Value none;
  int64_t count;
  SliceSums slices;
  SmallVector<int64_t> offsets; ///< of the sums
  bool inMemory;
  Value waiting, zeros;

  int64_t bytes() const { return count * vecBytes; } ///< of the sums
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
  KernelBuilder::Values addTo(Totals totals, size_t p, Value group, Value ahead) {
    int64_t size = groupBytes(weight.format, panelRows);
    Value weights = b.at(panels[p], b.mul(group, size));
    b.prefetch(b.at(weights, ahead), size);
    return addGroup(b, *level.tileOps, weight, weights, rowScales[p], rows, group, totals);
  }
  Value aheadOf(Value slice) {
    int64_t abreast = static_cast<int64_t>(panels.size());
    return prefetchDistance(b, weight, slice, abreast, std::max(prefetchBytes / abreast, leastPrefetchBytes));
  }
  KernelBuilder::Values dotInRegisters(Value slice) {
    Value ahead = aheadOf(slice);
    return b.loop(slices.first(slice), slices.end(slice), 1, KernelBuilder::Values(count, none),
                  [&](Value group, ValueRange totals) {
                    KernelBuilder::Values next;
                    for (size_t p = 0; p < panels.size(); ++p) {
                      ValueRange own = totals.slice(p * rows.size(), rows.size());
                      next.append(addTo([&] { return KernelBuilder::Values(own); }, p, group, ahead));
                    }
                    return next;
                  });
  }
  // Loads begin at the zeros: LLVM does not see that it is one place, and so leaves the sums there.
  void dotInMemory(Value slice, Value place) {
    Value ahead = aheadOf(slice);
    b.loop(slices.first(slice), slices.end(slice), 1, ValueRange{zeros}, [&](Value group, ValueRange from) {
      for (size_t p = 0; p < panels.size(); ++p) {
        int64_t first = static_cast<int64_t>(p * rows.size()), last = first + static_cast<int64_t>(rows.size());
        store(addTo([&] { return load(from[0], first, last); }, p, group, ahead), place, first);
      }
      return KernelBuilder::Values{place};
    });
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

} // namespace gemmac
