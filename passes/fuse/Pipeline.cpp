// The fuse stage as one pipeline.
#include "passes/fuse/Fusions.h"
#include "passes/fuse/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

namespace gemmac {
namespace {
#define GEN_PASS_REGISTRATION
#include "passes/fuse/Passes.h.inc"

/// One fusion as a pass.
struct FusionPass : PassWrapper<FusionPass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FusionPass)

  explicit FusionPass(const fuse::Fusion &fusion) : fusion(fusion) {}

  StringRef getArgument() const override { return fusion.pass; }
  StringRef getDescription() const override { return fusion.summary; }
  void getDependentDialects(DialectRegistry &registry) const override { registry.insert<gemma::GemmaDialect>(); }

  void runOnOperation() override {
    fuse::Report report(fusion.pass);
    IRRewriter rewriter(&getContext());
    fusion.run(getOperation(), rewriter, report);
  }

  const fuse::Fusion &fusion;
};
} // namespace

void buildFusePipeline(OpPassManager &pm) {
  OpPassManager &functions = pm.nest<func::FuncOp>();
  for (const fuse::Fusion *fusion : fuse::fusions)
    functions.addPass(std::make_unique<FusionPass>(*fusion));
  functions.addPass(createCheckFused());
}

void registerFusePasses() {
  registerGemmacFusePasses();
  for (const fuse::Fusion *fusion : fuse::fusions)
    registerPass([fusion] { return std::make_unique<FusionPass>(*fusion); });
  PassPipelineRegistration<>("gemma-fuse", "the whole fuse stage: level 0 to level 1", buildFusePipeline);
}

} // namespace gemmac
