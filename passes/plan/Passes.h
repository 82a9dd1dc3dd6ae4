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

#include <optional>

namespace gemmac {

/// What the user decides about functions and memory, and what the target is.
struct PlanOptions {
  int64_t context = 0;                      ///< positions of a conversation; 0: the model's maximum
  int64_t chunk = 128;                      ///< most rows of one prefill call
  int64_t verifyRows = 8;                   ///< most rows of one verify call
  Format cacheFormat = Format::F16;         ///< of all caches; one of cacheFormats
  bool marks = false;                       ///< the program measures its own steps
  bool observe = false;                     ///< verify adds up second moments of the matrices' inputs
  bool wideActivations = false;             ///< q16 instead of q8 for quantized matrices
  std::optional<Format> slidingCacheFormat; ///< of caches with a window; none: as the others
  int64_t slots = 1;                        ///< sequences whose KV caches the program holds at once
  PlanModel model = {};                     ///< the target's
};

/// From a fused module with formats to functions with placed buffers: split-functions, plan-caches, plan-steps, observe
/// where asked for, place-buffers; mark-steps where asked for.
void buildPlanPipeline(mlir::OpPassManager &manager, const PlanOptions &options);

/// Registers each pass by its flag, and the pipeline as `gemma-plan`.
void registerPlanPasses();

// createSplitFunctions(options), createPlanCaches(options), createPlanSteps, createObserve, createPlaceBuffers,
// createMarkSteps.
#define GEN_PASS_DECL
#include "passes/plan/Passes.h.inc"

} // namespace gemmac

#endif // GEMMAC_PASSES_PLAN_PASSES_H
