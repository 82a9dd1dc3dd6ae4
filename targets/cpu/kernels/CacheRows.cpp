#include "targets/cpu/kernels/CacheRows.h"

#include <cmath>

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;

//===--- rotation: a fast Walsh-Hadamard transform
//-------------------------------------------------------------------------------------------------===//

void CacheRows::adaptQuery(Value row) {
  double factor = std::ldexp(1.0, static_cast<int>(exponent));
  if (cache.rotated)
    transform(row, rotationOfOthers(cacheRotation(padded)) * factor);
  else
    multiply(row, factor);
}

void CacheRows::restore(Value row) {
  adaptQuery(row); // the rotation is its own inverse
  if (cache.rotated)
    clearPadding(row);
}

void CacheRows::adaptStored(Value row) {
  double factor = std::ldexp(1.0, static_cast<int>(-exponent));
  if (cache.rotated)
    transform(row, rotationOfStored(cacheRotation(padded)) * factor);
  else
    multiply(row, factor);
}

void CacheRows::multiply(Value row, double factor) {
  if (factor == 1.0)
    return;
  b.loop(b.i64(0), b.i64(padded * 4), vecBytes, [&](Value i) {
    Value place = b.at(row, i);
    b.store(b.mulf(b.loadVec(place), b.splat(b.vecF32(), factor)), place);
  });
}

// Sums and differences of elements 1, 2, 4, ... apart, in this order, so that the bits are the same on all levels. A
// block has at least 32 elements: the last step is one of whole vectors and multiplies by the factor, a power of two.
void CacheRows::transform(Value row, double factor) {
  mixLanes(row);
  int64_t last = cacheRotation(padded) / lanes / 2;
  for (int64_t vectors = 1; vectors <= last; vectors *= 2)
    mixVectors(row, vectors, vectors == last ? factor : 1.0);
}

void CacheRows::mixLanes(Value row) {
  b.loop(b.i64(0), b.i64(padded * 4), vecBytes, [&](Value i) {
    Value x = b.loadVec(b.at(row, i));
    for (int64_t distance = 1; distance < lanes; distance *= 2) {
      SmallVector<int64_t> partners;
      SmallVector<float> signs;
      for (int64_t lane = 0; lane < lanes; ++lane) {
        partners.push_back(lane ^ distance);
        signs.push_back(lane & distance ? -1.0f : 1.0f);
      }
      Value partner = vector::ShuffleOp::create(b, x, x, partners);
      Value sign = arith::ConstantOp::create(b, DenseElementsAttr::get(b.vecF32(), ArrayRef<float>(signs)));
      x = b.fma(x, sign, partner);
    }
    b.store(x, b.at(row, i));
  });
}

// Elements `vectors` vectors apart.
void CacheRows::mixVectors(Value row, int64_t vectors, double factor) {
  int64_t distance = vectors * vecBytes;
  auto scaled = [&](Value x) { return factor == 1.0 ? x : b.mulf(x, b.splat(b.vecF32(), factor)); };
  b.loop(b.i64(0), b.i64(padded * 4), 2 * distance, [&](Value begin) {
    b.loop(begin, b.add(begin, distance), vecBytes, [&](Value i) {
      Value first = b.at(row, i), second = b.at(first, distance);
      Value x = b.loadVec(first), y = b.loadVec(second);
      b.store(scaled(b.addf(x, y)), first);
      b.store(scaled(b.subf(x, y)), second);
    });
  });
}

// True for the first `first` lanes.
Value CacheRows::maskOf(int64_t first) {
  SmallVector<bool> lanesBefore(lanes);
  for (int64_t lane = 0; lane < std::min(first, lanes); ++lane)
    lanesBefore[lane] = true;
  return arith::ConstantOp::create(b, DenseElementsAttr::get(b.vec(lanes, b.getI1Type()), ArrayRef<bool>(lanesBefore)));
}

// Each half of a head is padded to whole vectors, so that at most the last one of a half has padding.
void CacheRows::clearPadding(Value row) {
  int64_t half = headDim / 2, used = half % lanes;
  if (used == 0)
    return;
  Value mask = maskOf(used);
  for (int64_t start : {int64_t{0}, padded / 2}) {
    Value place = b.at(row, (start + half - used) * 4);
    b.store(b.select(mask, b.loadVec(place), b.splat(b.vecF32(), 0.0)), place);
  }
}

//===--- keys of which a part is made of values
//-------------------------------------------------------------------------------------------------===//

void CacheRows::takeTurned(Value from, Value to) {
  Value zero = b.splat(b.vecF32(), 0.0);
  for (int64_t half = 0; half < 2; ++half)
    for (int64_t i = 0; i < padded / 2; i += lanes) {
      Value x = b.loadVec(b.at(from, (half * cache.padded / 2 + i) * 4));
      if (i + lanes > cache.turnedPairs)
        x = b.select(maskOf(cache.turnedPairs - i), x, zero);
      b.store(x, b.at(to, (half * padded / 2 + i) * 4));
    }
}

void CacheRows::clearTurned(Value row) {
  Value zero = b.splat(b.vecF32(), 0.0);
  for (int64_t half = 0; half < 2; ++half)
    for (int64_t i = 0; i < cache.turnedPairs; i += lanes) {
      Value place = b.at(row, (half * padded / 2 + i) * 4), x = zero;
      if (i + lanes > cache.turnedPairs)
        x = b.select(maskOf(cache.turnedPairs - i), zero, b.loadVec(place));
      b.store(x, place);
    }
}

void prepareQuery(KernelBuilder &b, const CacheShape &cache, Value query, Value keyNorm, Value to) {
  CacheRows keys = CacheRows::keys(b, cache), values = CacheRows::values(b, cache);
  auto copy = [&](Value target, llvm::function_ref<Value(Value x, Value offset)> change) {
    b.loop(b.i64(0), b.i64(cache.padded * 4), vecBytes,
           [&](Value i) { b.store(change(b.loadVec(b.at(query, i)), i), b.at(target, i)); });
  };
  if (!cache.turnedPairs) {
    copy(to, [](Value x, Value) { return x; });
    return keys.adaptQuery(to);
  }
  keys.takeTurned(query, to);
  keys.adaptQuery(to);
  Value rest = b.at(to, cache.paddedKey * 4);
  copy(rest, [&](Value x, Value offset) { return b.mulf(x, b.loadVec(b.at(keyNorm, offset))); });
  values.clearTurned(rest);
  values.adaptQuery(rest);
}

//===--- quantization
//-------------------------------------------------------------------------------------------------===//

// q8: the largest magnitude / 127. q4: the element of the largest magnitude / -8, which uses all 16 integers.
Value CacheRows::scaleOf(Value low, Value high) {
  Value scale;
  if (cache.format == Format::Q8) {
    scale = b.divf(b.maxLanes(b.maxf(b.absf(low), b.absf(high))), b.f32(127.0f));
  } else {
    auto negated = [&](Value x) -> Value { return arith::NegFOp::create(b, x); };
    Value most = b.maxLanes(b.maxf(low, high)), least = negated(b.maxLanes(b.maxf(negated(low), negated(high))));
    Value positive = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, most, negated(least));
    scale = b.mulf(b.select(positive, most, least), b.f32(-0.125f));
  }
  return arith::TruncFOp::create(b, b.getF16Type(), scale);
}

// The nearest integers, ties to even, within what the format holds. `inverse` times the
// largest value is far below 2^22.
Value CacheRows::integersOf(Value values, Value inverse) {
  bool wide = cache.format == Format::Q8;
  auto ints = b.vecI32();
  Value rounded = b.nearestIntegers(b.mulf(values, inverse));
  rounded = arith::MinSIOp::create(b, rounded, b.splatInt(ints, wide ? 127 : 7));
  return arith::MaxSIOp::create(b, rounded, b.splatInt(ints, wide ? -127 : -8));
}

CacheRows::Group CacheRows::quantize(Value row, Value group) {
  Value place = b.at(row, b.mul(group, groupColumns * 4));
  Value low = b.loadVec(place), high = b.loadVec(b.at(place, vecBytes));
  Value stored = scaleOf(low, high), scale = arith::ExtFOp::create(b, b.getF32Type(), stored);
  Value isZero = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, scale, b.f32(0.0f));
  Value inverse = b.broadcast(b.select(isZero, b.f32(0.0f), b.divf(b.f32(1.0f), scale)));
  Value lowInts = integersOf(low, inverse), highInts = integersOf(high, inverse);
  auto bytes = [&](Value x) -> Value { return arith::TruncIOp::create(b, b.vec(lanes, b.getI8Type()), x); };
  if (cache.format == Format::Q8)
    return {stored, {bytes(lowInts), bytes(highInts)}};
  Value lowHalf = arith::AndIOp::create(b, lowInts, b.splatInt(b.vecI32(), 15));
  Value highHalf = arith::ShLIOp::create(b, highInts, b.splatInt(b.vecI32(), 4));
  return {stored, {bytes(arith::OrIOp::create(b, lowHalf, highHalf))}};
}

void CacheRows::storeScale(const Group &quantized, Value target, Value lane) {
  b.store(quantized.scale, b.at(b.at(target, cache.scalesOffset()), b.mul(lane, 2)), 2);
}

//===--- storing
//-------------------------------------------------------------------------------------------------===//

void CacheRows::storeKey(Value row, Value block, Value lane) {
  adaptStored(row);
  if (!cache.quantized()) {
    Value place = b.at(block, b.mul(lane, cache.elementBytes()));
    b.loop(b.i64(0), b.i64(padded), 1, [&](Value j) {
      Value value = b.load(b.getF32Type(), b.at(row, b.mul(j, 4)));
      if (cache.format == Format::F16)
        value = arith::TruncFOp::create(b, b.getF16Type(), value);
      b.store(value, b.at(place, b.mul(j, lanes * cache.elementBytes())), cache.elementBytes());
    });
    return;
  }
  Value slot = b.stack(groupColumns);
  b.loop(b.i64(0), b.i64(padded / groupColumns), 1, [&](Value group) {
    Group quantized = quantize(row, group);
    Value target = b.at(block, b.mul(group, cache.groupBytes())), place = b.at(target, lane);
    for (auto [i, bytes] : llvm::enumerate(quantized.bytes))
      b.store(bytes, b.at(slot, static_cast<int64_t>(i) * lanes), lanes);
    b.loop(b.i64(0), b.i64(cache.groupRowBytes()), 1,
           [&](Value i) { b.store(b.load(b.getI8Type(), b.at(slot, i), 1), b.at(place, b.mul(i, cacheBlock)), 1); });
    storeScale(quantized, target, lane);
  });
}

void CacheRows::storeValue(Value row, Value block, Value lane) {
  adaptStored(row);
  b.loop(b.i64(0), b.i64(padded / groupColumns), 1, [&](Value group) {
    Value target = b.at(block, b.mul(group, cache.groupBytes())),
          place = b.at(target, b.mul(lane, cache.groupRowBytes()));
    if (cache.quantized()) {
      Group quantized = quantize(row, group);
      for (auto [i, bytes] : llvm::enumerate(quantized.bytes))
        b.store(bytes, b.at(place, static_cast<int64_t>(i) * lanes), lanes);
      return storeScale(quantized, target, lane);
    }
    Value from = b.at(row, b.mul(group, groupColumns * 4));
    for (int64_t j = 0; j < groupColumns; j += lanes) {
      Value x = b.loadVec(b.at(from, j * 4));
      if (cache.format == Format::F16)
        x = arith::TruncFOp::create(b, b.vec(lanes, b.getF16Type()), x);
      b.store(x, b.at(place, j * cache.elementBytes()), cache.elementBytes());
    }
  });
}

} // namespace gemmac
