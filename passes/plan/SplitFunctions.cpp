// gemma-split-functions: one function for each that the program has, with what its results and caches need and no more.
#include "gemmac/program.h"
#include "passes/plan/Passes.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac {
#define GEN_PASS_DEF_SPLITFUNCTIONS
#include "passes/plan/Passes.h.inc"

namespace {

/// Backwards, so that one walk reaches the fixpoint of straight code.
void eraseDeadOps(func::FuncOp function) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

void dropResults(func::FuncOp function) {
  auto returned = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  returned->setOperands({});
  function.setType(FunctionType::get(function.getContext(), function.getArgumentTypes(), {}));
  function.removeResAttrsAttr();
}

/// Most soft tokens of a sound: 30 seconds (spec 5.5).
constexpr int64_t audioTokens = 750;

void setMaxRows(func::FuncOp function, int64_t rows) {
  function->setAttr("gemma.max_rows", IntegerAttr::get(IntegerType::get(function.getContext(), 64), rows));
}

/// Soft tokens go through prefill alone: elsewhere tokens are never negative. An argument that is read by another op
/// than gemma.embed stays.
void dropInputs(func::FuncOp function) {
  for (auto embed : function.getOps<EmbedOp>())
    embed.getSoftMutable().clear();
  for (unsigned index = function.getNumArguments(); index-- > 0;)
    if (function.getArgAttr(index, "gemma.name") && function.getArgument(index).use_empty())
      (void)function.eraseArgument(index);
}

SmallVector<AttendOp> opsWithBlocks(func::FuncOp function) {
  auto range = llvm::make_filter_range(function.getOps<AttendOp>(), [](AttendOp op) { return op.getBlocks(); });
  return llvm::to_vector(range);
}

struct SplitFunctions : impl::SplitFunctionsBase<SplitFunctions> {
  using SplitFunctionsBase::SplitFunctionsBase;

  struct Clone {
    StringRef name;
    int64_t maxRows;
    bool logits;      ///< else what only they need is left out
    bool takesInputs; ///< rows of the caller, beside tokens
    bool blocks;      ///< rows see later ones of their block
  };
  static SmallVector<Clone> clonesOf(func::FuncOp forward, int64_t chunk, int64_t verifyRows, int64_t imageTokens) {
    SmallVector<Clone> clones{{GEMMAC_DECODE, 1, true, false, false},
                              {GEMMAC_VERIFY, verifyRows, true, false, false},
                              {GEMMAC_PREFILL, chunk, false, true, false}};
    if (!opsWithBlocks(forward).empty())
      clones.push_back({GEMMAC_PREFILL_BLOCK, imageTokens, false, true, true});
    return clones;
  }

  /// \returns @forward, or null after a diagnostic when the module cannot be split.
  func::FuncOp findForward() {
    ModuleOp module = getOperation();
    if (chunk < 1 || verifyRows < 1 || imageTokens < 1) {
      module.emitError() << "'chunk', 'verify-rows' and 'image-tokens' must be at least 1, got " << chunk.getValue()
                         << ", " << verifyRows.getValue() << " and " << imageTokens.getValue();
      return {};
    }
    auto forward = module.lookupSymbol<func::FuncOp>("forward");
    if (!forward || forward.isExternal() || !forward.getBody().hasOneBlock()) {
      module.emitError() << "has no function @forward of straight code to split";
      return {};
    }
    for (const Clone &clone : clonesOf(forward, chunk, verifyRows, imageTokens))
      if (Operation *taken = module.lookupSymbol(clone.name)) {
        taken->emitError() << "symbol '" << clone.name << "' is wanted for a function of the program";
        return {};
      }
    return forward;
  }

  void runOnOperation() override {
    func::FuncOp forward = findForward();
    if (!forward)
      return signalPassFailure();
    OpBuilder builder(forward);
    for (const Clone &clone : clonesOf(forward, chunk, verifyRows, imageTokens)) {
      auto function = cast<func::FuncOp>(builder.clone(*forward));
      function.setName(clone.name);
      setMaxRows(function, clone.maxRows);
      if (!clone.logits)
        dropResults(function);
      if (!clone.takesInputs)
        dropInputs(function);
      if (!clone.blocks)
        for (AttendOp attend : opsWithBlocks(function))
          attend.setBlocks(false);
      eraseDeadOps(function);
    }
    forward.erase();
    splitEncoders();
  }

  void splitEncoders() {
    if (auto encoder = getOperation().lookupSymbol<func::FuncOp>(GEMMAC_ENCODE_IMAGE)) {
      if (encoders)
        splitImages(encoder);
      encoder.erase();
    }
    auto encoder = getOperation().lookupSymbol<func::FuncOp>(GEMMAC_ENCODE_AUDIO);
    if (encoder && encoders)
      setMaxRows(encoder, audioTokens);
    else if (encoder)
      encoder.erase();
  }

  /// One function for each budget of pictures that is wanted: all of them share weights and kernels.
  void splitImages(func::FuncOp encoder) {
    OpBuilder builder(encoder);
    for (int64_t budget : imageBudgets)
      if (budget <= imageTokens) {
        auto function = cast<func::FuncOp>(builder.clone(*encoder));
        function.setName((GEMMAC_ENCODE_IMAGE "_" + Twine(budget)).str());
        setMaxRows(function, budget);
      }
  }
};

} // namespace
} // namespace gemmac
