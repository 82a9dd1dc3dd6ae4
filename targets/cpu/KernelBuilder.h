// A small vocabulary over MLIR's builders in which CPU tile kernels are written: 64-bit integers, byte pointers,
// vectors of 16 lanes. Every floating-point operation that it makes is exact IEEE (fused multiply-add where it says so)
// and every reduction has a fixed tree, so that a kernel gives the same bits on every ISA level.
#ifndef GEMMAC_TARGETS_CPU_KERNELBUILDER_H
#define GEMMAC_TARGETS_CPU_KERNELBUILDER_H

#include "dialects/formats/Format.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace gemmac {

class KernelBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;
  using mlir::ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  static constexpr int64_t lanes = panelRows;

  // ---- types
  mlir::Type ptrType() { return mlir::LLVM::LLVMPointerType::get(getContext()); }
  mlir::VectorType vec(int64_t count, mlir::Type element) { return mlir::VectorType::get({count}, element); }
  mlir::VectorType vecF32() { return vec(lanes, getF32Type()); }
  mlir::VectorType vecI32() { return vec(lanes, getI32Type()); }

  // ---- constants and 64-bit integers
  Value i64(int64_t value);
  Value i32(int32_t value);
  Value f32(float value);
  Value splat(mlir::VectorType type, double value); ///< floats
  Value splatInt(mlir::VectorType type, int64_t value);
  Value add(Value a, Value b);
  Value add(Value a, int64_t b) { return b == 0 ? a : add(a, i64(b)); }
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value mul(Value a, int64_t b) { return b == 1 ? a : mul(a, i64(b)); }
  Value div(Value a, Value b); ///< unsigned
  Value rem(Value a, Value b); ///< unsigned
  Value minSigned(Value a, Value b);
  Value maxSigned(Value a, Value b);
  Value less(Value a, Value b); ///< signed

  // ---- memory; offsets in bytes
  Value at(Value pointer, Value offset);
  Value at(Value pointer, int64_t offset) { return offset == 0 ? pointer : at(pointer, i64(offset)); }
  Value distance(Value from, Value to); ///< bytes
  Value load(mlir::Type type, Value pointer, int64_t align = 4);
  void store(Value value, Value pointer, int64_t align = 4);
  /// Asks for the cache lines of `bytes` from `pointer` on, into the second level. Never faults.
  void prefetch(Value pointer, int64_t bytes);
  Value loadVec(Value pointer) { return load(vecF32(), pointer, 4); }
  Value loadFloat(Value pointer) { return load(getF32Type(), pointer); }
  /// A stack slot of `bytes`, 64-byte aligned, in the function's entry block.
  Value stack(int64_t bytes);

  // ---- control
  using LoopBody = llvm::function_ref<Values(Value index, mlir::ValueRange state)>;
  /// for (index = first; index < last; index += step); the body returns the next state.
  Values loop(Value first, Value last, int64_t step, mlir::ValueRange state, LoopBody body);
  void loop(Value first, Value last, int64_t step, llvm::function_ref<void(Value index)> body);
  void ifThen(Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise = {});

  // ---- vector arithmetic
  Value broadcast(Value scalar, mlir::VectorType type);
  Value broadcast(Value scalarF32) { return broadcast(scalarF32, vecF32()); }
  Value addf(Value a, Value b);
  Value subf(Value a, Value b);
  Value mulf(Value a, Value b);
  Value divf(Value a, Value b);
  Value fma(Value a, Value b, Value c);
  Value maxf(Value a, Value b); ///< a > b ? a : b
  Value minf(Value a, Value b); ///< a < b ? a : b
  Value clampf(Value x, Value low, Value high) { return minf(maxf(x, low), high); }
  Value absf(Value a);
  Value sqrt(Value a);
  Value bitcast(Value a, mlir::VectorType type);
  Value select(Value condition, Value a, Value b);
  /// x / scale rounded to the nearest even integer, at least -128 and at most 127, as floats:
  /// where x lies on a static grid.
  Value gridSteps(Value x, Value scale);
  /// The nearest integers, ties to even, of vectors of floats below 2^22, as int32.
  Value nearestIntegers(Value x);
  Value sumLanes(Value vector); ///< pairwise tree: lane i + lane i + n/2, halving
  Value maxLanes(Value vector);
  Value intrinsic(llvm::StringRef name, mlir::Type result, mlir::ValueRange arguments);

  /// e^x, at most 2 units in the last place off for -87 <= x <= 88, clamped beyond. Cody-Waite reduction and the
  /// degree-6 polynomial of Cephes' expf.
  Value exp(Value x);
  /// gelu in its tanh form, computed as x / (1 + e^-2u); relative error below 1e-6.
  Value gelu(Value x);
  /// cap * tanh(x / cap); absolute error below cap * 2e-7.
  Value softcap(Value x, double cap);

  // ---- storage formats
  /// `count` consecutive values of an unquantized format as f32.
  Value loadFloats(Format format, Value pointer, int64_t count = lanes);
  /// Bytes of one value of an unquantized format.
  static int64_t elementBytes(Format format) { return formatInfo(format).bits / 8; }
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELBUILDER_H
