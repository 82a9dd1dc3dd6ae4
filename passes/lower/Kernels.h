// Tile kernels: for every kind and shape of step one private function, made when first asked for.
#ifndef GEMMAC_PASSES_LOWER_KERNELS_H
#define GEMMAC_PASSES_LOWER_KERNELS_H

#include "compiler/formats/WeightFormat.h"
#include "dialects/Gemma/GemmaDialect.h"
#include "targets/TargetBackend.h"
#include "targets/cpu/KernelBuilder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace gemmac {

/// What a kernel must know of a packed weight.
struct PackedShape {
  WeightFormat format;
  int64_t panelRows, batch, rows, cols;
  bool interleave;
  explicit PackedShape(gemma::PackedOp packed);
  int64_t panelBytes() const { return gemmac::panelBytes(format, panelRows, cols); }
  int64_t batchBytes() const { return rows / panelRows * panelBytes(); }
  bool quantized() const { return formatInfo(format).quantized; }
  std::string text() const; ///< part of a kernel's name
};

/// What a kernel must know of a planned KV cache (layout: gemma.kv_cache).
struct CacheShape {
  WeightFormat format;
  int64_t heads, headDim, padded, capacity, window;
  explicit CacheShape(gemma::KvCacheOp cache);
  int64_t elementBytes() const { return formatInfo(format).bits / 8; }
  int64_t headBytes() const { return capacity * padded * elementBytes(); }
  int64_t valuesOffset() const { return heads * headBytes(); }
  std::string text() const;
};

/// The kernels of one nested module. Pointers are !llvm.ptr, counts i64; `first`, `last` bound the rows, panels, heads or
/// tiles that the calling thread does.
class KernelLibrary {
public:
  KernelLibrary(mlir::ModuleOp module, const IsaLevel &level) : module(module), level(level) {}

  // RowKernels.cpp
  mlir::func::FuncOp embed(const PackedShape &table, int64_t resultRowBytes, double scale);
  mlir::func::FuncOp ropeTable(int64_t headDim, gemma::RopeAttr rope);
  mlir::func::FuncOp norm(gemma::BufferType input, gemma::BufferType result, bool weighted, double factor, double eps,
                          int64_t count);
  mlir::func::FuncOp addNorm(gemma::BufferType type, bool scaled, double eps, int64_t count);
  mlir::func::FuncOp quantize(gemma::BufferType input, gemma::BufferType result);
  mlir::func::FuncOp pleCombine(gemma::PleCombineStep step, const PackedShape &table);
  mlir::func::FuncOp route(gemma::RouteStep step);

  // MatmulKernels.cpp
  struct Matmul {
    PackedShape weight;
    int64_t inputRowBytes, resultRowBytes, factorRowBytes = 0;
    gemma::Epilogue epilogue = gemma::Epilogue::None;
    double cap = 0;
    bool oneRow; ///< the phase has one row
  };
  mlir::func::FuncOp matmul(const Matmul &shape);
  mlir::func::FuncOp expertUp(gemma::ExpertUpStep step, const PackedShape &weight);
  mlir::func::FuncOp expertDown(gemma::ExpertDownStep step, const PackedShape &weight);

  // AttentionKernels.cpp
  mlir::func::FuncOp qkv(gemma::QkvStep step, const PackedShape &weight, std::optional<CacheShape> cache, bool oneRow);
  mlir::func::FuncOp attention(gemma::AttentionStep step, const CacheShape &cache);

private:
  using Body = llvm::function_ref<void(KernelBuilder &, mlir::ValueRange arguments)>;
  /// The kernel of that name; made of `pointers` pointers and `counts` i64 arguments by `body` when it is new.
  mlir::func::FuncOp get(const std::string &name, int64_t pointers, int64_t counts, Body body);
  KernelBuilder::Values dotPanel(KernelBuilder &b, const PackedShape &weight, mlir::Value panel,
                                 mlir::ArrayRef<mlir::Value> rows) const;
  void emitMatmulTile(KernelBuilder &b, const Matmul &shape, mlir::ValueRange arguments, mlir::Value panel,
                      mlir::Value firstRow, int64_t rowCount);

  mlir::ModuleOp module;
  const IsaLevel &level;
};

/// Part of a kernel's name that tells constants apart: the hexadecimal bits.
std::string bitsText(double value);

} // namespace gemmac

#endif // GEMMAC_PASSES_LOWER_KERNELS_H
