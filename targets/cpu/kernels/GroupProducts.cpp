#include "targets/cpu/kernels/GroupProducts.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;

Value loadRowScales(KernelBuilder &b, const PackedShape &weight, Value panel) {
  return weight.rowScales() ? b.loadVec(b.at(panel, weight.rowScalesOffset())) : Value();
}

Value prefetchDistance(KernelBuilder &b, const PackedShape &shape, Value slice, int64_t abreast, int64_t bytes) {
  int64_t size = groupBytes(shape.format, panelRows), groups = shape.cols / groupColumns;
  Slices slices = shape.slices();
  if (slices.per() * size > 2 * bytes)
    return b.i64(bytes);
  int64_t toNext = bytes - groups * size + abreast * shape.panelBytes();
  return b.select(b.less(slice, b.i64(slices.count() - 1)), b.i64(bytes), b.i64(toNext));
}

Value scalesOfGroup(KernelBuilder &b, const WeightGroup &weights, Value rowScales) {
  if (weights.unpacked)
    return b.loadVec(b.at(weights.pointer, TileOps::unpackedBytes(weights.words)));
  if (rowScales)
    return rowScales;
  return b.loadFloats(Format::F16, b.at(weights.pointer, valueBytes(weights.format, lanes)));
}

Value sumOfIntegers(KernelBuilder &b, Value rowScales, int64_t cols, Value row, Value sum) {
  Value scale =
      b.mulf(rowScales, b.broadcast(b.load(b.getF32Type(), b.at(row, cols)))); // the first group's, and so everyone's
  return b.mulf(arith::SIToFPOp::create(b, b.vecF32(), sum), scale);
}

KernelBuilder::Values addFloatGroup(KernelBuilder &b, Format format, ArrayRef<Value> panels, ArrayRef<Value> rows,
                                    Value group, Totals totals) {
  int64_t element = KernelBuilder::elementBytes(format);
  constexpr int64_t unroll = 4;
  Value column = b.mul(group, groupColumns);
  KernelBuilder::Values zero(panels.size() * rows.size(), b.splat(b.vecF32(), 0.0));
  auto parts = b.loop(b.i64(0), b.i64(groupColumns), unroll, zero, [&](Value k, ValueRange state) {
    KernelBuilder::Values next(state);
    Value first = b.mul(k, lanes * element), offset = b.mul(b.add(column, k), 4);
    for (int64_t u = 0; u < unroll; ++u) {
      KernelBuilder::Values weights;
      for (Value panel : panels)
        weights.push_back(b.loadFloats(format, b.at(b.at(panel, first), u * lanes * element)));
      for (auto [r, row] : llvm::enumerate(rows)) {
        Value x = b.broadcast(b.load(b.getF32Type(), b.at(b.at(row, offset), u * 4)));
        for (auto [p, weight] : llvm::enumerate(weights)) {
          Value &sum = next[p * rows.size() + r];
          sum = b.fma(weight, x, sum);
        }
      }
    }
    return next;
  });
  for (auto [part, total] : llvm::zip(parts, totals()))
    part = b.addf(total, part);
  return parts;
}

RowsGroup groupOfRows(KernelBuilder &b, const PackedShape &shape, bool words, ArrayRef<Value> rows, Value number) {
  RowsGroup group{number, {}};
  Value offset = b.mul(number, groupColumns * (words ? 2 : 1));
  for (Value row : rows)
    group.values.push_back(b.at(words ? b.at(row, 2 * shape.cols) : row, offset));
  return group;
}

// Per panel and row the exact integer dot products of a group. `values`: where the rows' integers lie. Those of wide
// rows are made of the products with their high and their low bytes, where `ops` does not multiply int16.
static KernelBuilder::Values dotGroup(KernelBuilder &b, const TileOps &ops, ArrayRef<WeightGroup> panels,
                                      const PackedShape &shape, ArrayRef<Value> values, ArrayRef<Value> biases) {
  SmallVector<ActivationGroup> activations;
  bool words = panels.front().words, parts = shape.wideInput && !words;
  for (auto [row, bias] : llvm::zip(values, biases)) {
    if (parts)
      activations.push_back({row, /*bias=*/Value()});
    activations.push_back(
        {parts ? b.at(row, shape.cols) : row, bias, /*wholeRange=*/parts || shape.staticInput, words});
  }
  SmallVector<Value> dots = ops.dotPanels(b, panels, activations);
  if (!parts)
    return dots;
  KernelBuilder::Values sums;
  for (size_t i = 0; i < dots.size(); i += 2)
    sums.push_back(arith::AddIOp::create(b, arith::ShLIOp::create(b, dots[i], b.splatInt(b.vecI32(), 8)), dots[i + 1]));
  return sums;
}

KernelBuilder::Values addQuantizedGroup(KernelBuilder &b, const TileOps &ops, ArrayRef<WeightGroup> panels,
                                        ArrayRef<Value> rowScales, const PackedShape &shape, ArrayRef<Value> rows,
                                        const RowsGroup &group, Totals totals) {
  int64_t scalesAt = shape.wideInput ? 4 * shape.cols : shape.cols, biasesAt = shape.cols / groupColumns * 4;
  KernelBuilder::Values scales, biases;
  Value offset = b.add(b.mul(group.number, 4), scalesAt);
  for (Value row : rows) {
    scales.push_back(b.at(row, offset));
    biases.push_back(b.at(scales.back(), biasesAt));
  }
  auto dots = dotGroup(b, ops, panels, shape, group.values, biases);
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

KernelBuilder::Values addGroup(KernelBuilder &b, const TileOps &ops, const PackedShape &shape, Value weights,
                               Value rowScales, ArrayRef<Value> rows, Value group, Totals totals) {
  if (!shape.quantized())
    return addFloatGroup(b, shape.format, weights, rows, group, totals);
  WeightGroup packed{shape.format, weights, /*unpacked=*/false, shape.wideInput && ops.multipliesWords(shape.format)};
  return addQuantizedGroup(b, ops, packed, rowScales, shape, rows, groupOfRows(b, shape, packed.words, rows, group),
                           totals);
}

} // namespace gemmac
