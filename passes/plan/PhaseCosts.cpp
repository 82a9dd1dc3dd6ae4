// What one call of a phase reads and computes, for the compile report.
#include "passes/plan/DataLayout.h"

#include "dialects/formats/Format.h"

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
  if (isa<EmbedStep, PleCombineStep>(step) && packed.getLayout() != Layout::Vector)
    return panelBytes(packed.getFormat(), rowsOf(packed.getLayout()), packed.getCols(), packed.getScaleBlocks()) /
           rowsOf(packed.getLayout());
  return packed.getBytes() / packed.getBatch() * batchesRead(step);
}

/// Whether the step multiplies its row with the matrix, rather than look one row up.
static bool isMatrixProduct(Operation *step, PackedOp packed) {
  return isa<MatmulStep, QkvStep, ExpertUpStep, ExpertDownStep>(step) && packed.getLayout() == Layout::Panels;
}

/// The packed weights that `step` names, in the order of its attributes.
static SmallVector<PackedOp> packedWeights(Operation *step, SymbolTable &symbols) {
  SmallVector<PackedOp> weights;
  for (NamedAttribute attribute : step->getAttrs())
    if (auto name = dyn_cast<FlatSymbolRefAttr>(attribute.getValue()))
      if (auto packed = symbols.lookup<PackedOp>(name.getValue()))
        weights.push_back(packed);
  return weights;
}

int64_t weightBytesRead(Operation *step, SymbolTable &symbols) {
  int64_t bytes = 0;
  for (PackedOp packed : packedWeights(step, symbols))
    bytes += bytesRead(step, packed);
  return bytes;
}

void setPhaseCosts(PhaseOp phase, SymbolTable &symbols) {
  int64_t bytes = 0, multiplyAdds = 0;
  for (Operation &step : phase.getBody().front()) {
    bytes += weightBytesRead(&step, symbols);
    for (PackedOp packed : packedWeights(&step, symbols))
      if (isMatrixProduct(&step, packed))
        multiplyAdds += trueElements(packed, symbols) / packed.getBatch() * batchesRead(&step);
  }
  Builder builder(phase.getContext());
  phase->setAttr("gemma.weight_bytes", builder.getI64IntegerAttr(bytes));
  phase->setAttr("gemma.multiply_adds", builder.getI64IntegerAttr(multiplyAdds));
}

} // namespace gemmac
