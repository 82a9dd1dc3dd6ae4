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
    for (auto function : getOperation().getOps<FunctionOp>()) {
      SmallVector<Operation *> marked;
      for (Operation &op : function.getBody().front())
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
    Label label = isa<BarrierOp>(op) ? Label{"barrier", {}} : describe(cast<StepInterface>(op), symbols);
    MarkOp::create(builder, op->getLoc(), builder.getStringAttr(label.what), label.memory,
                   builder.getI64IntegerAttr(weightBytesRead(op, symbols)));
    ++numMarks;
  }

  // A matrix or a table tells most, then a cache, then a vector.
  static Label describe(StepInterface step, SymbolTable &symbols) {
    std::string kind = step->getName().stripDialect().str().substr(strlen("step."));
    SmallVector<WeightUse> weights = step.getWeightUses();
    auto packedOf = [&](const WeightUse &use) { return symbols.lookup<PackedOp>(use.weight.getValue()); };
    if (!weights.empty() && weights.front().role != WeightRole::Vector)
      return {kind + " " + describe(packedOf(weights.front())), weights.front().weight};
    if (std::optional<CacheUse> use = step.getCacheUse()) {
      auto cache = symbols.lookup<KvCacheOp>(use->cache.getValue());
      return {kind + " head " + std::to_string(cache.getHeadDim()) + " window " + std::to_string(cache.getWindow()),
              use->cache};
    }
    if (!weights.empty())
      return {kind + " " + describe(packedOf(weights.front())), weights.front().weight};
    return {kind + " " + std::to_string(firstBuffer(step).getWidth()), {}};
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
