// gemma-plan-steps: phase functions become phases of steps; packed weights get their place.
#include "passes/plan/Barriers.h"
#include "passes/plan/DataLayout.h"
#include "passes/plan/Passes.h"
#include "passes/plan/PhaseBuilder.h"
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
    SmallVector<func::FuncOp> functions = phaseFunctions(module);
    if (functions.empty()) {
      module.emitError("has no functions with 'gemma.phase'; run gemma-split-phases first");
      return signalPassFailure();
    }
    PackedWeights weights(module, model());
    llvm::DenseSet<StringAttr> headTables = tablesOfHeads(functions);
    for (func::FuncOp function : functions)
      if (failed(planPhase(function, weights, headTables)))
        return signalPassFailure();
    for (func::FuncOp function : functions)
      function.erase();
    assignDataOffsets(module);
    module->setAttr("gemma.activation_bits", OpBuilder(module).getI64IntegerAttr(wideActivations ? 16 : 8));
    SymbolTable symbols(module);
    for (PhaseOp phase : module.getOps<PhaseOp>())
      setPhaseCosts(phase, symbols);
    eraseUnusedWeights(module);
  }

private:
  PlanModel model() { return {spmd, splitKeys, matrices, tables, vectors}; }

  static SmallVector<func::FuncOp> phaseFunctions(ModuleOp module) {
    auto functions = llvm::make_filter_range(module.getOps<func::FuncOp>(),
                                             [](func::FuncOp function) { return function->hasAttr("gemma.phase"); });
    return llvm::to_vector(functions);
  }

  static llvm::DenseSet<StringAttr> tablesOfHeads(ArrayRef<func::FuncOp> functions) {
    llvm::DenseSet<StringAttr> tables;
    for (func::FuncOp function : functions)
      function.walk([&](HeadOp head) { tables.insert(head.getTableAttr().getAttr()); });
    return tables;
  }

  LogicalResult planPhase(func::FuncOp function, PackedWeights &weights, const llvm::DenseSet<StringAttr> &headTables) {
    auto kind = function->getAttrOfType<PhaseKindAttr>("gemma.phase");
    auto maxRows = function->getAttrOfType<IntegerAttr>("gemma.max_rows");
    if (!kind || !maxRows || maxRows.getInt() < 1)
      return function.emitError("phase '@")
             << function.getName() << "' needs 'gemma.phase' (#gemma.phase_kind) and 'gemma.max_rows' (1 or more)";
    OpBuilder builder(function);
    const Schedule schedule(model(), maxRows.getInt());
    auto phase = PhaseOp::create(builder, function.getLoc(), function.getSymNameAttr(), kind, maxRows,
                                 schedule.isSerial() ? builder.getUnitAttr() : UnitAttr(),
                                 /*arena_bytes=*/IntegerAttr(), /*scratch_bytes=*/IntegerAttr());
    phase.getBody().emplaceBlock();
    if (failed(PhaseBuilder(phase, function, weights, headTables, schedule, wideActivations).build()))
      return failure();
    phase->setAttr("gemma.barriers", builder.getI64IntegerAttr(insertBarriers(phase)));
    return success();
  }

  static void eraseUnusedWeights(ModuleOp module) {
    llvm::DenseSet<StringAttr> used = usedSymbols(module);
    for (WeightOp weight : llvm::make_early_inc_range(module.getOps<WeightOp>()))
      if (!used.contains(weight.getSymNameAttr())) {
        weight.emitRemark("weight '@") << weight.getSymName() << "' is read by no phase and left out";
        weight.erase();
      }
  }
};

} // namespace
} // namespace gemmac
