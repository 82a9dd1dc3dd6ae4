// Blocks of panels that are unpacked for the rows of a chunk, and products with them.
#include "targets/cpu/kernels/GroupProducts.h"

using namespace mlir;

namespace gemmac {

Value KernelLibrary::scaledSum(KernelBuilder &b, const PackedShape &weight, Value panel, Value row, Value sum) const {
  return weight.sumsIntegers() ? sumOfIntegers(b, loadRowScales(b, weight, panel), weight.cols, row, sum) : sum;
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

// LLVM leaves multiplications in loops around others, so pointers step from group to group: to the first panel's
// weights and the first row's integers, from which the others have constant distances.
KernelBuilder::Values KernelLibrary::dotBlocks(KernelBuilder &b, const PackedShape &weight,
                                               const UnpackedGroups &groups, ArrayRef<Value> rows,
                                               ValueRange totals) const {
  bool words = inWords(weight);
  int64_t groupBytes = blockOf(weight).groupBytes();
  size_t count = totals.size();
  RowsGroup first = groupOfRows(b, weight, words, rows, groups.first);
  KernelBuilder::Values begin(totals), noRowScales(groups.blocks.size()); // they stand in the blocks
  begin.append({first.values[0], b.at(groups.blocks[0], b.mul(b.sub(groups.first, groups.begin), groupBytes))});
  auto end = b.loop(groups.first, groups.last, 1, begin, [&](Value group, ValueRange state) {
    RowsGroup own{group, {}};
    for (Value values : first.values)
      own.values.push_back(b.at(state[count], b.distance(first.values[0], values)));
    SmallVector<WeightGroup> panels;
    for (Value block : groups.blocks)
      panels.push_back(
          {weight.format, b.at(state[count + 1], b.distance(groups.blocks[0], block)), /*unpacked=*/true, words});
    auto next = addQuantizedGroup(b, *level.tileOps, panels, noRowScales, weight, rows, own,
                                  [&] { return KernelBuilder::Values(state.take_front(count)); });
    next.append({b.at(state[count], groupColumns * (words ? 2 : 1)), b.at(state[count + 1], groupBytes)});
    return next;
  });
  end.truncate(count);
  return end;
}

} // namespace gemmac
