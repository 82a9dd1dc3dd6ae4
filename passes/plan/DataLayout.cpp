// Order of the data section.
#include "passes/plan/DataLayout.h"

#include "dialects/formats/Format.h"
#include "gemmac/program.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

namespace {
/// Packed weights by the place of their part in the data section, each part in order of use. Of a table one row is
/// read: if the head streams the same table, its place is there.
struct OrderOfUse {
  using Order = llvm::SetVector<PackedOp>;
  /// What text reads, what functions for pictures read beyond that, what others do.
  Order parts[3];
  Order tables;

  explicit OrderOfUse(ModuleOp module) {
    SymbolTable symbols(module);
    for (size_t part = 0; part < std::size(parts); ++part)
      for (FunctionOp function : module.getOps<FunctionOp>())
        if (partOf(function) == part)
          add(function, symbols, parts[part]);
  }

private:
  static size_t partOf(FunctionOp function) {
    if (function.isForText())
      return 0;
    return function.getSymName().starts_with(GEMMAC_ENCODE_IMAGE) ? 1 : 2;
  }
  bool isPlaced(PackedOp packed) const {
    return llvm::any_of(parts, [&](const Order &part) { return part.contains(packed); });
  }

  void add(FunctionOp function, SymbolTable &symbols, Order &order) {
    SmallVector<PackedOp> readByRow;
    for (StepInterface step : function.getBody().getOps<StepInterface>())
      for (const WeightUse &use : step.getWeightUses()) {
        auto packed = symbols.lookup<PackedOp>(use.weight.getValue());
        if (packed.getLayout() == Layout::Table)
          tables.insert(packed);
        else if (use.role == WeightRole::Lookup)
          readByRow.push_back(packed);
        else if (!isPlaced(packed))
          order.insert(packed);
      }
    for (PackedOp packed : readByRow)
      if (!isPlaced(packed))
        order.insert(packed);
  }
};
} // namespace

void assignDataOffsets(ModuleOp module, ProgramOp program) {
  const OrderOfUse used(module);
  auto functions = module.getOps<FunctionOp>();
  int64_t offset = 0, mapped = 0, tableRow = 0;
  auto place = [&](PackedOp packed) {
    packed->moveBefore(*functions.begin());
    packed.setOffset(offset);
    offset += roundUp(packed.getBytes(), bufferAlign);
  };
  for (const OrderOfUse::Order &part : used.parts)
    for (Layout layout : {Layout::Vector, Layout::Panels})
      for (PackedOp packed : part)
        if (packed.getLayout() == layout)
          place(packed);
  mapped = offset;
  for (PackedOp packed : used.tables) {
    place(packed);
    packed.setRowAt(tableRow);
    tableRow += roundUp(panelBytes(packed.getFormat(), 1, packed.getCols(), packed.getScaleBlocks()), bufferAlign);
  }
  program.setDataBytes(offset);
  program.setMappedBytes(mapped);
  program.setTableRowBytes(tableRow);
}

} // namespace gemmac
