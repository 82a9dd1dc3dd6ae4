// The fuse stage as one pipeline.
#include "dialects/Gemma/GemmaDialect.h"
#include "passes/fuse/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

namespace gemmac {
namespace {
#define GEN_PASS_REGISTRATION
#include "passes/fuse/Passes.h.inc"
} // namespace

void buildFusePipeline(OpPassManager &pm) {
  OpPassManager &functions = pm.nest<func::FuncOp>();
  functions.addPass(createFuseQkv());
  functions.addPass(createFuseAttend());
  functions.addPass(createFuseMoe()); // before the MLP alone, which it contains
  functions.addPass(createFuseFfn());
  functions.addPass(createFusePle());
  functions.addPass(createFuseHead());
  functions.addPass(createCheckFused());
}

void registerFusePasses() {
  registerGemmacFusePasses();
  PassPipelineRegistration<>("gemma-fuse", "the whole fuse stage: level 0 to level 1", buildFusePipeline);
}

} // namespace gemmac
