// The quantize stage: each weight of a fused module gets the format in which the program will hold it.
#ifndef GEMMAC_PASSES_QUANTIZE_PASSES_TD
#define GEMMAC_PASSES_QUANTIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def AssignFormats : Pass<"gemma-assign-formats", "::mlir::ModuleOp"> {
  let summary = "Give each weight a storage format by the role in which ops use it";
  let description = [{
    ```mlir
    gemma.weight @w : tensor<64x32xbf16> from <"m", 0, 4096>
    // after, used as a projection, with weights=q4
    gemma.weight @w : tensor<64x32xbf16> as q4 from <"m", 0, 4096>
    ```
    Fused ops tell the roles of their matrices (FusedInterface); the functions of towers have formats of their own. Left
    alone: weights that no op uses. A weight used in two roles that want different formats is an error, and so is a
    matrix that no fused op names (level 0). Rounding a stored float to a narrower one is told in a warning. `choices`
    names single matrices, whatever their role; matrices that are packed into one must get the same format
    (gemma-plan-steps refuses others).
  }];
  let options = [Option<"weights", "weights", "::gemmac::Format", "::gemmac::Format::Q4",
                        "Format of matrices; the others follow from it">,
                 Option<"embeddings", "embeddings", "std::optional<::gemmac::Format>", "std::nullopt",
                        "Format of token embedding and output matrix (derived: weights, q6 at least)">,
                 Option<"perLayerTable", "per-layer-table", "std::optional<::gemmac::Format>", "std::nullopt",
                        "Format of the per-layer embedding table (derived: weights)">,
                 Option<"vision", "vision", "std::optional<::gemmac::Format>", "std::nullopt",
                        "Format of the vision tower's matrices (derived: q12 when weights is quantized, unless the "
                        "checkpoint has fewer bits; else as stored)">,
                 Option<"audio", "audio", "std::optional<::gemmac::Format>", "std::nullopt",
                        "The same of the audio tower's">,
                 ListOption<"choices", "choices", "std::string",
                            "Formats of single matrices, WEIGHT=FORMAT; they go before all others">];
  let dependentDialects = ["::gemmac::gemma::GemmaDialect"];
}

#endif // GEMMAC_PASSES_QUANTIZE_PASSES_TD
