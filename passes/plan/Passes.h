// Passes of the plan stage and their pipeline. What each does: Passes.td and README.md.
#ifndef GEMMAC_PASSES_PLAN_PASSES_H
#define GEMMAC_PASSES_PLAN_PASSES_H

#include "dialects/Gemma/GemmaDialect.h"
#include "passes/FormatOption.h"
#include "targets/PlanModel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace gemmac {

// createSplitFunctions(options), createPlanCaches(options), createPlanSteps(options), createObserve,
// createPlaceBuffers, createMarkSteps.
#define GEN_PASS_DECL
#include "passes/plan/Passes.h.inc"

/// Most soft tokens of a picture, one function for each (spec 4.1).
inline constexpr int64_t imageBudgets[] = {70, 140, 280, 560, 1120};

/// What the user decides about functions and memory, as options of the passes, and what the target is.
struct PlanOptions {
  SplitFunctionsOptions functions;
  PlanCachesOptions caches; ///< of the rows of a call `functions` decides
  PlanStepsOptions steps;   ///< of the target `model` decides
  bool marks = false;       ///< the program measures its own steps
  bool observe = false;     ///< verify adds up second moments of the matrices' inputs
  PlanModel model = {};     ///< the target's
};

/// From a fused module with formats to functions with placed buffers: split-functions, plan-caches, plan-steps, observe
/// where asked for, place-buffers; mark-steps where asked for.
void buildPlanPipeline(mlir::OpPassManager &manager, const PlanOptions &options);

/// Registers each pass by its flag, and the pipeline as `gemma-plan`, which takes the options of all its passes.
void registerPlanPasses();

} // namespace gemmac

#endif // GEMMAC_PASSES_PLAN_PASSES_H
