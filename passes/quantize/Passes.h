// The quantize stage: its pass, its options and its pipeline.
#ifndef GEMMAC_PASSES_QUANTIZE_PASSES_H
#define GEMMAC_PASSES_QUANTIZE_PASSES_H

#include "dialects/formats/Format.h"
#include "passes/FormatOption.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "llvm/ADT/StringMap.h"

#include <map>

namespace gemmac {

#define GEN_PASS_DECL
#include "passes/quantize/Passes.h.inc"

/// What matrices of towers become unasked beside quantized text, unless the checkpoint stores them in fewer bits that a
/// format holds as they are. Beside text in floats they stay as stored. It costs soft tokens less than arithmetic in
/// bfloat16 would (docs/quantization.md).
inline constexpr Format towerFormatBesideQuantizedText = Format::Q12;
/// The same in words, for --help.
std::string towerDefaultWords();

/// What the command line says about formats.
struct QuantizeOptions {
  Format weights = Format::Q4;
  std::optional<Format> embeddings;      ///< empty: as weights, but leastEmbeddingFormat() at least
  std::optional<Format> perLayerTable;   ///< empty: as weights
  std::map<std::string, Format> choices; ///< of single matrices, by weight; they go before all others
  std::optional<Format> vision, audio;   ///< of the towers; empty: follows from weights and what is stored
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
