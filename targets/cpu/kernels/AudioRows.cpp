// Row steps of the audio tower: silu, glu, sums, sinusoids.
#include "targets/cpu/kernels/OperandRows.h"
#include "targets/cpu/kernels/SineCosine.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;

// x / (1 + e^-y)
static Value gated(KernelBuilder &b, Value x, Value y) {
  Value power = b.exp(arith::NegFOp::create(b, y));
  return b.divf(x, b.addf(power, b.splat(b.vecF32(), 1.0)));
}

LogicalResult lower(gemma::SiluStep step, StepLowering &lowering) {
  return lowerOperand(step, lowering, "silu", [](KernelBuilder &b, Value x) { return gated(b, x, x); });
}

// Writes rows of f32: `make` gives the vector at a byte offset. `rows`: where rows of each pointer begin.
using MakeVector = llvm::function_ref<Value(KernelBuilder &b, ArrayRef<Value> rows, Value offset)>;

// (pointers of rows.., result; first, last), or, with `vector`, one that is the same for every row before the result.
static func::FuncOp mapKernel(KernelLibrary &kernels, const std::string &name, ArrayRef<gemma::BufferType> inputs,
                              gemma::BufferType result, bool vector, MakeVector make) {
  size_t count = inputs.size() + (vector ? 1 : 0);
  return kernels.get(name, static_cast<int64_t>(count) + 1, 2, [&](KernelBuilder &b, ValueRange a) {
    b.loop(a[count + 1], a[count + 2], 1, [&](Value row) {
      SmallVector<Value> rows;
      for (auto [pointer, type] : llvm::zip(a, inputs))
        rows.push_back(b.at(pointer, b.mul(row, type.getRowBytes())));
      if (vector)
        rows.push_back(a[count - 1]);
      Value target = b.at(a[count], b.mul(row, result.getRowBytes()));
      b.loop(b.i64(0), b.i64(result.getWidth() * 4), vecBytes,
             [&](Value offset) { b.store(make(b, rows, offset), b.at(target, offset)); });
    });
  });
}

LogicalResult lower(gemma::GluStep step, StepLowering &lowering) {
  gemma::BufferType input = step.getInput().getType(), result = step.getResult().getType();
  int64_t half = result.getWidth() * 4;
  auto kernel = mapKernel(lowering.kernels, llvm::formatv("glu_w{0}", result.getWidth()), input, result, false,
                          [&](KernelBuilder &b, ArrayRef<Value> rows, Value offset) {
                            Value x = b.at(rows[0], offset);
                            return gated(b, b.loadVec(x), b.loadVec(b.at(x, half)));
                          });
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  return lowering.callKernel(kernel,
                             {lowering.pointer(step.getInput()), lowering.pointer(step.getResult()), first, last});
}

static Value sumOf(KernelBuilder &b, ArrayRef<Value> rows, Value offset) {
  return b.addf(b.loadVec(b.at(rows[0], offset)), b.loadVec(b.at(rows[1], offset)));
}

LogicalResult lower(gemma::AddStep step, StepLowering &lowering) {
  gemma::BufferType type = step.getResult().getType();
  auto kernel =
      mapKernel(lowering.kernels, llvm::formatv("add_w{0}", type.getWidth()), {type, type}, type, false, sumOf);
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  return lowering.callKernel(kernel, {lowering.pointer(step.getInput()), lowering.pointer(step.getBranch()),
                                      lowering.pointer(step.getResult()), first, last});
}

LogicalResult lower(gemma::AddBiasStep step, StepLowering &lowering) {
  gemma::BufferType type = step.getResult().getType();
  auto kernel = mapKernel(lowering.kernels, llvm::formatv("add_bias_w{0}", type.getWidth()), type, type, true, sumOf);
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  return lowering.callKernel(kernel, {lowering.pointer(step.getInput()), lowering.weight(step.getBias()),
                                      lowering.pointer(step.getResult()), first, last});
}

// Frequencies as the reference computes them, in f32 (spec 5.4); 0 where padding is.
static SmallVector<float> frequencies(int64_t half) {
  SmallVector<float> result(roundUp(half, lanes), 0.0f);
  auto slope = static_cast<float>(-std::log(10000.0) / static_cast<double>(std::max<int64_t>(half - 1, 1)));
  for (int64_t j = 0; j < half; ++j)
    result[j] = static_cast<float>(std::exp(static_cast<double>(static_cast<float>(j) * slope)));
  return result;
}

// (result; first, last)
static func::FuncOp sinusoidsKernel(KernelLibrary &kernels, gemma::SinusoidsStep step) {
  int64_t half = step.getHalf(), padded = roundUp(half, lanes);
  gemma::BufferType result = step.getResult().getType();
  std::string name = llvm::formatv("sinusoids_h{0}", half);
  return kernels.get(name, 1, 2, [&](KernelBuilder &b, ValueRange a) {
    Value table = constantFloats(kernels, b, name + "_frequencies", frequencies(half));
    b.loop(a[1], a[2], 1, [&](Value row) {
      Value target = b.at(a[0], b.mul(row, result.getRowBytes()));
      Value distance = b.broadcast(arith::SIToFPOp::create(b, b.getF32Type(), row));
      b.loop(b.i64(0), b.i64(padded * 4), vecBytes, [&](Value offset) {
        Value frequency = b.loadVec(b.at(table, offset));
        auto [cosine, sine] = cosineAndSine(b, b.mulf(distance, frequency));
        Value zero = b.splat(b.vecF32(), 0.0);
        Value isPadding = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, frequency, zero);
        b.store(sine, b.at(target, offset)); // of padding: sin 0
        b.store(b.select(isPadding, zero, cosine), b.at(b.at(target, offset), padded * 4));
      });
      for (int64_t i = 2 * padded; i < result.getWidth(); i += lanes)
        b.store(b.splat(b.vecF32(), 0.0), b.at(target, i * 4));
    });
  });
}

LogicalResult lower(gemma::SinusoidsStep step, StepLowering &lowering) {
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  return lowering.callKernel(sinusoidsKernel(lowering.kernels, step),
                             {lowering.pointer(step.getResult()), first, last});
}

} // namespace gemmac
