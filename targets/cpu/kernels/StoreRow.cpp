// How rows are stored: as floats, on a static grid, or quantized in groups of 32. Layouts: gemma.buffer.
#include "targets/cpu/PackedBits.h"
#include "targets/cpu/kernels/Kernels.h"

#include <numeric>

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;

// Stores one group of 32 integers, two vectors of int32, as bytes from `row` on.
static void storeBytes(KernelBuilder &b, Value row, Value group, Value low, Value high) {
  auto bytes = b.vec(lanes, b.getI8Type());
  Value values = b.at(row, b.mul(group, groupColumns));
  b.store(arith::TruncIOp::create(b, bytes, low), values, 16);
  b.store(arith::TruncIOp::create(b, bytes, high), b.at(values, lanes), 16);
}

// The scale and the bias of a group. `scales`: where the scales of the row begin.
static void storeScale(KernelBuilder &b, Value scales, int64_t width, Value group, Value low, Value high, Value scale) {
  scales = b.at(scales, b.mul(group, 4));
  b.store(scale, scales);
  Value sum = vector::ReductionOp::create(b, vector::CombiningKind::ADD, arith::AddIOp::create(b, low, high));
  b.store(arith::MulIOp::create(b, sum, b.i32(-8)), b.at(scales, width / 32 * 4));
}

// The same of q8 and s8. Layout: gemma.buffer.
static void storeIntegers(KernelBuilder &b, Value row, int64_t width, Value group, Value low, Value high, Value scale) {
  storeBytes(b, row, group, low, high);
  storeScale(b, b.at(row, width), width, group, low, high, scale);
}

// The same of q16: the integers as high and low bytes, and as int16. Layout: gemma.buffer.
static void storeWide(KernelBuilder &b, Value row, int64_t width, Value group, Value low, Value high, Value scale) {
  Value eight = b.splatInt(b.vecI32(), 8), rounding = b.splatInt(b.vecI32(), 128), halves[2] = {low, high},
        highBytes[2], lowBytes[2];
  Value words = b.at(b.at(row, 2 * width), b.mul(group, 2 * groupColumns));
  for (int64_t i = 0; i < 2; ++i) {
    Value x = halves[i];
    highBytes[i] = arith::ShRSIOp::create(b, arith::AddIOp::create(b, x, rounding), eight);
    lowBytes[i] = arith::SubIOp::create(b, x, arith::ShLIOp::create(b, highBytes[i], eight));
    Value narrow = arith::TruncIOp::create(b, b.vec(lanes, b.getI16Type()), x);
    b.store(evenBeforeOdd(b, narrow), b.at(words, i * groupColumns), 32);
  }
  storeBytes(b, row, group, highBytes[0], highBytes[1]);
  storeBytes(b, b.at(row, width), group, lowBytes[0], lowBytes[1]);
  storeScale(b, b.at(row, 4 * width), width, group, low, high, scale);
}

// The same of 32 floats, as q8 or q16.
static void storeQuantized(KernelBuilder &b, Value row, gemma::BufferType type, Value group, Value low, Value high) {
  float most = type.isWide() ? 127.0f * 256.0f : 127.0f;
  Value largest = b.maxLanes(b.maxf(b.absf(low), b.absf(high)));
  Value scale = b.divf(largest, b.f32(most));
  // Below that the quotient could overflow, or the scale be denormal: such a group becomes zeros, as an empty one does.
  Value positive =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, largest, b.f32(type.isWide() ? 0x1p-110f : 0x1p-120f));
  Value inverse = b.broadcast(b.select(positive, b.divf(b.f32(most), largest), b.f32(0.0f)));
  auto round = [&](Value x) { return b.nearestIntegers(b.mulf(x, inverse)); };
  Value lowInts = round(low);
  (type.isWide() ? storeWide : storeIntegers)(b, row, type.getWidth(), group, lowInts, round(high), scale);
}

void storeRow(KernelBuilder &b, Value row, gemma::BufferType type, const RowLimits &limits,
              llvm::function_ref<std::pair<Value, Value>(Value offset)> make) {
  int64_t width = type.getWidth();
  Value staticScale = limits.staticScale, gridScale = staticScale ? b.broadcast(staticScale) : Value();
  Value lowest = limits.low ? b.broadcast(limits.low) : Value(),
        highest = limits.low ? b.broadcast(limits.high) : Value();
  b.loop(b.i64(0), b.i64(width / 32), 1, [&](Value group) {
    Value offset = b.mul(group, 2 * vecBytes);
    auto [low, high] = make(offset);
    if (lowest) {
      low = b.clampf(low, lowest, highest);
      high = b.clampf(high, lowest, highest);
    }
    if (staticScale) {
      low = b.gridSteps(low, gridScale);
      high = b.gridSteps(high, gridScale);
    }
    if (type.isStatic()) {
      low = arith::FPToSIOp::create(b, b.vecI32(), low);
      high = arith::FPToSIOp::create(b, b.vecI32(), high);
      storeIntegers(b, row, width, group, low, high, staticScale);
    } else if (type.isQuantized()) {
      storeQuantized(b, row, type, group, low, high);
    } else {
      b.store(staticScale ? b.mulf(low, gridScale) : low, b.at(row, offset));
      b.store(staticScale ? b.mulf(high, gridScale) : high, b.at(b.at(row, offset), vecBytes));
    }
  });
}

Value firstElements(KernelBuilder &b, Value vector, Value offset, int64_t count) {
  SmallVector<int32_t> order(lanes);
  std::iota(order.begin(), order.end(), 0);
  Value index = arith::TruncIOp::create(b, b.getI32Type(), b.div(offset, b.i64(4)));
  Value lane = arith::ConstantOp::create(b, DenseElementsAttr::get(b.vecI32(), ArrayRef<int32_t>(order)));
  Value element = arith::AddIOp::create(b, b.broadcast(index, b.vecI32()), lane);
  Value isOne = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, element, b.splatInt(b.vecI32(), count));
  return b.select(isOne, vector, b.splat(b.vecF32(), 0.0));
}

} // namespace gemmac
