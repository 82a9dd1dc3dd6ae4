// Order of the data section.
#include "passes/plan/DataLayout.h"

#include "dialects/formats/Format.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

/// Packed weights in order of use. An embedding reads one row of its table: if the head streams the same table, its
/// place is there.
static llvm::SetVector<PackedOp> orderOfUse(ModuleOp module) {
  SymbolTable symbols(module);
  llvm::SetVector<PackedOp> order;
  auto add = [&](Operation *step) {
    for (NamedAttribute attribute : step->getAttrs())
      if (auto name = dyn_cast<FlatSymbolRefAttr>(attribute.getValue()))
        if (auto packed = symbols.lookup<PackedOp>(name.getValue()))
          order.insert(packed);
  };
  SmallVector<Operation *> embeds;
  for (PhaseOp phase : module.getOps<PhaseOp>())
    for (Operation &op : phase.getBody().front())
      if (isa<EmbedStep>(op))
        embeds.push_back(&op);
      else if (isa<StepInterface>(op))
        add(&op);
  llvm::for_each(embeds, add);
  return order;
}

void assignDataOffsets(ModuleOp module) {
  llvm::SetVector<PackedOp> used = orderOfUse(module);
  auto phases = module.getOps<PhaseOp>();
  int64_t offset = 0, mapped = 0, tableRow = 0;
  for (Layout layout : {Layout::Vector, Layout::Panels, Layout::Table})
    for (PackedOp packed : used) {
      if (packed.getLayout() != layout)
        continue;
      packed->moveBefore(*phases.begin());
      packed.setOffset(offset);
      offset += roundUp(packed.getBytes(), bufferAlign);
      if (layout != Layout::Table) {
        mapped = offset;
        continue;
      }
      packed.setRowAt(tableRow);
      tableRow += roundUp(panelBytes(packed.getFormat(), 1, packed.getCols(), packed.getScaleBlocks()), bufferAlign);
    }
  Builder builder(module.getContext());
  module->setAttr("gemma.data_bytes", builder.getI64IntegerAttr(offset));
  module->setAttr("gemma.mapped_bytes", builder.getI64IntegerAttr(mapped));
  module->setAttr("gemma.table_row_bytes", builder.getI64IntegerAttr(tableRow));
}

} // namespace gemmac
