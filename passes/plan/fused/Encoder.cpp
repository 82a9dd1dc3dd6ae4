// Steps of the vision tower.
#include "passes/plan/FunctionBuilder.h"

#include "dialects/formats/CacheLayout.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

LogicalResult plan(PatchEmbedOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  int64_t width = widthOf(op.getResult()), pixels = widthOf(op.getPatches());
  FailureOr<int64_t> places = weights.rowsOf(op, op.getColumnsAttr());
  if (failed(places))
    return failure();
  PackedOp proj = weights.matrix(op, op.getProjAttr(), builder.whole(width), builder.whole(pixels));
  PackedOp columns = weights.matrix(op, op.getColumnsAttr(), builder.whole(*places), builder.whole(width));
  PackedOp rows = weights.matrix(op, op.getRowsAttr(), builder.whole(*places), builder.whole(width));
  if (weights.failed())
    return failure();
  OpBuilder &ops = steps.getBuilder();
  Value input = builder.bufferOf(op.getPatches());
  Value scaled = steps.rowResult(input, proj);
  AffineStep::create(ops, op.getLoc(), input, scaled, op.getFactorAttr(), op.getOffsetAttr(),
                     ops.getI64IntegerAttr(pixels), Reader(proj).within, steps.replicated());
  Value result = builder.bufferOf(op.getResult()) = steps.matmul(scaled, proj);
  AddPlacesStep::create(ops, op.getLoc(), result, builder.bufferOf(op.getPlaces()), result, referTo(columns),
                        referTo(rows), /*alternating=*/UnitAttr(), steps.replicated());
  return success();
}

LogicalResult plan(EncoderAttentionOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  int64_t headDim = op.getHeadDim(), padded = paddedHeadDim(headDim), width = widthOf(op.getInput());
  AxisAttr heads = crossedHeadAxis(op.getContext(), headDim);
  PackedOp norm = weights.vector(op, op.getNormAttr()), postNorm = weights.vector(op, op.getPostNormAttr());
  PackedOp queryNorm = weights.vector(op, op.getQNormAttr(), heads);
  PackedOp keyNorm = weights.vector(op, op.getKNormAttr(), heads);
  PackedOp projections = weights.matrix(op, {op.getQAttr(), op.getKAttr(), op.getVAttr()}, heads, builder.whole(width));
  PackedOp output = weights.matrix(op, op.getOAttr(), builder.whole(width), heads);
  if (weights.failed())
    return failure();
  OpBuilder &ops = steps.getBuilder();
  Value residual = builder.bufferOf(op.getInput());
  Value input = steps.norm(residual, norm, projections, op.getEpsAttr(), width);
  Value query = steps.sharedBuffer(op.getHeads() * padded, steps.perRowOf(input));
  // Where products round what they read to integers, attention may do so as well.
  bool words = typeOf(input).isQuantized();
  Value memory = steps.keysAndValues(steps.perRowOf(input), op.getKvHeads(), padded, words);
  Value raw = steps.privateBuffer(padded, steps.perRowOf(input));
  EncoderQkvStep::create(ops, op.getLoc(), input, referTo(projections),
                         builder.placesTable(builder.bufferOf(op.getPlaces()), op.getThetaAttr(), op.getHeadDimAttr()),
                         query, memory, raw, op.getHeadsAttr(), op.getKvHeadsAttr(), op.getHeadDimAttr(),
                         referTo(queryNorm), referTo(keyNorm), op.getEpsAttr());
  EncoderAttentionStep::create(ops, op.getLoc(), query, memory, /*result=*/query, op.getHeadsAttr(),
                               op.getKvHeadsAttr(), op.getHeadDimAttr());
  Value branch = steps.matmul(steps.operand(query, output), output);
  Value result = builder.bufferOf(op.getResult()) = builder.residualOf(op, op.getInput());
  steps.addNorm(residual, branch, result, postNorm, /*layerScale=*/{}, op.getEpsAttr(), width);
  return success();
}

LogicalResult plan(PoolProjectOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  int64_t width = widthOf(op.getInput()), count = op.getCount();
  PackedOp bias = weights.vector(op, op.getBiasAttr()), scale = weights.vector(op, op.getScaleAttr());
  PackedOp proj = weights.matrix(op, op.getProjAttr(), builder.whole(widthOf(op.getResult())), builder.whole(width));
  if (weights.failed())
    return failure();
  Value input = builder.bufferOf(op.getInput());
  if (steps.perRowOf(input) % count != 0)
    return op.emitOpError() << "pools " << count << " rows, but " << steps.perRowOf(input)
                            << " belong to each row of the call: expects a multiple";
  Value pooled = steps.rowBuffer(width, Element::F32, steps.perRowOf(input) / count);
  PoolStep::create(steps.getBuilder(), op.getLoc(), input, pooled, op.getCountAttr(), op.getFactorAttr(), referTo(bias),
                   referTo(scale), steps.replicated());
  Value normed = steps.norm(pooled, /*weight=*/{}, proj, op.getEpsAttr(), width);
  builder.bufferOf(op.getResult()) = steps.matmul(normed, proj);
  return success();
}

} // namespace gemmac
