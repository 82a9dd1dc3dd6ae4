#include "compiler/pipeline/Phases.h"

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
  plan.wideActivations = options.wideActivations();
  plan.model = options.target->planModel();
  buildPlanPipeline(manager, plan);
}
static void buildLower(mlir::OpPassManager &manager, const CompileOptions &options) {
  options.target->buildLowering(manager);
}

static constexpr Phase phaseTable[] = {
    {"import", "the checkpoint's arithmetic, weights by name", nullptr},
    {"fuse", "one op per thing that a machine does at once", buildFuse},
    {"quantize", "a format for each weight", buildQuantize},
    {"plan", "decode, verify and prefill as steps on an arena; packed weights, caches", buildPlan},
    {"lower", "kernels and phase functions of each ISA level, in the LLVM dialect", buildLower},
};

llvm::ArrayRef<Phase> phases() { return phaseTable; }

const Phase *findPhase(llvm::StringRef name) {
  const Phase *found = llvm::find_if(phaseTable, [&](const Phase &phase) { return phase.name == name; });
  return found == std::end(phaseTable) ? nullptr : found;
}

void registerPhaseDialects(mlir::DialectRegistry &registry) {
  registry.insert<gemma::GemmaDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect, mlir::scf::SCFDialect,
                  mlir::cf::ControlFlowDialect, mlir::math::MathDialect, mlir::vector::VectorDialect,
                  mlir::LLVM::LLVMDialect>();
  // Here and not in each emitCode alone: levels are emitted in parallel, and by then nothing may be new to the context.
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
}

} // namespace gemmac
