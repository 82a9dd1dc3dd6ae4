// The plan stage as one pipeline.
#include "passes/plan/Passes.h"

#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

namespace gemmac {
namespace {

#define GEN_PASS_REGISTRATION
#include "passes/plan/Passes.h.inc"

/// PlanOptions as text options of the pipeline `gemma-plan`.
struct PlanPipelineOptions : PassPipelineOptions<PlanPipelineOptions> {
  Option<int64_t> context{*this, "context", llvm::cl::desc("positions of a conversation; 0: the model's maximum"),
                          llvm::cl::init(PlanOptions().context)};
  Option<int64_t> slots{*this, "slots", llvm::cl::desc("sequences that are held at once"),
                        llvm::cl::init(PlanOptions().slots)};
  Option<int64_t> chunk{*this, "chunk", llvm::cl::desc("most rows of one prefill call"),
                        llvm::cl::init(PlanOptions().chunk)};
  Option<int64_t> verifyRows{*this, "verify-rows", llvm::cl::desc("most rows of one verify call"),
                             llvm::cl::init(PlanOptions().verifyRows)};
  Option<Format> format{*this, "format", llvm::cl::desc("storage of keys and values"),
                        llvm::cl::init(PlanOptions().cacheFormat)};
  Option<std::optional<Format>> slidingFormat{*this, "sliding-format",
                                              llvm::cl::desc("storage of those with a window; derived: as format"),
                                              llvm::cl::init(PlanOptions().slidingCacheFormat)};
  Option<bool> marks{*this, "marks", llvm::cl::desc("read a clock after every step"),
                     llvm::cl::init(PlanOptions().marks)};
  Option<bool> wideActivations{*this, "wide-activations", llvm::cl::desc("q16 instead of q8 for quantized matrices"),
                               llvm::cl::init(PlanOptions().wideActivations)};
  Option<bool> observe{*this, "observe", llvm::cl::desc("let verify add up second moments of the matrices' inputs"),
                       llvm::cl::init(PlanOptions().observe)};
  Option<bool> spmd{*this, "spmd", llvm::cl::desc("all threads walk the steps together; else functions are serial"),
                    llvm::cl::init(PlanModel().spmd)};
  Option<bool> splitKeys{*this, "split-keys", llvm::cl::desc("divide the attention of a single row by its keys"),
                         llvm::cl::init(PlanModel().splitKeys)};
};

} // namespace

void buildPlanPipeline(OpPassManager &manager, const PlanOptions &options) {
  manager.addPass(createSplitFunctions(SplitFunctionsOptions{options.chunk, options.verifyRows}));
  PlanCachesOptions caches{options.context, options.slots, options.chunk, options.verifyRows};
  caches.format = options.cacheFormat;
  caches.slidingFormat = options.slidingCacheFormat;
  manager.addPass(createPlanCaches(caches));
  const PlanModel &model = options.model;
  manager.addPass(createPlanSteps(PlanStepsOptions{options.wideActivations, model.spmd, model.splitKeys, model.matrices,
                                                   model.tables, model.vectors}));
  if (options.observe)
    manager.addPass(createObserve());
  manager.addPass(createPlaceBuffers());
  if (options.marks)
    manager.addPass(createMarkSteps());
}

void registerPlanPasses() {
  registerGemmacPlanPasses();
  PassPipelineRegistration<PlanPipelineOptions>("gemma-plan", "the whole plan stage: level 1 to level 2",
                                                [](OpPassManager &manager, const PlanPipelineOptions &options) {
                                                  PlanOptions plan{
                                                      .context = options.context,
                                                      .chunk = options.chunk,
                                                      .verifyRows = options.verifyRows,
                                                      .cacheFormat = options.format,
                                                      .marks = options.marks,
                                                      .observe = options.observe,
                                                      .wideActivations = options.wideActivations,
                                                      .slidingCacheFormat = options.slidingFormat,
                                                      .slots = options.slots,
                                                      .model = {.spmd = options.spmd, .splitKeys = options.splitKeys}};
                                                  buildPlanPipeline(manager, plan);
                                                });
}

} // namespace gemmac
