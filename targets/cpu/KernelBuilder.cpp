#include "targets/cpu/KernelBuilder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace gemmac {

Value KernelBuilder::i64(int64_t value) { return arith::ConstantOp::create(*this, getI64IntegerAttr(value)); }
Value KernelBuilder::i32(int32_t value) { return arith::ConstantOp::create(*this, getI32IntegerAttr(value)); }
Value KernelBuilder::f32(float value) { return arith::ConstantOp::create(*this, getF32FloatAttr(value)); }

Value KernelBuilder::splat(VectorType type, double value) {
  return arith::ConstantOp::create(*this, SplatElementsAttr::get(type, FloatAttr::get(type.getElementType(), value)));
}

Value KernelBuilder::splatInt(VectorType type, int64_t value) {
  auto element = cast<IntegerType>(type.getElementType());
  llvm::APInt bits(element.getWidth(), static_cast<uint64_t>(value), /*isSigned=*/true, /*implicitTrunc=*/true);
  return arith::ConstantOp::create(*this, SplatElementsAttr::get(type, IntegerAttr::get(element, bits)));
}

Value KernelBuilder::add(Value a, Value b) { return arith::AddIOp::create(*this, a, b); }
Value KernelBuilder::sub(Value a, Value b) { return arith::SubIOp::create(*this, a, b); }
Value KernelBuilder::mul(Value a, Value b) { return arith::MulIOp::create(*this, a, b); }
Value KernelBuilder::div(Value a, Value b) { return arith::DivUIOp::create(*this, a, b); }
Value KernelBuilder::rem(Value a, Value b) { return arith::RemUIOp::create(*this, a, b); }
Value KernelBuilder::minSigned(Value a, Value b) { return arith::MinSIOp::create(*this, a, b); }
Value KernelBuilder::maxSigned(Value a, Value b) { return arith::MaxSIOp::create(*this, a, b); }
Value KernelBuilder::less(Value a, Value b) { return arith::CmpIOp::create(*this, arith::CmpIPredicate::slt, a, b); }

Value KernelBuilder::at(Value pointer, Value offset) {
  return LLVM::GEPOp::create(*this, ptrType(), getI8Type(), pointer, ArrayRef<LLVM::GEPArg>{offset});
}

Value KernelBuilder::distance(Value from, Value to) {
  auto address = [&](Value pointer) -> Value { return LLVM::PtrToIntOp::create(*this, getI64Type(), pointer); };
  return sub(address(to), address(from));
}

Value KernelBuilder::load(Type type, Value pointer, int64_t align) {
  return LLVM::LoadOp::create(*this, type, pointer, static_cast<unsigned>(align));
}

void KernelBuilder::store(Value value, Value pointer, int64_t align) {
  LLVM::StoreOp::create(*this, value, pointer, static_cast<unsigned>(align));
}

void KernelBuilder::prefetch(Value pointer, int64_t bytes) {
  constexpr int64_t lineBytes = 64;
  constexpr uint32_t read = 0, secondLevel = 2, data = 1;
  for (int64_t offset = 0; offset < bytes; offset += lineBytes)
    LLVM::Prefetch::create(*this, at(pointer, offset), read, secondLevel, data);
}

Value KernelBuilder::stack(int64_t bytes) {
  OpBuilder::InsertionGuard guard(*this);
  auto function = getInsertionBlock()->getParentOp()->getParentOfType<func::FuncOp>();
  if (!function)
    function = cast<func::FuncOp>(getInsertionBlock()->getParentOp());
  setInsertionPointToStart(&function.getBody().front());
  return LLVM::AllocaOp::create(*this, ptrType(), getI8Type(), i64(bytes), /*alignment=*/64u);
}

KernelBuilder::Values KernelBuilder::loop(Value first, Value last, int64_t step, ValueRange state, LoopBody body) {
  auto op = scf::ForOp::create(*this, first, last, i64(step), state);
  OpBuilder::InsertionGuard guard(*this);
  if (state.empty()) {
    setInsertionPoint(op.getBody()->getTerminator());
    body(op.getInductionVar(), {});
  } else {
    setInsertionPointToEnd(op.getBody());
    scf::YieldOp::create(*this, body(op.getInductionVar(), op.getRegionIterArgs()));
  }
  return Values(op.getResults());
}

void KernelBuilder::loop(Value first, Value last, int64_t step, llvm::function_ref<void(Value)> body) {
  loop(first, last, step, ValueRange{}, [&](Value index, ValueRange) {
    body(index);
    return Values();
  });
}

void KernelBuilder::ifThen(Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise) {
  auto branch = scf::IfOp::create(*this, TypeRange{}, condition, /*addThenBlock=*/true, static_cast<bool>(otherwise));
  OpBuilder::InsertionGuard guard(*this);
  auto fill = [&](Block *block, llvm::function_ref<void()> body) {
    setInsertionPointToEnd(block);
    body();
    scf::YieldOp::create(*this);
  };
  fill(&branch.getThenRegion().front(), then);
  if (otherwise)
    fill(&branch.getElseRegion().front(), otherwise);
}

Value KernelBuilder::broadcast(Value scalar, VectorType type) {
  return vector::BroadcastOp::create(*this, type, scalar);
}

Value KernelBuilder::addf(Value a, Value b) { return arith::AddFOp::create(*this, a, b); }
Value KernelBuilder::subf(Value a, Value b) { return arith::SubFOp::create(*this, a, b); }
Value KernelBuilder::mulf(Value a, Value b) { return arith::MulFOp::create(*this, a, b); }
Value KernelBuilder::divf(Value a, Value b) { return arith::DivFOp::create(*this, a, b); }
Value KernelBuilder::fma(Value a, Value b, Value c) { return math::FmaOp::create(*this, a, b, c); }
Value KernelBuilder::absf(Value a) { return math::AbsFOp::create(*this, a); }
Value KernelBuilder::sqrt(Value a) { return math::SqrtOp::create(*this, a); }

Value KernelBuilder::maxf(Value a, Value b) {
  return select(arith::CmpFOp::create(*this, arith::CmpFPredicate::OGT, a, b), a, b);
}

Value KernelBuilder::minf(Value a, Value b) {
  return select(arith::CmpFOp::create(*this, arith::CmpFPredicate::OLT, a, b), a, b);
}

Value KernelBuilder::bitcast(Value a, VectorType type) { return vector::BitCastOp::create(*this, type, a); }
Value KernelBuilder::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(*this, condition, a, b);
}

Value KernelBuilder::gridSteps(Value x, Value scale) {
  auto type = cast<VectorType>(x.getType());
  // A quotient, as in the scheme's own code: with a product by 1 / scale some values would round to the other side.
  Value steps = clampf(divf(x, scale), splat(type, -128.0), splat(type, 127.0));
  return math::RoundEvenOp::create(*this, steps);
}

// Halves the vector until one lane is left.
static Value reduceTree(KernelBuilder &b, Value vector, llvm::function_ref<Value(Value, Value)> combine) {
  int64_t count = cast<VectorType>(vector.getType()).getNumElements();
  while (count > 1) {
    count /= 2;
    auto half = [&](int64_t offset) -> Value {
      return vector::ExtractStridedSliceOp::create(b, vector, ArrayRef<int64_t>{offset}, ArrayRef<int64_t>{count},
                                                   ArrayRef<int64_t>{1});
    };
    vector = combine(half(0), half(count));
  }
  return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
}

Value KernelBuilder::sumLanes(Value vector) {
  return reduceTree(*this, vector, [&](Value a, Value b) { return addf(a, b); });
}

Value KernelBuilder::maxLanes(Value vector) {
  return reduceTree(*this, vector, [&](Value a, Value b) { return maxf(a, b); });
}

Value KernelBuilder::intrinsic(StringRef name, Type result, ValueRange arguments) {
  return LLVM::CallIntrinsicOp::create(*this, result, getStringAttr(name), arguments).getResult(0);
}

// Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
Value KernelBuilder::nearestIntegers(Value x) {
  auto type = cast<VectorType>(x.getType());
  auto ints = vec(type.getNumElements(), getI32Type());
  Value shifted = addf(x, splat(type, 12582912.0));
  return arith::SubIOp::create(*this, bitcast(shifted, ints), splatInt(ints, 0x4B400000));
}

Value KernelBuilder::exp(Value x) {
  auto type = cast<VectorType>(x.getType());
  auto intType = vec(type.getNumElements(), getI32Type());
  x = clampf(x, splat(type, -87.0), splat(type, 88.0));
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
  Value magic = splat(type, 12582912.0);
  Value shifted = fma(x, splat(type, 1.44269504088896341), magic);
  Value n = subf(shifted, magic);
  Value r = fma(n, splat(type, -0.693359375), x);
  r = fma(n, splat(type, 2.12194440e-4), r);
  Value p = splat(type, 1.9875691500e-4);
  for (double c : {1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1})
    p = fma(p, r, splat(type, c));
  Value y = addf(fma(p, mulf(r, r), r), splat(type, 1.0));
  Value exponent = arith::SubIOp::create(*this, bitcast(shifted, intType), splatInt(intType, 0x4B400000 - 127));
  Value power = arith::ShLIOp::create(*this, exponent, splatInt(intType, 23));
  return mulf(y, bitcast(power, type));
}

Value KernelBuilder::gelu(Value x) {
  auto type = cast<VectorType>(x.getType());
  // -2 sqrt(2/pi) (x + 0.044715 x^3)
  Value inner = fma(mulf(x, x), splat(type, 0.044715), splat(type, 1.0));
  Value u = mulf(mulf(x, splat(type, -1.5957691216057308)), inner);
  return divf(x, addf(exp(u), splat(type, 1.0)));
}

Value KernelBuilder::softcap(Value x, double cap) {
  auto type = cast<VectorType>(x.getType());
  Value e = exp(mulf(x, splat(type, 2.0 / cap)));
  Value quotient = divf(splat(type, 2.0), addf(e, splat(type, 1.0)));
  return mulf(subf(splat(type, 1.0), quotient), splat(type, cap));
}

Value KernelBuilder::loadFloats(Format format, Value pointer, int64_t count) {
  VectorType floats = vec(count, getF32Type()), ints = vec(count, getI32Type());
  switch (format) {
  case Format::F32:
    return load(floats, pointer);
  case Format::F16:
    return arith::ExtFOp::create(*this, floats, load(vec(count, getF16Type()), pointer, 2));
  case Format::BF16: {
    Value bits = arith::ExtUIOp::create(*this, ints, load(vec(count, getI16Type()), pointer, 2));
    return bitcast(arith::ShLIOp::create(*this, bits, splatInt(ints, 16)), floats);
  }
  default:
    break;
  }
  llvm_unreachable("quantized formats are read by TileOps or by dequantizeRow");
}

} // namespace gemmac
