// The bits, scales and floats of a packed table's rows.
#include "targets/cpu/kernels/TableRows.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;

// The bits that one plane holds of the 32 values of one row, at their place in the stored values: columns 0..15
// and 16..31. `row` is the row's part of the plane's first block. `isSigned`: a plane of signed bytes.
static std::pair<Value, Value> loadRowPlane(KernelBuilder &b, const BitPlane &plane, Value row, int64_t rows,
                                            bool isSigned) {
  auto bytes = b.vec(lanes, b.getI8Type());
  Value slot = b.stack(groupColumns);
  auto gather = [&](int64_t block, int64_t quad) {
    b.store(b.load(b.getI32Type(), b.at(row, block * rows * 4), 1), b.at(slot, quad * 4));
  };
  if (plane.bits == 8) {
    for (int64_t quad = 0; quad < 8; ++quad)
      gather(quad, quad);
    auto half = [&](int64_t offset) -> Value {
      Value loaded = b.load(bytes, b.at(slot, offset), 16);
      return isSigned ? arith::ExtSIOp::create(b, b.vecI32(), loaded).getResult()
                      : arith::ExtUIOp::create(b, b.vecI32(), loaded).getResult();
    };
    Value low = half(0);
    return {low, half(lanes)};
  }
  // Quad q lies in block q % bits from bit q / bits * bits on, quad q + 4 four bits above it (planePlace).
  SmallVector<int32_t> shifts;
  for (int64_t column = 0; column < lanes; ++column)
    shifts.push_back(static_cast<int32_t>(planePlace(plane.bits, rows, 0, column).shift));
  for (int64_t quad = 0; quad < 4; ++quad)
    gather(quad % plane.bits, quad);
  Value packed = arith::ExtUIOp::create(b, b.vecI32(), b.load(bytes, slot, 16));
  Value places = arith::ConstantOp::create(b, DenseElementsAttr::get(b.vecI32(), ArrayRef<int32_t>(shifts)));
  packed = arith::ShRUIOp::create(b, packed, places);
  auto take = [&](int64_t shift) -> Value {
    Value bits = arith::ShRUIOp::create(b, packed, b.splatInt(b.vecI32(), shift));
    bits = arith::AndIOp::create(b, bits, b.splatInt(b.vecI32(), (1 << plane.bits) - 1));
    return arith::ShLIOp::create(b, bits, b.splatInt(b.vecI32(), plane.shift));
  };
  Value low = take(0);
  return {low, take(4)};
}

// The scale of one group of one row of a packed table, an f32.
static Value loadScale(KernelBuilder &b, const PackedShape &table, Value panel, Value lane, Value group) {
  if (!table.rowScales()) {
    Value scales = b.at(b.at(panel, b.mul(group, groupBytes(table.format, rowsOf(table.layout)))),
                        valueBytes(table.format, rowsOf(table.layout)));
    return arith::ExtFOp::create(b, b.getF32Type(), b.load(b.getF16Type(), b.at(scales, b.mul(lane, 2)), 2));
  }
  Value index = lane;
  if (table.layout == Layout::Table && table.scaleBlocks > 1)
    index = b.div(group, b.i64(table.cols / table.scaleBlocks / groupColumns));
  return b.load(b.getF32Type(), b.at(b.at(panel, table.rowScalesOffset()), b.mul(index, 4)), 2);
}

std::pair<Value, Value> dequantizeGroup(KernelBuilder &b, const PackedShape &table, Value panel, Value lane,
                                        Value group) {
  int64_t rows = rowsOf(table.layout);
  Value base = b.at(panel, b.mul(group, groupBytes(table.format, rows)));
  if (!table.quantized()) {
    int64_t element = KernelBuilder::elementBytes(table.format);
    if (rows == 1)
      return {b.loadFloats(table.format, base), b.loadFloats(table.format, b.at(base, lanes * element))};
    Type stored = table.format == Format::F32   ? b.getF32Type()
                  : table.format == Format::F16 ? Type(b.getF16Type())
                                                : Type(b.getBF16Type());
    Value slot = b.stack(2 * lanes * element);
    for (int64_t c = 0; c < 2 * lanes; ++c)
      b.store(b.load(stored, b.at(b.at(base, b.mul(lane, element)), c * rows * element), element),
              b.at(slot, c * element), element);
    return {b.loadFloats(table.format, slot), b.loadFloats(table.format, b.at(slot, lanes * element))};
  }

  const FormatInfo &info = formatInfo(table.format);
  Value row = b.at(base, b.mul(lane, 4)), low, high;
  int64_t at = 0;
  for (const BitPlane &plane : info.planes) {
    if (plane.bits == 0)
      continue;
    auto [first, second] = loadRowPlane(b, plane, b.at(row, at), rows, info.zeroPoint == 0);
    low = at ? arith::OrIOp::create(b, low, first).getResult() : first;
    high = at ? arith::OrIOp::create(b, high, second).getResult() : second;
    at += plane.bits * rows * 4;
  }
  Value scale = b.broadcast(loadScale(b, table, panel, lane, group));
  auto dequantize = [&](Value stored) -> Value {
    if (info.zeroPoint)
      stored = arith::SubIOp::create(b, stored, b.splatInt(b.vecI32(), info.zeroPoint));
    return b.mulf(arith::SIToFPOp::create(b, b.vecF32(), stored), scale);
  };
  return {dequantize(low), dequantize(high)};
}

} // namespace gemmac
