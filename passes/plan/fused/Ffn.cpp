// The MLP.
#include "passes/plan/FunctionBuilder.h"

#include "dialects/formats/Format.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

LogicalResult plan(FfnOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  int64_t width = widthOf(op.getInput());
  FailureOr<int64_t> inner = weights.rowsOf(op, op.getGateAttr());
  if (failed(inner))
    return failure();
  PackedOp preNorm = weights.vector(op, op.getPreNormAttr());
  PackedOp gateUp = weights.matrix(op, {op.getGateAttr(), op.getUpAttr()}, builder.whole(*inner), builder.whole(width),
                                   /*interleave=*/true);
  PackedOp down = weights.matrix(op, op.getDownAttr(), builder.whole(width), builder.whole(*inner));
  PackedOp postNorm = weights.vector(op, op.getPostNormAttr());
  PackedOp layerScale = weights.vector(op, op.getLayerScaleAttr());
  if (weights.failed())
    return failure();
  Value input = builder.bufferOf(op.getInput());
  Value hidden = steps.matmul(steps.norm(input, preNorm, gateUp, op.getEpsAttr(), width), gateUp);
  Value branch = steps.matmul(steps.operand(hidden, down), down);
  Value result = builder.bufferOf(op.getResult()) = builder.residualOf(op, op.getInput());
  steps.addNorm(input, branch, result, postNorm, layerScale, op.getEpsAttr(), width);
  return success();
}

} // namespace gemmac
