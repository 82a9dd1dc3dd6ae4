#include "compiler/pipeline/Stages.h"

#include "passes/fuse/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/ADT/STLExtras.h"

namespace gemmac {

static void buildFuse(mlir::OpPassManager &manager, const CompileOptions &) { buildFusePipeline(manager); }
static void buildQuantize(mlir::OpPassManager &manager, const CompileOptions &options) {
  buildQuantizePipeline(manager, options.formats);
}
static void buildPlan(mlir::OpPassManager &manager, const CompileOptions &options) {
  PlanOptions plan = options.plan;
  plan.steps.wideActivations = options.wideActivations();
  plan.steps.wideTowers = !options.activationBits;
  plan.model = options.target->planModel();
  buildPlanPipeline(manager, plan);
}
static void buildLower(mlir::OpPassManager &manager, const CompileOptions &options) {
  options.target->buildLowering(manager);
}

static constexpr StageInfo table[] = {
    {Stage::import, "import", "the checkpoint's arithmetic, weights by name", nullptr},
    {Stage::fuse, "fuse", "one op per thing that a machine does at once", buildFuse},
    {Stage::quantize, "quantize", "a format for each weight", buildQuantize},
    {Stage::plan, "plan", "decode, verify and prefill as steps on an arena; packed weights, caches", buildPlan},
    {Stage::lower, "lower", "kernels and functions of each ISA level, in the LLVM dialect", buildLower},
};

llvm::ArrayRef<StageInfo> stages() { return table; }

const StageInfo &stageInfo(Stage stage) { return table[static_cast<size_t>(stage)]; }

std::optional<Stage> parseStage(llvm::StringRef name) {
  const StageInfo *found = llvm::find_if(table, [&](const StageInfo &info) { return info.name == name; });
  return found == std::end(table) ? std::nullopt : std::optional(found->stage);
}

void registerStageDialects(mlir::DialectRegistry &registry) {
  registry.insert<gemma::GemmaDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect, mlir::scf::SCFDialect,
                  mlir::cf::ControlFlowDialect, mlir::math::MathDialect, mlir::vector::VectorDialect,
                  mlir::LLVM::LLVMDialect>();
  // Here and not in each emitCode alone: levels are emitted in parallel, and by then nothing may be new to the context.
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
}

} // namespace gemmac
