#include "passes/lower/Passes.h"

#include "targets/TargetBackend.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace gemmac {

#define GEN_PASS_REGISTRATION
#include "passes/lower/Passes.h.inc"

static void buildLowering(OpPassManager &pm, StringRef target, ArrayRef<std::string> levels) {
  LowerStepsOptions options;
  options.target = target.str();
  options.levels.assign(levels.begin(), levels.end());
  pm.addPass(createLowerSteps(options));
  OpPassManager &nested = pm.nest<ModuleOp>();
  nested.addPass(createCanonicalizerPass());
  nested.addPass(createCSEPass());
  nested.addPass(createSCFToControlFlowPass());
  nested.addPass(createConvertVectorToLLVMPass());
  nested.addPass(createConvertMathToLLVMPass());
  nested.addPass(createArithToLLVMConversionPass());
  nested.addPass(createConvertControlFlowToLLVMPass());
  nested.addPass(createConvertFuncToLLVMPass());
  nested.addPass(createReconcileUnrealizedCastsPass());
}

void buildLowerPipeline(OpPassManager &pm, const TargetBackend &target) {
  SmallVector<std::string> levels;
  for (const IsaLevel &level : target.levels())
    levels.push_back(level.name);
  buildLowering(pm, target.name(), levels);
}

namespace {
struct LowerPipelineOptions : PassPipelineOptions<LowerPipelineOptions> {
  Option<std::string> target{*this, "target", llvm::cl::desc("Name of the target"), llvm::cl::init("native")};
};
} // namespace

void registerLowerPasses() {
  registerLowerSteps();
  PassPipelineRegistration<LowerPipelineOptions>(
      "gemma-lower", "gemma-lower-steps and the conversion of its modules to the LLVM dialect",
      [](OpPassManager &pm, const LowerPipelineOptions &options) { buildLowering(pm, options.target, {}); });
}

} // namespace gemmac
