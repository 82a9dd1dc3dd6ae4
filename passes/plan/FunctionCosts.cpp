// What one call of a function reads and computes, for the compile report.
#include "passes/plan/DataLayout.h"

#include "dialects/formats/Format.h"

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

/// Bytes of a packed weight that are read for one row.
static int64_t bytesRead(const WeightUse &use, PackedOp packed) {
  if (use.role == WeightRole::Lookup)
    return panelBytes(packed.getFormat(), rowsOf(packed.getLayout()), packed.getCols(), packed.getScaleBlocks()) /
           rowsOf(packed.getLayout());
  return packed.getBytes() / packed.getBatch() * use.entries;
}

int64_t weightBytesRead(Operation *op, SymbolTable &symbols) {
  int64_t bytes = 0;
  if (auto step = dyn_cast<StepInterface>(op))
    for (const WeightUse &use : step.getWeightUses())
      bytes += bytesRead(use, symbols.lookup<PackedOp>(use.weight.getValue()));
  return bytes;
}

/// Rows of a product for each row of a call: 9 patches of a soft token, for instance. Those of experts are counted as
/// `entries`.
static int64_t rowsOfProduct(StepInterface step, const WeightUse &use, FunctionOp function) {
  if (use.entries != 1)
    return use.entries;
  const int64_t rows = cast<BufferType>(step.getReads().front().getType()).getRows();
  return std::max<int64_t>(1, rows / static_cast<int64_t>(function.getMaxRows()));
}

void setFunctionCosts(FunctionOp function, SymbolTable &symbols) {
  int64_t bytes = 0, multiplyAdds = 0;
  for (StepInterface step : function.getBody().getOps<StepInterface>()) {
    bytes += weightBytesRead(step, symbols);
    for (const WeightUse &use : step.getWeightUses())
      if (auto packed = symbols.lookup<PackedOp>(use.weight.getValue()); use.role == WeightRole::Product)
        multiplyAdds += trueElements(packed, symbols) / packed.getBatch() * rowsOfProduct(step, use, function);
  }
  function.setWeightBytes(bytes);
  function.setMultiplyAdds(multiplyAdds);
}

} // namespace gemmac
