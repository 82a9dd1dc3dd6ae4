// The quantize phase: its pass, its options and its pipeline.
#ifndef GEMMAC_PASSES_QUANTIZE_PASSES_H
#define GEMMAC_PASSES_QUANTIZE_PASSES_H

#include "compiler/formats/WeightFormat.h"

#include "mlir/Pass/Pass.h"

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
  std::optional<WeightFormat> embeddings;    ///< empty: as weights, but q5 at least
  std::optional<WeightFormat> perLayerTable; ///< empty: as weights
};

/// Sets `format` on every gemma.weight that a fused module uses.
void buildQuantizePipeline(mlir::OpPassManager &pm, const QuantizeOptions &options);

void registerQuantizePasses();

} // namespace gemmac

#endif // GEMMAC_PASSES_QUANTIZE_PASSES_H
