// What a layer does before and behind its cache.
#include "passes/plan/FunctionBuilder.h"

#include "dialects/formats/Format.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

LogicalResult plan(QkvOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  int64_t headDim = op.getHeadDim(), padded = paddedHeadDim(headDim), width = widthOf(op.getInput());
  AxisAttr heads = headAxis(op.getContext(), headDim);
  SmallVector<FlatSymbolRefAttr> sources{op.getQAttr()};
  for (FlatSymbolRefAttr source : {op.getKAttr(), op.getVAttr()})
    if (source)
      sources.push_back(source);
  PackedOp norm = weights.vector(op, op.getNormAttr());
  // The factor of the scores costs nothing in the norm's weight, and rotation keeps it: docs/architecture.md.
  PackedOp queryNorm = weights.vector(op, op.getQNormAttr(), heads, op.getQueryScaleAttr());
  PackedOp keyNorm = weights.vector(op, op.getKNormAttr(), heads);
  if (keyNorm)
    builder.keyNorms[op.getCacheAttr()] = keyNorm;
  PackedOp projections = weights.matrix(op, sources, heads, builder.whole(width));
  if (weights.failed() || failed(builder.checkArgument(op, op.getPositions(), 1, "positions")))
    return failure();
  OpBuilder &ops = steps.getBuilder();
  Value input = steps.norm(builder.bufferOf(op.getInput()), norm, projections, op.getEpsAttr(), width);
  Value query = builder.bufferOf(op.getQuery()) = steps.sharedBuffer(op.getHeads() * padded);
  Value raw = steps.privateBuffer(padded);
  Value ropeTable = builder.ropeTable(op.getRope(), op.getHeadDimAttr());
  UnitAttr keysAreValues = op.getKAttr() && !op.getVAttr() ? ops.getUnitAttr() : UnitAttr();
  QkvStep::create(ops, op.getLoc(), input, referTo(projections), ropeTable, query, raw, op.getHeadsAttr(),
                  op.getHeadDimAttr(), referTo(queryNorm), referTo(keyNorm), op.getCacheAttr(), keysAreValues,
                  op.getRawValuesAttr(), op.getEpsAttr());
  return success();
}

LogicalResult plan(AttendOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  int64_t width = widthOf(op.getResidual());
  KvCacheOp cache = weights.cache(op, op.getCacheAttr());
  if (!cache)
    return failure();
  if (!cache.getCapacity())
    return op.emitOpError() << "reads @" << cache.getSymName()
                            << ", which has no capacity; run gemma-plan-caches first";
  PackedOp keyNorm = cache.getTurnedPairs() ? builder.keyNorms.lookup(op.getCacheAttr()) : PackedOp();
  if (cache.getTurnedPairs() && !keyNorm)
    return op.emitOpError() << "reads @" << cache.getSymName()
                            << ", whose keys are made of its values, before a gemma.qkv writes it";
  PackedOp projection =
      weights.matrix(op, op.getOAttr(), builder.whole(width), headAxis(op.getContext(), cache.getHeadDim()));
  PackedOp norm = weights.vector(op, op.getPostNormAttr());
  if (weights.failed() || failed(builder.checkArgument(op, op.getPositions(), 1, "positions")))
    return failure();
  Value residual = builder.bufferOf(op.getResidual());
  Value mixed =
      steps.attention(builder.bufferOf(op.getQuery()), cache, op.getHeads(), keyNorm, op.getBlocksAttr(), projection);
  Value branch = steps.matmul(mixed, projection);
  Value result = builder.bufferOf(op.getResult()) = builder.residualOf(op, op.getResidual());
  steps.addNorm(residual, branch, result, norm, /*layerScale=*/{}, op.getEpsAttr(), width);
  return success();
}

} // namespace gemmac
