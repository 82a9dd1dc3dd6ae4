// What one call of a phase reads and computes, for the compile report.
#include "passes/plan/DataLayout.h"

#include "compiler/formats/WeightFormat.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

/// Elements of the sources, padding excluded.
static int64_t trueElements(PackedOp packed, SymbolTable &symbols) {
  int64_t elements = 0;
  for (Attribute source : packed.getSources())
    elements += cast<RankedTensorType>(symbols.lookup<WeightOp>(cast<FlatSymbolRefAttr>(source).getValue()).getType())
                    .getNumElements();
  return elements;
}

/// Entries of the batch that `step` reads for one row: the chosen experts, else the one matrix.
static int64_t batchesRead(Operation *step) {
  return llvm::TypeSwitch<Operation *, int64_t>(step)
      .Case<ExpertUpStep, ExpertDownStep>([](auto expert) { return expert.getTopK(); })
      .Default([](Operation *) { return 1; });
}

/// Bytes of a packed weight that `step` reads for one row.
static int64_t bytesRead(Operation *step, PackedOp packed) {
  int64_t rowsPerPanel = packed.getPanelRows();
  if (isa<EmbedStep, PleCombineStep>(step) && rowsPerPanel != 0)
    return panelBytes(static_cast<WeightFormat>(packed.getFormat()), rowsPerPanel, packed.getCols(),
                      packed.getScaleBlocks()) /
           rowsPerPanel;
  return packed.getBytes() / packed.getBatch() * batchesRead(step);
}

/// Whether the step multiplies its row with the matrix, rather than look one row up.
static bool isMatrixProduct(Operation *step, PackedOp packed) {
  return isa<MatmulStep, QkvStep, ExpertUpStep, ExpertDownStep>(step) && packed.getPanelRows() == panelRows;
}

void setPhaseCosts(PhaseOp phase, SymbolTable &symbols) {
  int64_t bytes = 0, multiplyAdds = 0;
  for (Operation &step : phase.getBody().front()) {
    for (NamedAttribute attribute : step.getAttrs()) {
      auto name = dyn_cast<FlatSymbolRefAttr>(attribute.getValue());
      auto packed = name ? symbols.lookup<PackedOp>(name.getValue()) : PackedOp();
      if (!packed)
        continue;
      bytes += bytesRead(&step, packed);
      if (isMatrixProduct(&step, packed))
        multiplyAdds += trueElements(packed, symbols) / packed.getBatch() * batchesRead(&step);
    }
  }
  Builder builder(phase.getContext());
  phase->setAttr("gemma.weight_bytes", builder.getI64IntegerAttr(bytes));
  phase->setAttr("gemma.multiply_adds", builder.getI64IntegerAttr(multiplyAdds));
}

} // namespace gemmac
