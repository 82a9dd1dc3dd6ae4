// Steps of each fused op but the mixture of experts (FunctionBuilderMoe.cpp).
#include "passes/plan/FunctionBuilder.h"

#include "dialects/formats/Format.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

LogicalResult FunctionBuilder::build() {
  if (!llvm::hasSingleElement(source.getBody()))
    return source.emitError("function '@") << source.getName() << "' is not one block of straight code";
  emitRopeTables();
  for (Operation &op : source.getBody().front()) {
    steps.setLocation(op.getLoc());
    if (failed(emit(&op)))
      return failure();
  }
  return success();
}

/// One table per distinct rotation, at the start: all layers of a type read the same.
void FunctionBuilder::emitRopeTables() {
  for (auto qkv : source.getBody().front().getOps<QkvOp>()) {
    Value &table = ropeTables[{qkv.getRope(), static_cast<int64_t>(qkv.getHeadDim())}];
    if (table)
      continue;
    steps.setLocation(qkv.getLoc());
    table = steps.rowBuffer(paddedHeadDim(qkv.getHeadDim()));
    RopeTableStep::create(steps.getBuilder(), steps.getLocation(), table, qkv.getHeadDimAttr(), qkv.getRope(),
                          steps.replicated());
  }
}

/// Ids or positions, which have no buffer.
static bool isInputOfCall(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return isa<BlockArgument>(value) && type && type.getElementType().isInteger(32);
}

LogicalResult FunctionBuilder::emit(Operation *op) {
  for (auto [index, value] : llvm::enumerate(op->getOperands()))
    if (!isInputOfCall(value) && !buffers.contains(value))
      return op->emitOpError() << "operand " << index << " is made by no step of function '@" << source.getName()
                               << "'";
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<EmbedOp, PleInputOp, QkvOp, AttendOp, FfnOp, MoeOp, PleMixOp, HeadOp, func::ReturnOp>(
          [&](auto fused) { return emit(fused); })
      .Default([](Operation *other) {
        return other->emitOpError("is not an op that functions are made of; run the gemma-fuse passes first");
      });
}

LogicalResult FunctionBuilder::checkArgument(Operation *op, Value value, unsigned index, StringRef what) {
  if (index < source.getNumArguments() && value == source.getArgument(index))
    return success();
  return op->emitOpError() << what << " must be argument " << index << " of '@" << source.getName()
                           << "': steps read those of the call";
}

Value FunctionBuilder::residualOf(Operation *op, Value stream) {
  bool readLater = llvm::any_of(stream.getUsers(), [&](Operation *user) { return op->isBeforeInBlock(user); });
  return readLater ? steps.rowBuffer(widthOf(stream)) : buffers.lookup(stream);
}

LogicalResult FunctionBuilder::emit(EmbedOp op) {
  int64_t width = widthOf(op.getResult());
  bool tied = headTables.contains(op.getTableAttr().getAttr());
  WeightOp stored = weights.weight(op, op.getTableAttr());
  if (!stored)
    return failure();
  int64_t vocab = cast<RankedTensorType>(stored.getType()).getDimSize(0);
  PackedOp table = tied ? weights.matrix(op, op.getTableAttr(), whole(vocab), whole(width))
                        : weights.rowTable(op, op.getTableAttr(), whole(width));
  if (weights.failed() || failed(checkArgument(op, op.getIds(), 0, "ids")))
    return failure();
  Value result = buffers[op.getResult()] = steps.rowBuffer(width, Element::F32, 1, "x");
  EmbedStep::create(steps.getBuilder(), op.getLoc(), result, referTo(table), op.getScaleAttr(), steps.replicated());
  return success();
}

LogicalResult FunctionBuilder::emit(PleInputOp op) {
  int64_t groups = op.getGroups(), width = widthOf(op.getResult()) / groups;
  PackedOp proj = weights.matrix(op, op.getProjAttr(), whole(width), whole(widthOf(op.getInput())));
  PackedOp table = weights.rowTable(op, op.getTableAttr(), whole(width));
  PackedOp norm = weights.vector(op, op.getNormAttr());
  if (weights.failed() || failed(checkArgument(op, op.getIds(), 0, "ids")))
    return failure();
  Value context = steps.matmul(steps.operand(buffers.lookup(op.getInput()), proj), proj);
  Value result = buffers[op.getResult()] =
      steps.rowBuffer(groups * roundUp(width, groupColumns), Element::F32, 1, "ple");
  OpBuilder &builder = steps.getBuilder();
  PleCombineStep::create(builder, op.getLoc(), context, result, referTo(table), referTo(norm), op.getGroupsAttr(),
                         builder.getI64IntegerAttr(width), op.getTokenScaleAttr(), op.getContextScaleAttr(),
                         op.getResultScaleAttr(), op.getEpsAttr(), steps.replicated());
  return success();
}

LogicalResult FunctionBuilder::emit(QkvOp op) {
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
    keyNorms[op.getCacheAttr()] = keyNorm;
  PackedOp projections = weights.matrix(op, sources, heads, whole(width));
  if (weights.failed() || failed(checkArgument(op, op.getPositions(), 1, "positions")))
    return failure();
  OpBuilder &builder = steps.getBuilder();
  Value input = steps.norm(buffers.lookup(op.getInput()), norm, projections, op.getEpsAttr(), width);
  Value query = buffers[op.getQuery()] = steps.sharedBuffer(op.getHeads() * padded);
  Value raw = steps.privateBuffer(padded);
  Value ropeTable = ropeTables.at({op.getRope(), headDim});
  UnitAttr keysAreValues = op.getKAttr() && !op.getVAttr() ? builder.getUnitAttr() : UnitAttr();
  QkvStep::create(builder, op.getLoc(), input, referTo(projections), ropeTable, query, raw, op.getHeadsAttr(),
                  op.getHeadDimAttr(), referTo(queryNorm), referTo(keyNorm), op.getCacheAttr(), keysAreValues,
                  op.getRawValuesAttr(), op.getEpsAttr());
  return success();
}

LogicalResult FunctionBuilder::emit(AttendOp op) {
  int64_t width = widthOf(op.getResidual());
  KvCacheOp cache = weights.cache(op, op.getCacheAttr());
  if (!cache)
    return failure();
  if (!cache.getCapacity())
    return op.emitOpError() << "reads @" << cache.getSymName()
                            << ", which has no capacity; run gemma-plan-caches first";
  PackedOp keyNorm = cache.getTurnedPairs() ? keyNorms.lookup(op.getCacheAttr()) : PackedOp();
  if (cache.getTurnedPairs() && !keyNorm)
    return op.emitOpError() << "reads @" << cache.getSymName()
                            << ", whose keys are made of its values, before a gemma.qkv writes it";
  PackedOp projection = weights.matrix(op, op.getOAttr(), whole(width), headAxis(op.getContext(), cache.getHeadDim()));
  PackedOp norm = weights.vector(op, op.getPostNormAttr());
  if (weights.failed() || failed(checkArgument(op, op.getPositions(), 1, "positions")))
    return failure();
  Value residual = buffers.lookup(op.getResidual());
  Value mixed = steps.attention(buffers.lookup(op.getQuery()), cache, op.getHeads(), keyNorm, projection);
  Value branch = steps.matmul(mixed, projection);
  Value result = buffers[op.getResult()] = residualOf(op, op.getResidual());
  steps.addNorm(residual, branch, result, norm, /*layerScale=*/{}, op.getEpsAttr(), width);
  return success();
}

LogicalResult FunctionBuilder::emit(FfnOp op) {
  int64_t width = widthOf(op.getInput());
  WeightOp stored = weights.weight(op, op.getGateAttr());
  if (!stored)
    return failure();
  int64_t inner = cast<RankedTensorType>(stored.getType()).getDimSize(0);
  PackedOp preNorm = weights.vector(op, op.getPreNormAttr());
  PackedOp gateUp =
      weights.matrix(op, {op.getGateAttr(), op.getUpAttr()}, whole(inner), whole(width), /*interleave=*/true);
  PackedOp down = weights.matrix(op, op.getDownAttr(), whole(width), whole(inner));
  PackedOp postNorm = weights.vector(op, op.getPostNormAttr());
  PackedOp layerScale = weights.vector(op, op.getLayerScaleAttr());
  if (weights.failed())
    return failure();
  Value input = buffers.lookup(op.getInput());
  Value hidden = steps.matmul(steps.norm(input, preNorm, gateUp, op.getEpsAttr(), width), gateUp);
  Value branch = steps.matmul(steps.operand(hidden, down), down);
  Value result = buffers[op.getResult()] = residualOf(op, op.getInput());
  steps.addNorm(input, branch, result, postNorm, layerScale, op.getEpsAttr(), width);
  return success();
}

LogicalResult FunctionBuilder::emit(PleMixOp op) {
  int64_t width = widthOf(op.getInput());
  WeightOp stored = weights.weight(op, op.getGateAttr());
  if (!stored)
    return failure();
  int64_t slice = cast<RankedTensorType>(stored.getType()).getDimSize(0);
  PackedOp gate = weights.matrix(op, op.getGateAttr(), whole(slice), whole(width));
  PackedOp proj = weights.matrix(op, op.getProjAttr(), whole(width), whole(slice));
  PackedOp postNorm = weights.vector(op, op.getPostNormAttr());
  PackedOp layerScale = weights.vector(op, op.getLayerScaleAttr());
  if (weights.failed())
    return failure();
  Value input = buffers.lookup(op.getInput());
  int64_t offset = op.getOffset() / slice * roundUp(slice, groupColumns);
  Value gated = steps.geluMul(steps.operand(input, gate), gate, buffers.lookup(op.getPle()), offset);
  Value branch = steps.matmul(steps.operand(gated, proj), proj);
  Value result = buffers[op.getResult()] = residualOf(op, op.getInput());
  steps.addNorm(input, branch, result, postNorm, layerScale, op.getEpsAttr(), width);
  return success();
}

LogicalResult FunctionBuilder::emit(HeadOp op) {
  int64_t width = widthOf(op.getInput());
  PackedOp norm = weights.vector(op, op.getNormAttr());
  PackedOp table = weights.matrix(op, op.getTableAttr(), whole(widthOf(op.getLogits())), whole(width));
  if (weights.failed())
    return failure();
  OpBuilder &builder = steps.getBuilder();
  Value input = steps.norm(buffers.lookup(op.getInput()), norm, table, op.getEpsAttr(), width);
  Value logits = buffers[op.getLogits()] = steps.sharedBuffer(table.getRows());
  auto epilogue = EpilogueAttr::get(op.getContext(), op.getSoftcapAttr() ? Epilogue::Softcap : Epilogue::None);
  MatmulStep::create(builder, op.getLoc(), input, referTo(table), logits, /*factor=*/Value(), epilogue,
                     builder.getI64IntegerAttr(0), op.getSoftcapAttr());
  return success();
}

LogicalResult FunctionBuilder::emit(func::ReturnOp op) {
  for (Value value : op.getOperands())
    if (op.getNumOperands() != 1 || !value.getDefiningOp<HeadOp>())
      return op.emitOpError("of function '@")
             << source.getName() << "' returns other than the logits of one gemma.head";
  for (Value logits : op.getOperands())
    OutputOp::create(steps.getBuilder(), op.getLoc(), "logits", buffers.lookup(logits));
  return success();
}

} // namespace gemmac
