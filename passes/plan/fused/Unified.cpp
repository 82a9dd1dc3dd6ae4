// Steps of models without encoders.
#include "passes/plan/FunctionBuilder.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

/// layer_norm(input) as operand of a matrix, or as f32.
static Value layerNorm(StepEmitter &steps, Value input, PackedOp weight, PackedOp bias, const Reader &reader,
                       FloatAttr eps, int64_t count) {
  Value result = steps.rowResult(input, reader);
  OpBuilder &ops = steps.getBuilder();
  LayerNormStep::create(ops, steps.getLocation(), input, result, referTo(weight), referTo(bias),
                        ops.getI64IntegerAttr(count), eps, steps.replicated());
  return result;
}

LogicalResult plan(NormedPatchEmbedOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  OpBuilder &ops = steps.getBuilder();
  int64_t width = widthOf(op.getResult()), pixels = widthOf(op.getPatches());
  FailureOr<int64_t> places = weights.rowsOf(op, op.getColumnsAttr());
  if (failed(places))
    return failure();
  PackedOp firstNorm = weights.vector(op, op.getNorm_0Attr()), firstBias = weights.vector(op, op.getBias_0Attr());
  PackedOp proj = weights.matrix(op, op.getProjAttr(), builder.whole(width), builder.whole(pixels));
  PackedOp projBias = weights.vector(op, op.getProjBiasAttr());
  PackedOp innerNorm = weights.vector(op, op.getNorm_1Attr()), innerBias = weights.vector(op, op.getBias_1Attr());
  PackedOp columns = weights.matrix(op, op.getColumnsAttr(), builder.whole(*places), builder.whole(width));
  PackedOp rows = weights.matrix(op, op.getRowsAttr(), builder.whole(*places), builder.whole(width));
  PackedOp lastNorm = weights.vector(op, op.getNorm_2Attr()), lastBias = weights.vector(op, op.getBias_2Attr());
  if (weights.failed())
    return failure();
  Value input = builder.bufferOf(op.getPatches());
  int64_t perRow = steps.perRowOf(input);
  Value normed = layerNorm(steps, input, firstNorm, firstBias, proj, op.getEpsAttr(), pixels);
  Value projected = steps.matmul(normed, proj), shifted = steps.rowBuffer(width, Element::F32, perRow);
  AddBiasStep::create(ops, op.getLoc(), projected, referTo(projBias), shifted, steps.replicated());
  Value inner = layerNorm(steps, shifted, innerNorm, innerBias, Format::F32, op.getEpsAttr(), width);
  Value placed = steps.rowBuffer(width, Element::F32, perRow);
  AddPlacesStep::create(ops, op.getLoc(), inner, builder.bufferOf(op.getPlaces()), placed, referTo(columns),
                        referTo(rows), op.getAlternatingAttr(), steps.replicated());
  builder.bufferOf(op.getResult()) = layerNorm(steps, placed, lastNorm, lastBias, Format::F32, op.getEpsAttr(), width);
  return success();
}

LogicalResult plan(NormProjectOp op, FunctionBuilder &builder) {
  int64_t width = widthOf(op.getInput());
  PackedOp proj =
      builder.weights.matrix(op, op.getProjAttr(), builder.whole(widthOf(op.getResult())), builder.whole(width));
  if (builder.weights.failed())
    return failure();
  Value normed = builder.steps.norm(builder.bufferOf(op.getInput()), /*weight=*/{}, proj, op.getEpsAttr(), width);
  builder.bufferOf(op.getResult()) = builder.steps.matmul(normed, proj);
  return success();
}

} // namespace gemmac
