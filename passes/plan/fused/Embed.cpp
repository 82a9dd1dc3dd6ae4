// Rows of the embedding table.
#include "passes/plan/FunctionBuilder.h"

#include "dialects/formats/Format.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

LogicalResult plan(EmbedOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  int64_t width = widthOf(op.getResult());
  bool tied = builder.isHeadTable(op.getTableAttr());
  FailureOr<int64_t> vocab = weights.rowsOf(op, op.getTableAttr());
  if (failed(vocab))
    return failure();
  PackedOp table = tied ? weights.matrix(op, op.getTableAttr(), builder.whole(*vocab), builder.whole(width))
                        : weights.rowTable(op, op.getTableAttr(), builder.whole(width));
  if (weights.failed() || failed(builder.checkArgument(op, op.getIds(), 0, "ids")))
    return failure();
  Value result = builder.bufferOf(op.getResult()) = steps.rowBuffer(width, Element::F32, 1, "x");
  Value soft = op.getSoft() ? builder.bufferOf(op.getSoft()) : Value();
  EmbedStep::create(steps.getBuilder(), op.getLoc(), result, referTo(table), op.getScaleAttr(), soft,
                    steps.replicated());
  return success();
}

} // namespace gemmac
