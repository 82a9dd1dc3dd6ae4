// Blocks of panels that are unpacked for the rows of a chunk, and products with them.
#include "targets/cpu/kernels/GroupProducts.h"

using namespace mlir;

namespace gemmac {

Value KernelLibrary::scaledSum(KernelBuilder &b, const PackedShape &weight, Value panel, Value row, Value sum) const {
  return weight.sumsIntegers() ? sumOfIntegers(b, loadRowScales(b, weight, panel), weight.cols, row, sum) : sum;
}

UnpackedBlock::UnpackedBlock(const IsaLevel &level, const PackedShape &weight)
    : groups(level.floatGroups), groupBytes(panelRows * groupColumns * 4) {
  if (!weight.quantized())
    return;
  bool words = multipliesWords(level, weight);
  groups = words ? level.unpackedGroups / 2 : level.unpackedGroups;
  groupBytes = TileOps::unpackedBytes(words) + panelRows * 4;
}

static void unpackFloats(KernelBuilder &b, Format format, Value packed, Value target) {
  b.loop(b.i64(0), b.i64(groupColumns), 1, [&](Value column) {
    Value weights = b.at(packed, b.mul(column, panelRows * KernelBuilder::elementBytes(format)));
    b.store(b.loadFloats(format, weights), b.at(target, b.mul(column, panelRows * 4)), 64);
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
    Value target = b.at(block, b.mul(b.sub(group, first), blockOf(weight).groupBytes));
    if (!weight.quantized())
      return unpackFloats(b, weight.format, packed.pointer, target);
    level.tileOps->unpack(b, packed, target);
    b.store(scalesOfGroup(b, packed, rowScales), b.at(target, TileOps::unpackedBytes(words)), 64);
  });
}

KernelBuilder::Values KernelLibrary::dotBlocks(KernelBuilder &b, const PackedShape &weight,
                                               const UnpackedGroups &groups, ArrayRef<Value> rows,
                                               ValueRange totals) const {
  KernelBuilder::Values sums;
  size_t most = unpackedTileOf(weight).panels, count = groups.blocks.size();
  for (size_t p = 0; p < count; p += most) {
    size_t now = std::min(most, count - p);
    UnpackedGroups own{groups.blocks.slice(p, now), groups.begin, groups.first, groups.last};
    ValueRange before = totals.slice(p * rows.size(), now * rows.size());
    sums.append(weight.quantized() ? dotIntegerBlocks(b, weight, own, rows, before)
                                   : dotFloatBlocks(b, weight, own, rows, before));
  }
  return sums;
}

// LLVM leaves multiplications in loops around others, so pointers step from group to group: to the first panel's
// weights and the first row's integers, from which the others have constant distances.
KernelBuilder::Values KernelLibrary::dotIntegerBlocks(KernelBuilder &b, const PackedShape &weight,
                                                      const UnpackedGroups &groups, ArrayRef<Value> rows,
                                                      ValueRange totals) const {
  bool words = inWords(weight);
  int64_t groupBytes = blockOf(weight).groupBytes;
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

KernelBuilder::Values KernelLibrary::dotFloatBlocks(KernelBuilder &b, const PackedShape &weight,
                                                    const UnpackedGroups &groups, ArrayRef<Value> rows,
                                                    ValueRange totals) const {
  return b.loop(groups.first, groups.last, 1, totals, [&](Value group, ValueRange state) {
    Value offset = b.mul(b.sub(group, groups.begin), blockOf(weight).groupBytes);
    SmallVector<Value> weights;
    for (Value block : groups.blocks)
      weights.push_back(b.at(block, offset));
    return addFloatGroup(b, Format::F32, weights, rows, group, [&] { return KernelBuilder::Values(state); });
  });
}

} // namespace gemmac
