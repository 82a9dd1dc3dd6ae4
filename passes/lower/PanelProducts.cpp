// Products of a few rows with one panel, 16 output rows. The sum over columns goes group by group of 32, in one order for
// any number of rows and for packed and unpacked panels, so that decode, verify and prefill give the same bits.
#include "passes/lower/Kernels.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;

// Weights come from memory once and in order, but hardware prefetchers stop at the end of a page and keep fewer lines in
// flight than a core can: asking this far ahead raised a GEMV on a server core from 16 to 23 GB/s, of 25 that it reads.
static constexpr int64_t prefetchDistance = 4096;

// Per row: 32 fused multiply-adds into a partial sum, which is then added to the total.
static KernelBuilder::Values addFloatGroup(KernelBuilder &b, WeightFormat format, Value weights, ArrayRef<Value> rows,
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

// Per row: the exact integer dot product of the group, scaled and added to the total.
static KernelBuilder::Values addQuantizedGroup(KernelBuilder &b, const TileOps &ops, const WeightGroup &weights,
                                               int64_t cols, ArrayRef<Value> rows, Value group, ValueRange totals) {
  SmallVector<ActivationGroup> activations;
  KernelBuilder::Values scales;
  Value valuesOffset = b.mul(group, groupColumns), scaleOffset = b.add(b.mul(group, 4), cols);
  for (Value row : rows) {
    Value scale = b.at(row, scaleOffset);
    Value bias = b.load(b.getI32Type(), b.at(scale, cols / groupColumns * 4));
    activations.push_back({b.at(row, valuesOffset), bias});
    scales.push_back(b.load(b.getF32Type(), scale));
  }
  int64_t weightBytes =
      weights.unpacked ? TileOps::unpackedBytes : lanes * groupColumns * formatInfo(weights.format).bits / 8;
  Value weightScales = b.loadFloats(weights.unpacked ? WeightFormat::F32 : WeightFormat::F16,
                                    b.at(weights.pointer, weightBytes));
  KernelBuilder::Values next;
  for (auto [r, dot] : llvm::enumerate(ops.dot(b, weights, activations))) {
    Value product = arith::SIToFPOp::create(b, b.vecF32(), dot);
    next.push_back(b.fma(product, b.mulf(weightScales, b.broadcast(scales[r])), totals[r]));
  }
  return next;
}

KernelBuilder::Values KernelLibrary::dotPanel(KernelBuilder &b, const PackedShape &weight, Value panel,
                                              ArrayRef<Value> rows) const {
  KernelBuilder::Values zero(rows.size(), b.splat(b.vecF32(), 0.0));
  return b.loop(b.i64(0), b.i64(weight.cols / groupColumns), 1, zero, [&](Value group, ValueRange totals) {
    Value weights = b.at(panel, b.mul(group, groupBytes(weight.format, panelRows)));
    b.prefetch(b.at(weights, prefetchDistance), groupBytes(weight.format, panelRows));
    if (weight.quantized())
      return addQuantizedGroup(b, *level.tileOps, {weight.format, weights}, weight.cols, rows, group, totals);
    return addFloatGroup(b, weight.format, weights, rows, group, totals);
  });
}

void KernelLibrary::unpackBlock(KernelBuilder &b, const PackedShape &weight, Value panel, Value first, Value last,
                                Value block) const {
  b.loop(first, last, 1, [&](Value group) {
    Value packed = b.at(panel, b.mul(group, groupBytes(weight.format, panelRows)));
    b.prefetch(b.at(packed, prefetchDistance), groupBytes(weight.format, panelRows));
    Value target = b.at(block, b.mul(b.sub(group, first), UnpackedBlock::groupBytes));
    level.tileOps->unpack(b, {weight.format, packed}, target);
    Value scales = b.at(packed, lanes * groupColumns * formatInfo(weight.format).bits / 8);
    b.store(b.loadFloats(WeightFormat::F16, scales), b.at(target, TileOps::unpackedBytes), 64);
  });
}

KernelBuilder::Values KernelLibrary::dotBlock(KernelBuilder &b, const PackedShape &weight, Value block, Value first,
                                              Value last, ArrayRef<Value> rows, ValueRange totals) const {
  return b.loop(first, last, 1, totals, [&](Value group, ValueRange state) {
    Value weights = b.at(block, b.mul(b.sub(group, first), UnpackedBlock::groupBytes));
    return addQuantizedGroup(b, *level.tileOps, {weight.format, weights, /*unpacked=*/true}, weight.cols, rows, group,
                             state);
  });
}

} // namespace gemmac
