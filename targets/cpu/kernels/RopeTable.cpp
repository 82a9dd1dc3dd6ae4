// gemma.step.rope_table and gemma.step.rope_places_table: cosines and sines of RoPE angles.
#include "targets/cpu/kernels/SineCosine.h"
#include "targets/cpu/kernels/StepLowering.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;

// Frequencies of the pairs of a head as the reference computes them, in f32 (spec 3.5).
static SmallVector<float> ropeFrequencies(int64_t headDim, int64_t pairs, double theta, double factor = 1.0) {
  SmallVector<float> frequencies;
  for (int64_t j = 0; j < pairs; ++j) {
    float exponent = static_cast<float>(2 * j) / static_cast<float>(headDim);
    float power = static_cast<float>(std::pow(theta, static_cast<double>(exponent)));
    frequencies.push_back(1.0f / power / static_cast<float>(factor));
  }
  return frequencies;
}

// cos and sin of |x| < 2^30, f64: reduction by pi/2 in two parts, then the polynomials of fdlibm's kernels.
static std::pair<Value, Value> cosSin(KernelBuilder &b, Value x) {
  auto type = cast<VectorType>(x.getType());
  auto ints = b.vec(type.getNumElements(), b.getI64Type());
  Value magic = b.splat(type, 6755399441055744.0); // 1.5 * 2^52: rounds to an integer in the low bits
  Value shifted = b.fma(x, b.splat(type, 0.63661977236758134308), magic);
  Value n = b.subf(shifted, magic);
  Value r = b.fma(n, b.splat(type, -1.57079632679489655800), x);
  r = b.fma(n, b.splat(type, -6.12323399573676603587e-17), r);
  Value z = b.mulf(r, r);
  auto polynomial = [&](ArrayRef<double> coefficients) {
    Value p = b.splat(type, coefficients.front());
    for (double c : coefficients.drop_front())
      p = b.fma(p, z, b.splat(type, c));
    return p;
  };
  Value sine = polynomial({1.58969099521155010221e-10, -2.50507602534068634195e-08, 2.75573137070700676789e-06,
                           -1.98412698298579493134e-04, 8.33333333332248946124e-03, -1.66666666666666324348e-01});
  sine = b.fma(b.mulf(sine, z), r, r);
  Value cosine = polynomial({-1.13596475577881948265e-11, 2.08757232129817482790e-09, -2.75573143513906633035e-07,
                             2.48015872894767294178e-05, -1.38888888888741095749e-03, 4.16666666666666019037e-02});
  cosine = b.fma(b.mulf(cosine, z), z, b.fma(z, b.splat(type, -0.5), b.splat(type, 1.0)));

  Value quadrant = b.bitcast(shifted, ints);
  auto bit = [&](Value value, int64_t mask) -> Value {
    Value masked = arith::AndIOp::create(b, value, b.splatInt(ints, mask));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, masked, b.splatInt(ints, 0));
  };
  auto negateIf = [&](Value condition, Value value) {
    return b.select(condition, arith::NegFOp::create(b, value), value);
  };
  Value swap = bit(quadrant, 1);
  Value c = b.select(swap, sine, cosine), s = b.select(swap, cosine, sine);
  Value next = arith::AddIOp::create(b, quadrant, b.splatInt(ints, 1));
  return {negateIf(bit(next, 2), c), negateIf(bit(quadrant, 2), s)};
}

std::pair<Value, Value> cosineAndSine(KernelBuilder &b, Value angles) {
  auto [cosine, sine] = cosSin(b, arith::ExtFOp::create(b, b.vec(lanes, b.getF64Type()), angles));
  return {arith::TruncFOp::create(b, b.vecF32(), cosine), arith::TruncFOp::create(b, b.vecF32(), sine)};
}

Value constantFloats(KernelLibrary &kernels, KernelBuilder &b, const std::string &name, ArrayRef<float> numbers) {
  int64_t count = static_cast<int64_t>(numbers.size());
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(kernels.getModule().getBody());
    LLVM::GlobalOp::create(b, LLVM::LLVMArrayType::get(b.getF32Type(), count), /*isConstant=*/true,
                           LLVM::Linkage::Internal, name,
                           DenseElementsAttr::get(RankedTensorType::get({count}, b.getF32Type()), numbers),
                           /*alignment=*/64);
  }
  return LLVM::AddressOfOp::create(b, b.ptrType(), name);
}

// Stores a row of cosines, then sines, `half` each, of the angles that `angleAt` gives for 16 pairs at a byte offset.
static void storeTurns(KernelBuilder &b, Value result, int64_t half, llvm::function_ref<Value(Value offset)> angleAt) {
  b.loop(b.i64(0), b.i64(half * 4), vecBytes, [&](Value i) {
    auto [cosine, sine] = cosineAndSine(b, angleAt(i));
    b.store(cosine, b.at(result, i));
    b.store(sine, b.at(b.at(result, i), half * 4));
  });
}

// (result, rows of the call; first, last)
static func::FuncOp ropeTableKernel(KernelLibrary &kernels, int64_t headDim, gemma::RopeAttr rope) {
  std::string name =
      llvm::formatv("rope_table_d{0}_{1}_p{2}_{3}", headDim, bitsText(rope.getTheta().getValueAsDouble()),
                    rope.getPairs(), bitsText(rope.getFactor().getValueAsDouble()));
  int64_t half = paddedHeadDim(headDim) / 2;
  return kernels.get(name, 2, 2, [&](KernelBuilder &b, ValueRange a) {
    SmallVector<float> frequencies = ropeFrequencies(headDim, rope.getPairs(), rope.getTheta().getValueAsDouble(),
                                                     rope.getFactor().getValueAsDouble());
    frequencies.resize(half);
    Value table = constantFloats(kernels, b, name + "_frequencies", frequencies);
    b.loop(a[2], a[3], 1, [&](Value row) {
      Value position = arith::SIToFPOp::create(b, b.getF32Type(), CallRows(b, a[1]).position(row));
      storeTurns(b, b.at(a[0], b.mul(row, 2 * half * 4)), half,
                 [&](Value i) { return b.mulf(b.broadcast(position), b.loadVec(b.at(table, i))); });
    });
  });
}

LogicalResult lower(gemma::RopeTableStep step, StepLowering &lowering) {
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  return lowering.callKernel(ropeTableKernel(lowering.kernels, step.getHeadDim(), step.getRope()),
                             {lowering.pointer(step.getResult()), lowering.rowsAt, first, last});
}

// (result, places; first, last). A pair turns by the column or by the row of the patch: the frequency for the other is
// 0, which adds nothing.
static func::FuncOp ropePlacesTableKernel(KernelLibrary &kernels, gemma::RopePlacesTableStep step) {
  int64_t headDim = step.getHeadDim(), half = paddedHeadDim(headDim) / 2, pairs = headDim / 4;
  int64_t placesRowBytes = step.getPlaces().getType().getRowBytes();
  double theta = step.getTheta().convertToDouble();
  std::string name = llvm::formatv("rope_places_table_d{0}_{1}", headDim, bitsText(theta));
  return kernels.get(name, 2, 2, [&](KernelBuilder &b, ValueRange a) {
    SmallVector<float> own = ropeFrequencies(headDim / 2, pairs, theta), frequencies(2 * half);
    llvm::copy(own, frequencies.begin());
    llvm::copy(own, frequencies.begin() + half + pairs);
    Value table = constantFloats(kernels, b, name + "_frequencies", frequencies);
    b.loop(a[2], a[3], 1, [&](Value row) {
      Value places = b.at(a[1], b.mul(row, placesRowBytes));
      auto turn = [&](int64_t axis, Value i) {
        Value place = arith::SIToFPOp::create(b, b.getF32Type(), b.load(b.getI32Type(), b.at(places, axis * 4)));
        return b.mulf(b.broadcast(place), b.loadVec(b.at(b.at(table, axis * half * 4), i)));
      };
      storeTurns(b, b.at(a[0], b.mul(row, 2 * half * 4)), half, [&](Value i) {
        Value column = turn(0, i);
        return b.addf(column, turn(1, i));
      });
    });
  });
}

LogicalResult lower(gemma::RopePlacesTableStep step, StepLowering &lowering) {
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  return lowering.callKernel(ropePlacesTableKernel(lowering.kernels, step),
                             {lowering.pointer(step.getResult()), lowering.pointer(step.getPlaces()), first, last});
}

} // namespace gemmac
