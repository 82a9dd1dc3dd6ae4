// gemma-check-fused: the fuse stage's promise to the plan stage.
#include "dialects/Gemma/GemmaDialect.h"
#include "passes/fuse/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac {
#define GEN_PASS_DEF_CHECKFUSED
#include "passes/fuse/Passes.h.inc"

namespace {

bool isLeftover(Operation *op) {
  return isa<RmsNormOp, LinearOp, RopeOp, KvWriteOp, AttentionOp, GegluOp, AddOp, ScaleOp, LayerScaleOp, SliceOp,
             RouterOp, ExpertsOp, SoftcapOp>(op);
}

/// The pass whose group alone holds such an op; empty for ops that several groups hold.
StringRef ownerOf(Operation *op) {
  return TypeSwitch<Operation *, StringRef>(op)
      .Case<RopeOp, KvWriteOp>([](auto) { return "gemma-fuse-qkv"; })
      .Case<AttentionOp>([](auto) { return "gemma-fuse-attend"; })
      .Case<RouterOp, ExpertsOp>([](auto) { return "gemma-fuse-moe"; })
      .Case<SliceOp>([](auto) { return "gemma-fuse-ple"; })
      .Case<ScaleOp>(
          [](ScaleOp scale) { return scale.getInput().getDefiningOp<RopeOp>() ? "gemma-fuse-qkv" : "gemma-fuse-ple"; })
      .Case<GegluOp>(
          [](GegluOp geglu) { return geglu.getUp().getDefiningOp<SliceOp>() ? "gemma-fuse-ple" : "gemma-fuse-ffn"; })
      .Case<SoftcapOp>([](auto) { return "gemma-fuse-head"; })
      .Default(StringRef());
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
  return returned ? "gemma-fuse-head" : "gemma-fuse-ffn"; // a lone add or layer_scale is most often the MLP's
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
