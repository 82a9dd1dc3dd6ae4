// gemma-check-fused: the fuse stage's promise to the plan stage.
#include "passes/fuse/Fusions.h"
#include "passes/fuse/Passes.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac {
#define GEN_PASS_DEF_CHECKFUSED
#include "passes/fuse/Passes.h.inc"

namespace {

/// An op of the dialect that the plan stage does not take.
bool isLeftover(Operation *op) { return isa_and_present<GemmaDialect>(op->getDialect()) && !isa<FusedInterface>(op); }

/// The pass whose group alone holds such an op; empty for ops that several groups hold.
StringRef ownerOf(Operation *op) {
  for (const fuse::Fusion *fusion : fuse::fusions)
    if (fusion->owns(op))
      return fusion->pass;
  return {};
}

/// Breadth first through readers and operands, readers first, as far as level-0 ops reach. What is returned belongs to
/// the head if nothing else claims it.
StringRef nearestOwner(Operation *start) {
  llvm::SetVector<Operation *> reached;
  reached.insert(start);
  bool returned = false;
  for (size_t next = 0; next < reached.size(); ++next) {
    Operation *op = reached[next];
    if (StringRef owner = ownerOf(op); !owner.empty())
      return owner;
    for (Operation *user : op->getUsers()) {
      returned |= isa<func::ReturnOp>(user);
      if (isLeftover(user))
        reached.insert(user);
    }
    for (Value operand : op->getOperands())
      if (Operation *source = operand.getDefiningOp(); source && isLeftover(source))
        reached.insert(source);
  }
  return returned ? fuse::head.pass : fuse::ffn.pass; // a lone add or layer_scale is most often the MLP's
}

struct CheckFused : impl::CheckFusedBase<CheckFused> {
  void runOnOperation() override {
    bool hinted = false;
    getOperation().walk([&](Operation *op) {
      if (!isLeftover(op))
        return;
      StringRef owner = nearestOwner(op);
      InFlightDiagnostic error = op->emitOpError() << "is not fused; '" << owner << "' should have taken it";
      if (!hinted)
        error.attachNote()
            << "'gemmac-opt --gemma-fuse --remarks-filter-missed=gemma-fuse' tells what each pass missed";
      hinted = true;
      signalPassFailure();
    });
    markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace gemmac
