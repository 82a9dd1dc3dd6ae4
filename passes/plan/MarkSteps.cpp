// gemma-mark-steps: names what each step does, for programs that measure themselves.
#include "passes/plan/DataLayout.h"
#include "passes/plan/Passes.h"

#include "dialects/formats/Format.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace gemmac {

#define GEN_PASS_DEF_MARKSTEPS
#include "passes/plan/Passes.h.inc"

using namespace gemma;

namespace {

/// What a mark says of the step before it.
struct Label {
  std::string what;
  FlatSymbolRefAttr memory;
};

class MarkSteps : public impl::MarkStepsBase<MarkSteps> {
public:
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto phase : getOperation().getOps<PhaseOp>()) {
      SmallVector<Operation *> marked;
      for (Operation &op : phase.getBody().front())
        if (isa<BarrierOp, StepInterface>(op))
          marked.push_back(&op);
      for (Operation *op : marked)
        mark(op, symbols);
    }
  }

private:
  void mark(Operation *op, SymbolTable &symbols) {
    OpBuilder builder(op->getContext());
    builder.setInsertionPointAfter(op);
    Label label = isa<BarrierOp>(op) ? Label{"barrier", {}} : describe(op, symbols);
    MarkOp::create(builder, op->getLoc(), builder.getStringAttr(label.what), label.memory,
                   builder.getI64IntegerAttr(weightBytesRead(op, symbols)));
    ++numMarks;
  }

  // The matrix tells more than the norms beside it, and the cache that a qkv step writes.
  static Label describe(Operation *step, SymbolTable &symbols) {
    std::string kind = step->getName().stripDialect().str().substr(strlen("step."));
    Label label{kind + " " + std::to_string(firstBuffer(step).getWidth()), {}};
    int64_t bytes = 0;
    for (NamedAttribute attribute : step->getAttrs()) {
      auto name = dyn_cast<FlatSymbolRefAttr>(attribute.getValue());
      if (!name)
        continue;
      if (auto packed = symbols.lookup<PackedOp>(name.getValue());
          packed && static_cast<int64_t>(packed.getBytes()) > bytes) {
        if (packed.getLayout() == Layout::Vector && isa<AttentionStep, AttentionSplitsStep>(step))
          continue;
        bytes = packed.getBytes();
        label = {kind + " " + describe(packed), name};
      } else if (auto cache = symbols.lookup<KvCacheOp>(name.getValue()); cache && bytes == 0) {
        label = {kind + " head " + std::to_string(cache.getHeadDim()) + " window " + std::to_string(cache.getWindow()),
                 name};
      }
    }
    return label;
  }

  static std::string describe(PackedOp packed) {
    std::string text = nameOf(packed.getFormat()).str();
    if (packed.getLayout() != Layout::Vector)
      text += " " + std::to_string(packed.getRows()) + " x";
    text += " " + std::to_string(packed.getCols());
    return packed.getBatch() == 1 ? text : text + ", " + std::to_string(packed.getBatch()) + " experts";
  }

  static BufferType firstBuffer(Operation *step) { return cast<BufferType>(step->getOperand(0).getType()); }
};

} // namespace
} // namespace gemmac
