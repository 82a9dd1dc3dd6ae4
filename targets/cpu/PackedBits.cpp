#include "targets/cpu/PackedBits.h"

using namespace mlir;

namespace gemmac {

Value firstSum(KernelBuilder &b, const ActivationGroup &row, int64_t zeroPoint) {
  if (!row.bias)
    return b.i32(0);
  Value bias = b.load(b.getI32Type(), row.bias);
  if (zeroPoint == 8)
    return bias;
  if (zeroPoint < 8) // 2 or 4: the bias is a multiple of 8
    return arith::ShRSIOp::create(b, bias, b.i32(zeroPoint == 4 ? 1 : 2));
  return arith::MulIOp::create(b, bias, b.i32(static_cast<int32_t>(zeroPoint / 8)));
}

Value evenBeforeOdd(KernelBuilder &b, Value words) {
  SmallVector<int64_t> order;
  for (int64_t quad = 0; quad < cast<VectorType>(words.getType()).getNumElements(); quad += 4)
    order.append({quad, quad + 2, quad + 1, quad + 3});
  return vector::ShuffleOp::create(b, words, words, order);
}

Words evenAndOdd(KernelBuilder &b, Value quads) {
  auto words = b.vec(cast<VectorType>(quads.getType()).getNumElements() / 2, b.getI16Type());
  Value both = b.bitcast(quads, words), eight = b.splatInt(words, 8);
  Value even = arith::ShRSIOp::create(b, arith::ShLIOp::create(b, both, eight), eight);
  return {even, arith::ShRSIOp::create(b, both, eight)};
}

// Even and odd columns of the low bytes and of what stands above them.
static Words joinBytes(KernelBuilder &b, Value low, Value high) {
  auto words = b.vec(cast<VectorType>(low.getType()).getNumElements() / 2, b.getI16Type());
  Value lows = b.bitcast(low, words), highs = b.bitcast(high, words), eight = b.splatInt(words, 8);
  Value even = arith::OrIOp::create(b, arith::AndIOp::create(b, lows, b.splatInt(words, 0x00ff)),
                                    arith::ShLIOp::create(b, highs, eight));
  return {even, arith::OrIOp::create(b, arith::ShRUIOp::create(b, lows, eight),
                                     arith::AndIOp::create(b, highs, b.splatInt(words, 0xff00)))};
}

// Block j % bits holds quads j and j + 4 four bits apart, the first at bit j / bits * bits (planePlace). Both move to
// plane.shift.
QuadReader::Pair QuadReader::loadPlane(const BitPlane &plane, Value pointer, Value j, int64_t offset) const {
  Value block = plane.bits < 4 ? b.rem(j, b.i64(plane.bits)) : j;
  Value packed = b.bitcast(loadBytes(b.at(b.at(pointer, b.mul(block, quadBytes)), offset)), shifts);
  auto splat = [&](int64_t value) { return b.splatInt(shifts, value); };
  if (plane.bits < 4) {
    Value field = b.sub(j, block);
    Value amount = arith::TruncIOp::create(b, shifts.getElementType(), field);
    packed = arith::ShRUIOp::create(b, packed, b.broadcast(amount, shifts));
  }
  auto moved = [&](int64_t left) -> Value {
    if (left < 0)
      return arith::ShRUIOp::create(b, packed, splat(-left));
    return left ? arith::ShLIOp::create(b, packed, splat(left)).getResult() : packed;
  };
  Value low = moved(plane.shift), high = moved(plane.shift - 4);
  Value mask = b.splatInt(part, ((1 << plane.bits) - 1) << plane.shift);
  auto take = [&](Value bits) -> Value { return arith::AndIOp::create(b, b.bitcast(bits, part), mask); };
  return {take(low), take(high)};
}

QuadReader::Pair QuadReader::loadBytePlane(Value pointer, Value j, int64_t offset) const {
  Value first = b.at(b.at(pointer, b.mul(j, quadBytes)), offset);
  return {loadBytes(first), loadBytes(b.at(first, 4 * quadBytes))};
}

std::pair<Words, Words> QuadReader::loadWords(Value j, int64_t offset) const {
  const FormatInfo &info = formatInfo(weights.format);
  if (!info.inWords()) {
    Pair quads = load(j, offset);
    return {evenAndOdd(b, quads.first), evenAndOdd(b, quads.second)};
  }
  static_assert(formatInfo(Format::Q12).planes[0].bits == 8, "the low bytes are a plane");
  BitPlane above = info.planes[1];
  Pair low = loadBytePlane(weights.pointer, j, offset);
  Pair high = loadPlane({above.bits, above.shift - 8}, b.at(weights.pointer, 8 * quadBytes), j, offset);
  return {joinBytes(b, low.first, high.first), joinBytes(b, low.second, high.second)};
}

QuadReader::Pair QuadReader::load(Value j, int64_t offset) const {
  const FormatInfo &info = formatInfo(weights.format);
  assert(!info.inWords() && "loadWords reads these");
  if (weights.unpacked || info.planes[0].bits == 8)
    return loadBytePlane(weights.pointer, j, offset);
  Pair quads;
  int64_t at = 0;
  for (const BitPlane &plane : info.planes) {
    if (plane.bits == 0)
      break;
    Pair bits = loadPlane(plane, b.at(weights.pointer, at), j, offset);
    auto join = [&](Value low, Value high) -> Value {
      return at ? arith::OrIOp::create(b, low, high).getResult() : high;
    };
    quads = {join(quads.first, bits.first), join(quads.second, bits.second)};
    at += plane.bits * quadBytes;
  }
  return quads;
}

} // namespace gemmac
