// Blocks of panels that are unpacked for the rows of a chunk, and products with them.
#include "targets/cpu/kernels/GroupProducts.h"

using namespace mlir;

namespace gemmac {

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

} // namespace gemmac
