// The quantize phase: its pass, its options and its pipeline.
#ifndef GEMMAC_PASSES_QUANTIZE_PASSES_H
#define GEMMAC_PASSES_QUANTIZE_PASSES_H

#include "compiler/formats/WeightFormat.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "llvm/ADT/StringMap.h"

#include <map>

namespace gemmac {

/// A format, or what follows from the format of the matrices. Values of formats equal those of WeightFormat.
enum class FormatChoice : uint32_t { F32, F16, BF16, Q8, Q4, Q6, Q3, Q2, C8, C4, C2, Q5, Derived };

constexpr FormatChoice choose(std::optional<WeightFormat> format) {
  return format ? static_cast<FormatChoice>(*format) : FormatChoice::Derived;
}

#define GEN_PASS_DECL
#include "passes/quantize/Passes.h.inc"

/// What the command line says about formats.
struct QuantizeOptions {
  WeightFormat weights = WeightFormat::Q4;
  std::optional<WeightFormat> embeddings;      ///< empty: as weights, but leastEmbeddingFormat() at least
  std::optional<WeightFormat> perLayerTable;   ///< empty: as weights
  std::map<std::string, WeightFormat> choices; ///< of single matrices, by weight; they go before all others
};

/// What a matrix is in its model.
struct WeightPart {
  llvm::StringRef name; ///< "MLP out"
  /// Whether `choices` may name it: not what stays high (routers, matrices around the per-layer embeddings), nor tables
  /// whose format the options give.
  bool open = false;
};

/// The matrices of a fused module, by weight.
llvm::StringMap<WeightPart> weightParts(mlir::ModuleOp fused, const QuantizeOptions &options);

/// Sets `format` on every gemma.weight that a fused module uses.
void buildQuantizePipeline(mlir::OpPassManager &pm, const QuantizeOptions &options);

void registerQuantizePasses();

} // namespace gemmac

#endif // GEMMAC_PASSES_QUANTIZE_PASSES_H
