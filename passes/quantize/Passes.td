// The quantize phase: each weight of a fused module gets the format in which the program will hold it.
#ifndef GEMMAC_PASSES_QUANTIZE_PASSES_TD
#define GEMMAC_PASSES_QUANTIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

class FormatOption<string member, string flag, string default, string text>
    : Option<member, flag, "::gemmac::FormatChoice", "::gemmac::FormatChoice::"#default, text,
             [{::llvm::cl::values(clEnumValN(::gemmac::FormatChoice::F32, "f32", "32-bit float"),
                                  clEnumValN(::gemmac::FormatChoice::F16, "f16", "16-bit float"),
                                  clEnumValN(::gemmac::FormatChoice::BF16, "bf16", "bfloat16"),
                                  clEnumValN(::gemmac::FormatChoice::Q8, "q8", "8-bit integers, groups of 32"),
                                  clEnumValN(::gemmac::FormatChoice::Q6, "q6", "6-bit integers, groups of 32"),
                                  clEnumValN(::gemmac::FormatChoice::Q4, "q4", "4-bit integers, groups of 32"),
                                  clEnumValN(::gemmac::FormatChoice::Q5, "q5", "5-bit integers, groups of 32"),
                                  clEnumValN(::gemmac::FormatChoice::Q3, "q3", "3-bit integers, groups of 32"),
                                  clEnumValN(::gemmac::FormatChoice::Q2, "q2", "2-bit integers, groups of 32"),
                                  clEnumValN(::gemmac::FormatChoice::C8, "c8", "8-bit integers, one scale a row"),
                                  clEnumValN(::gemmac::FormatChoice::C4, "c4", "4-bit integers, one scale a row"),
                                  clEnumValN(::gemmac::FormatChoice::C2, "c2", "2-bit integers, one scale a row"),
                                  clEnumValN(::gemmac::FormatChoice::Derived, "derived",
                                             "follows from the weights' format"))}]>;

def AssignFormats : Pass<"gemma-assign-formats", "::mlir::ModuleOp"> {
  let summary = "Give each weight a storage format by the role in which ops use it";
  let description = [{
    ```mlir
    gemma.weight @w : tensor<64x32xbf16> from <"m", 0, 4096>
    // after, used as a projection, with weights=q4
    gemma.weight @w : tensor<64x32xbf16> as q4 from <"m", 0, 4096>
    ```
    The roles and their formats are one table in AssignFormats.cpp. Left alone: weights that no op uses. A weight used
    in two roles that want different formats is an error, and so is a matrix used where the table knows no role
    (level 0). Rounding a stored float to a narrower one is told in a warning. `choices` names single matrices, whatever
    their role; matrices that are packed into one must get the same format (gemma-plan-steps refuses others).
  }];
  let options = [FormatOption<"weights", "weights", "Q4", "Format of matrices; the others follow from it">,
                 FormatOption<"embeddings", "embeddings", "Derived",
                              "Format of token embedding and output matrix (derived: weights, q6 at least)">,
                 FormatOption<"perLayerTable", "per-layer-table", "Derived",
                              "Format of the per-layer embedding table (derived: weights)">,
                 ListOption<"choices", "choices", "std::string",
                            "Formats of single matrices, WEIGHT=FORMAT; they go before all others">];
  let dependentDialects = ["::gemmac::gemma::GemmaDialect"];
}

#endif // GEMMAC_PASSES_QUANTIZE_PASSES_TD
