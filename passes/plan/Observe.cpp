// gemma-observe: steps that add up second moments of the inputs of matrices.
#include "dialects/formats/MomentLayout.h"
#include "passes/plan/Passes.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/TypeSwitch.h"

namespace gemmac {
#define GEN_PASS_DEF_OBSERVE
#include "passes/plan/Passes.h.inc"

using namespace mlir;
using namespace gemma;

namespace {

/// What a step multiplies with which matrix; `picks` where each entry of the batch sees rows of its own.
struct Product {
  Value input;
  FlatSymbolRefAttr weight;
  Value picks;
  IntegerAttr topK;
};

std::optional<Product> productOf(Operation *step) {
  return llvm::TypeSwitch<Operation *, std::optional<Product>>(step)
      .Case<MatmulStep, QkvStep, ExpertUpStep>(
          [](auto product) { return Product{product.getInput(), product.getWeightAttr(), Value(), IntegerAttr()}; })
      .Case<ExpertDownStep>([](ExpertDownStep down) {
        return Product{down.getInput(), down.getWeightAttr(), down.getPicks(), down.getTopKAttr()};
      })
      .Default([](Operation *) { return std::nullopt; });
}

struct Observe : impl::ObserveBase<Observe> {
  using ObserveBase::ObserveBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto slotBytes = module->getAttrOfType<IntegerAttr>("gemma.slot_bytes");
    if (!slotBytes) {
      module.emitError("has no 'gemma.slot_bytes'; run gemma-plan-caches first");
      return signalPassFailure();
    }
    int64_t begin = roundUp(slotBytes.getInt(), bufferAlign), end = begin;
    SymbolTable symbols(module);
    for (PhaseOp phase : module.getOps<PhaseOp>())
      if (phase.getKind() == PhaseKind::Verify && failed(observe(phase, symbols, end)))
        return signalPassFailure();
    Builder builder(module.getContext());
    module->setAttr("gemma.moments_offset", builder.getI64IntegerAttr(begin));
    module->setAttr("gemma.slot_bytes", builder.getI64IntegerAttr(end));
  }

private:
  static LogicalResult observe(PhaseOp phase, SymbolTable &symbols, int64_t &end) {
    for (Operation &step : llvm::make_early_inc_range(phase.getBody().front())) {
      std::optional<Product> product = productOf(&step);
      if (!product)
        continue;
      if (cast<BufferType>(product->input.getType()).isQuantized())
        return step.emitOpError() << "reads quantized rows; an observing program wants weights in f32 or bf16";
      auto weight = symbols.lookup<PackedOp>(product->weight.getValue());
      OpBuilder builder(&step);
      ObserveStep::create(builder, step.getLoc(), product->input, product->weight, product->picks, product->topK,
                          builder.getI64IntegerAttr(end));
      int64_t batch = product->picks ? weight.getBatch() : 1;
      end += roundUp(MomentLayout::of(weight.getCols(), batch).bytes(), bufferAlign);
    }
    return success();
  }
};

} // namespace
} // namespace gemmac
