// The fuse stage: its passes, and the pipeline in which they run.
#ifndef GEMMAC_PASSES_FUSE_PASSES_H
#define GEMMAC_PASSES_FUSE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace gemmac {

#define GEN_PASS_DECL
#include "passes/fuse/Passes.h.inc"

/// Level 0 to level 1 for every function of the module, then the check that nothing but gemma.embed is left of level 0.
void buildFusePipeline(mlir::OpPassManager &pm);

/// Registers each pass by its flag, and the pipeline as `gemma-fuse`.
void registerFusePasses();

} // namespace gemmac

#endif // GEMMAC_PASSES_FUSE_PASSES_H
