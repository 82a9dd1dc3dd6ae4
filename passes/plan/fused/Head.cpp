// The logits.
#include "passes/plan/FunctionBuilder.h"

#include "dialects/formats/Format.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

LogicalResult plan(HeadOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  int64_t width = widthOf(op.getInput());
  PackedOp norm = weights.vector(op, op.getNormAttr());
  PackedOp table = weights.matrix(op, op.getTableAttr(), builder.whole(widthOf(op.getLogits())), builder.whole(width));
  if (weights.failed())
    return failure();
  OpBuilder &ops = steps.getBuilder();
  Value input = steps.norm(builder.bufferOf(op.getInput()), norm, table, op.getEpsAttr(), width);
  Value logits = builder.bufferOf(op.getLogits()) = steps.sharedBuffer(table.getRows());
  auto epilogue = EpilogueAttr::get(op.getContext(), op.getSoftcapAttr() ? Epilogue::Softcap : Epilogue::None);
  MatmulStep::create(ops, op.getLoc(), input, referTo(table), logits, /*factor=*/Value(), epilogue,
                     ops.getI64IntegerAttr(0), op.getSoftcapAttr());
  return success();
}

} // namespace gemmac
