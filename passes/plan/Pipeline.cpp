// The plan stage as one pipeline.
#include "passes/plan/Passes.h"

#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace gemmac {
namespace {

#define GEN_PASS_REGISTRATION
#include "passes/plan/Passes.h.inc"

/// What the pipeline `gemma-plan` decides itself: which passes run.
struct PipelineOptions : PassPipelineOptions<PipelineOptions> {
  Option<bool> marks{*this, "marks", llvm::cl::desc("read a clock after every step")};
  Option<bool> observe{*this, "observe", llvm::cl::desc("let verify add up second moments of the matrices' inputs")};
};

StringRef nameOfOption(StringRef word) { return word.split('=').first; }

/// The names of a pass's options, from the text that describes it: `gemma-split-functions{chunk=128 verify-rows=8}`.
llvm::StringSet<> optionNames(Pass &pass) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  pass.printAsTextualPipeline(stream);
  llvm::StringSet<> names;
  SmallVector<StringRef> words;
  StringRef(text).split('{').second.rtrim('}').split(words, ' ');
  for (StringRef word : words)
    names.insert(nameOfOption(word));
  return names;
}

/// Hands each word to those of the passes that have such an option.
LogicalResult setOptions(MutableArrayRef<Pass *> passes, ArrayRef<StringRef> words,
                         llvm::function_ref<LogicalResult(const Twine &)> report) {
  llvm::StringSet<> known;
  for (Pass *pass : passes) {
    const llvm::StringSet<> names = optionNames(*pass);
    std::string own;
    for (StringRef word : words)
      if (names.contains(nameOfOption(word)))
        own += (word + " ").str();
    // Names are known; a value that is none has been told by who read it.
    if (failed(pass->initializeOptions(own, [](const Twine &) { return failure(); })))
      return failure();
    for (StringRef name : names.keys())
      known.insert(name);
  }
  for (StringRef word : words)
    if (!known.contains(nameOfOption(word)))
      return report("no such option '" + nameOfOption(word) + "': it takes marks, observe and those of its passes");
  return success();
}

/// \param text  `context=64 chunk=4 marks=true`
LogicalResult buildFromText(OpPassManager &manager, StringRef text,
                            llvm::function_ref<LogicalResult(const Twine &)> report) {
  SmallVector<StringRef> words, others;
  text.split(words, ' ', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  std::string own;
  for (StringRef word : words)
    if (llvm::is_contained({"marks", "observe"}, nameOfOption(word)))
      own += (word + " ").str();
    else
      others.push_back(word);
  PipelineOptions pipeline;
  if (failed(pipeline.parseFromString(own)))
    return failure();
  const size_t before = manager.size();
  PlanOptions options;
  options.marks = pipeline.marks;
  options.observe = pipeline.observe;
  buildPlanPipeline(manager, options);
  SmallVector<Pass *> passes;
  for (Pass &pass : llvm::drop_begin(manager.getPasses(), before))
    passes.push_back(&pass);
  return setOptions(passes, others, report);
}

} // namespace

void buildPlanPipeline(OpPassManager &manager, const PlanOptions &options) {
  manager.addPass(createSplitFunctions(options.functions));
  PlanCachesOptions caches = options.caches;
  caches.chunk = options.functions.chunk;
  caches.verifyRows = options.functions.verifyRows;
  manager.addPass(createPlanCaches(caches));
  PlanStepsOptions steps = options.steps;
  const PlanModel &model = options.model;
  steps.spmd = model.spmd;
  steps.splitKeys = model.splitKeys;
  steps.blockRows = model.blockRows;
  steps.matrices = model.matrices;
  steps.tables = model.tables;
  steps.vectors = model.vectors;
  manager.addPass(createPlanSteps(steps));
  if (options.observe)
    manager.addPass(createObserve());
  manager.addPass(createPlaceBuffers());
  if (options.marks)
    manager.addPass(createMarkSteps());
}

void registerPlanPasses() {
  registerGemmacPlanPasses();
  registerPassPipeline("gemma-plan", "the whole plan stage: level 1 to level 2; takes the options of all its passes",
                       buildFromText, [](auto handle) { handle(PipelineOptions()); });
}

} // namespace gemmac
