// gemma-observe: steps that add up second moments of the inputs of matrices.
#include "dialects/formats/MomentLayout.h"
#include "gemmac/program.h"
#include "passes/plan/Passes.h"

#include "mlir/IR/Builders.h"

namespace gemmac {
#define GEN_PASS_DEF_OBSERVE
#include "passes/plan/Passes.h.inc"

using namespace mlir;
using namespace gemma;

namespace {

/// What a step multiplies with which matrix.
std::optional<WeightUse> productOf(StepInterface step) {
  for (const WeightUse &use : step.getWeightUses())
    if (use.role == WeightRole::Product)
      return use;
  return std::nullopt;
}

struct Observe : impl::ObserveBase<Observe> {
  using ObserveBase::ObserveBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    ProgramOp program = ProgramOp::of(module);
    if (!program)
      return signalPassFailure();
    auto begin = static_cast<int64_t>(program.getSlotBytes()), end = begin;
    SymbolTable symbols(module);
    if (auto verify = symbols.lookup<FunctionOp>(GEMMAC_VERIFY); verify && failed(observe(verify, symbols, end)))
      return signalPassFailure();
    program.setMomentsAt(begin);
    program.setSlotBytes(end);
  }

private:
  static LogicalResult observe(FunctionOp function, SymbolTable &symbols, int64_t &end) {
    for (StepInterface step : llvm::make_early_inc_range(function.getBody().getOps<StepInterface>())) {
      std::optional<WeightUse> product = productOf(step);
      if (!product)
        continue;
      if (cast<BufferType>(product->input.getType()).isQuantized())
        return step->emitOpError() << "reads quantized rows; an observing program wants weights in f32 or bf16";
      auto weight = symbols.lookup<PackedOp>(product->weight.getValue());
      OpBuilder builder(step);
      IntegerAttr topK = product->picks ? builder.getI64IntegerAttr(product->entries) : IntegerAttr();
      ObserveStep::create(builder, step.getLoc(), product->input, product->weight, product->picks, topK,
                          builder.getI64IntegerAttr(end));
      int64_t batch = product->picks ? weight.getBatch() : 1;
      end += roundUp(MomentLayout::of(weight.getCols(), batch).bytes(), bufferAlign);
    }
    return success();
  }
};

} // namespace
} // namespace gemmac
