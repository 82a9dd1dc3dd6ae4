// Per-layer embeddings: their input, and their use in a layer.
#include "passes/plan/FunctionBuilder.h"

#include "dialects/formats/Format.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

LogicalResult plan(PleInputOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  int64_t groups = op.getGroups(), width = widthOf(op.getResult()) / groups;
  PackedOp proj = weights.matrix(op, op.getProjAttr(), builder.whole(width), builder.whole(widthOf(op.getInput())));
  PackedOp table = weights.rowTable(op, op.getTableAttr(), builder.whole(width));
  PackedOp norm = weights.vector(op, op.getNormAttr());
  if (weights.failed() || failed(builder.checkArgument(op, op.getIds(), 0, "ids")))
    return failure();
  Value context = steps.matmul(steps.operand(builder.bufferOf(op.getInput()), proj), proj);
  Value result = builder.bufferOf(op.getResult()) =
      steps.rowBuffer(groups * roundUp(width, groupColumns), Element::F32, 1, "ple");
  OpBuilder &ops = steps.getBuilder();
  PleCombineStep::create(ops, op.getLoc(), context, result, referTo(table), referTo(norm), op.getGroupsAttr(),
                         ops.getI64IntegerAttr(width), op.getTokenScaleAttr(), op.getContextScaleAttr(),
                         op.getResultScaleAttr(), op.getEpsAttr(), steps.replicated());
  return success();
}

LogicalResult plan(PleMixOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  int64_t width = widthOf(op.getInput());
  FailureOr<int64_t> slice = weights.rowsOf(op, op.getGateAttr());
  if (failed(slice))
    return failure();
  PackedOp gate = weights.matrix(op, op.getGateAttr(), builder.whole(*slice), builder.whole(width));
  PackedOp proj = weights.matrix(op, op.getProjAttr(), builder.whole(width), builder.whole(*slice));
  PackedOp postNorm = weights.vector(op, op.getPostNormAttr());
  PackedOp layerScale = weights.vector(op, op.getLayerScaleAttr());
  if (weights.failed())
    return failure();
  Value input = builder.bufferOf(op.getInput());
  int64_t offset = op.getOffset() / *slice * roundUp(*slice, groupColumns);
  Value gated = steps.geluMul(steps.operand(input, gate), gate, builder.bufferOf(op.getPle()), offset);
  Value branch = steps.matmul(steps.operand(gated, proj), proj);
  Value result = builder.bufferOf(op.getResult()) = builder.residualOf(op, op.getInput());
  steps.addNorm(input, branch, result, postNorm, layerScale, op.getEpsAttr(), width);
  return success();
}

} // namespace gemmac
