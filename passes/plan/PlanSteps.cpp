// gemma-plan-steps: functions of fused ops become functions of steps; packed weights get their place.
#include "passes/plan/Barriers.h"
#include "passes/plan/DataLayout.h"
#include "passes/plan/FunctionBuilder.h"
#include "passes/plan/Passes.h"
#include "passes/plan/RowBlocks.h"
#include "passes/plan/Symbols.h"

namespace gemmac {
#define GEN_PASS_DEF_PLANSTEPS
#include "passes/plan/Passes.h.inc"

using namespace mlir;
using namespace gemma;

namespace {

struct PlanSteps : impl::PlanStepsBase<PlanSteps> {
  using PlanStepsBase::PlanStepsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<func::FuncOp> functions = programFunctions(module);
    if (functions.empty()) {
      module.emitError("has no functions with 'gemma.max_rows'; run gemma-split-functions first");
      return signalPassFailure();
    }
    ProgramOp program = ProgramOp::of(module);
    if (!program)
      return signalPassFailure();
    PackedWeights weights(module, model());
    llvm::DenseSet<StringAttr> headTables = tablesOfHeads(functions);
    for (func::FuncOp function : functions)
      if (failed(planFunction(function, weights, headTables)))
        return signalPassFailure();
    for (func::FuncOp function : functions)
      function.erase();
    assignDataOffsets(module, program);
    program.setActivationBits(wideActivations ? 16 : 8);
    SymbolTable symbols(module);
    for (FunctionOp function : module.getOps<FunctionOp>())
      setFunctionCosts(function, symbols);
    eraseUnusedWeights(module);
  }

private:
  PlanModel model() { return {spmd, splitKeys, blockRows, matrices, tables, vectors}; }

  static SmallVector<func::FuncOp> programFunctions(ModuleOp module) {
    auto functions = llvm::make_filter_range(module.getOps<func::FuncOp>(),
                                             [](func::FuncOp function) { return function->hasAttr("gemma.max_rows"); });
    return llvm::to_vector(functions);
  }

  static llvm::DenseSet<StringAttr> tablesOfHeads(ArrayRef<func::FuncOp> functions) {
    llvm::DenseSet<StringAttr> tables;
    for (func::FuncOp function : functions)
      function.walk([&](HeadOp head) { tables.insert(head.getTableAttr().getAttr()); });
    return tables;
  }

  /// Bits of weights from which on activations have 16: of words in any case (FormatInfo::inWords).
  int64_t wideFrom(FunctionOp function) const {
    if (wideActivations)
      return 0;
    return wideTowers && function.isEncoder() ? 8 : 9;
  }

  /// Whether other than the logits of a head is returned.
  static bool givesRows(func::FuncOp source) {
    auto returns = source.getOps<func::ReturnOp>();
    return llvm::any_of(returns, [](func::ReturnOp returned) {
      return llvm::any_of(returned.getOperands(), [](Value value) { return !value.getDefiningOp<HeadOp>(); });
    });
  }

  LogicalResult planFunction(func::FuncOp source, PackedWeights &weights,
                             const llvm::DenseSet<StringAttr> &headTables) {
    OpBuilder builder(source);
    const int64_t maxRows = source->getAttrOfType<IntegerAttr>("gemma.max_rows").getInt();
    const Schedule schedule(model(), maxRows, givesRows(source));
    auto function = FunctionOp::create(builder, source.getLoc(), source.getSymName(), maxRows, schedule.isSerial());
    if (failed(FunctionBuilder(function, source, weights, headTables, schedule, wideFrom(function)).build()))
      return failure();
    divideIntoBlocks(function, blockRows);
    insertBarriers(function);
    return success();
  }

  static void eraseUnusedWeights(ModuleOp module) {
    llvm::DenseSet<StringAttr> used = usedSymbols(module);
    for (WeightOp weight : llvm::make_early_inc_range(module.getOps<WeightOp>()))
      if (!used.contains(weight.getSymNameAttr())) {
        weight.emitRemark("weight '@") << weight.getSymName() << "' is read by no function and left out";
        weight.erase();
      }
  }
};

} // namespace
} // namespace gemmac
