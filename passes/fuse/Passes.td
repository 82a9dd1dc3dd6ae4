// Of the fuse stage only the check at its end: the fusions are a list in Fusions.h.
#ifndef GEMMAC_PASSES_FUSE_PASSES_TD
#define GEMMAC_PASSES_FUSE_PASSES_TD

include "mlir/Pass/PassBase.td"

def CheckFused : Pass<"gemma-check-fused", "::mlir::func::FuncOp"> {
  let summary = "Refuse level-0 ops that no fusion took";
  let description = [{
    The plan stage takes level 1 and `gemma.embed`. Any other level-0 op is an error that names the op and the pass
    whose group it belongs to, found by the nearest op that only one pass takes.
  }];
  let dependentDialects = ["::gemmac::gemma::GemmaDialect"];
}

#endif // GEMMAC_PASSES_FUSE_PASSES_TD
