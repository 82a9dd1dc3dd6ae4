// gemma-split-phases: one function per phase of the program, each with what its results and caches need and no more.
#include "gemmac/program.h"
#include "passes/plan/Passes.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac {
#define GEN_PASS_DEF_SPLITPHASES
#include "passes/plan/Passes.h.inc"

namespace {

struct PhaseInfo {
  PhaseKind kind;
  StringLiteral name;
  bool logits; ///< for every row
};

constexpr PhaseInfo phases[] = {{PhaseKind::Decode, GEMMAC_DECODE, true},
                                {PhaseKind::Verify, GEMMAC_VERIFY, true},
                                {PhaseKind::Prefill, GEMMAC_PREFILL, false}};

/// An op is dead when nothing reads its results and it writes nothing. A gemma.qkv writes only if it names a cache,
/// which its static list of effects cannot say.
bool isDead(Operation *op) {
  if (auto qkv = dyn_cast<QkvOp>(op))
    return qkv->use_empty() && !qkv.getCacheAttr();
  return isOpTriviallyDead(op);
}

/// Backwards, so that one walk reaches the fixpoint of straight code.
void eraseDeadOps(func::FuncOp function) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
    if (isDead(&op))
      op.erase();
}

void dropResults(func::FuncOp function) {
  auto returned = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  returned->setOperands({});
  function.setType(FunctionType::get(function.getContext(), function.getArgumentTypes(), {}));
  function.removeResAttrsAttr();
}

struct SplitPhases : impl::SplitPhasesBase<SplitPhases> {
  using SplitPhasesBase::SplitPhasesBase;

  int64_t maxRows(PhaseKind kind) {
    switch (kind) {
    case PhaseKind::Decode:
      return 1;
    case PhaseKind::Verify:
      return verifyRows;
    case PhaseKind::Prefill:
      return chunk;
    }
    llvm_unreachable("a phase outside of its enum");
  }

  /// \returns @forward, or null after a diagnostic when the module cannot be split.
  func::FuncOp findForward() {
    ModuleOp module = getOperation();
    if (chunk < 1 || verifyRows < 1) {
      module.emitError() << "'chunk' and 'verify-rows' must be at least 1, got " << chunk.getValue() << " and "
                         << verifyRows.getValue();
      return {};
    }
    auto forward = module.lookupSymbol<func::FuncOp>("forward");
    if (!forward || forward.isExternal() || !forward.getBody().hasOneBlock()) {
      module.emitError() << "has no function @forward of straight code to split into phases";
      return {};
    }
    for (const PhaseInfo &phase : phases)
      if (Operation *taken = module.lookupSymbol(phase.name)) {
        taken->emitError() << "symbol '" << phase.name << "' is wanted for a phase";
        return {};
      }
    return forward;
  }

  void runOnOperation() override {
    func::FuncOp forward = findForward();
    if (!forward)
      return signalPassFailure();
    OpBuilder builder(forward);
    for (const PhaseInfo &phase : phases) {
      auto function = cast<func::FuncOp>(builder.clone(*forward));
      function.setName(phase.name);
      function->setAttr("gemma.phase", PhaseKindAttr::get(&getContext(), phase.kind));
      function->setAttr("gemma.max_rows", builder.getI64IntegerAttr(maxRows(phase.kind)));
      if (!phase.logits)
        dropResults(function);
      eraseDeadOps(function);
    }
    forward.erase();
  }
};

} // namespace
} // namespace gemmac
