// Blocks of panels that are unpacked for the rows of a chunk, and products with them.
#include "targets/cpu/kernels/GroupProducts.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

Value KernelLibrary::scaledSum(KernelBuilder &b, const PackedShape &weight, Value panel, Value row, Value sum) const {
  if (!weight.sumsIntegers())
    return sum;
  return sumOfIntegers(b, loadRowScales(b, weight, panel), weight.cols, row, b.bitcast(sum, b.vecI32()));
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
