// Order of the data section.
#include "passes/plan/DataLayout.h"

#include "dialects/formats/Format.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

/// Packed weights in order of use. Of a table one row is read: if the head streams the same table, its place is there.
static llvm::SetVector<PackedOp> orderOfUse(ModuleOp module) {
  SymbolTable symbols(module);
  llvm::SetVector<PackedOp> order;
  SmallVector<PackedOp> tables;
  for (FunctionOp function : module.getOps<FunctionOp>())
    for (StepInterface step : function.getBody().getOps<StepInterface>())
      for (const WeightUse &use : step.getWeightUses()) {
        auto packed = symbols.lookup<PackedOp>(use.weight.getValue());
        if (use.role == WeightRole::Lookup)
          tables.push_back(packed);
        else
          order.insert(packed);
      }
  order.insert_range(tables);
  return order;
}

void assignDataOffsets(ModuleOp module, ProgramOp program) {
  llvm::SetVector<PackedOp> used = orderOfUse(module);
  auto functions = module.getOps<FunctionOp>();
  int64_t offset = 0, mapped = 0, tableRow = 0;
  for (Layout layout : {Layout::Vector, Layout::Panels, Layout::Table})
    for (PackedOp packed : used) {
      if (packed.getLayout() != layout)
        continue;
      packed->moveBefore(*functions.begin());
      packed.setOffset(offset);
      offset += roundUp(packed.getBytes(), bufferAlign);
      if (layout != Layout::Table) {
        mapped = offset;
        continue;
      }
      packed.setRowAt(tableRow);
      tableRow += roundUp(panelBytes(packed.getFormat(), 1, packed.getCols(), packed.getScaleBlocks()), bufferAlign);
    }
  program.setDataBytes(offset);
  program.setMappedBytes(mapped);
  program.setTableRowBytes(tableRow);
}

} // namespace gemmac
