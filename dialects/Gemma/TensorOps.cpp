// Level 0: verifiers and folds. c1 of ops whose types match is a trait; bounds of single attributes are attribute
// constraints.
#include "dialects/Gemma/Verify.h"

using namespace mlir;
using namespace gemmac::gemma;
using namespace gemmac::gemma::verify;

static int64_t widthOf(Value rows) { return cast<RankedTensorType>(rows.getType()).getDimSize(1); }

//===--- embed
//------------------------------------------------------------------------------------------------------===//

LogicalResult EmbedOp::verify() {
  if (getSoft() && getSoft().getType() != getResult().getType()) // embed_c4
    return emitOpError() << "expects soft rows of the type of the result, " << getResult().getType() << ", got "
                         << getSoft().getType();
  return checkSameRows(*this, {getIds(), getResult()}, {"ids", "result"}); // embed_c2
}

LogicalResult EmbedOp::verifySymbolUses(SymbolTableCollection &symbols) {
  RankedTensorType table = lookUpWeightType(*this, symbols, getTableAttr(), "table", 2); // embed_c1
  if (!table)
    return failure();
  if (table.getDimSize(1) != widthOf(getResult())) // embed_c1
    return emitOpError() << "expects a table with " << widthOf(getResult()) << " columns (width of the result), got "
                         << table.getDimSize(1);
  return success();
}

SmallVector<MatrixUse> EmbedOp::getMatrixUses() { return {{getTableAttrName(), MatrixRole::Embedding, "embeddings"}}; }

//===--- rms_norm
//---------------------------------------------------------------------------------------------------===//

LogicalResult RmsNormOp::verify() {
  int64_t width = widthOf(getInput()), groups = getGroups();
  if (width % groups != 0) // rms_norm_c2
    return emitOpError() << "expects groups to divide the width " << width << ", got " << groups;
  return success();
}

LogicalResult RmsNormOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t part = widthOf(getInput()) / static_cast<int64_t>(getGroups());
  return checkWeights(*this, symbols, {{getWeightAttr(), "weight", {part}, "width / groups"}}); // rms_norm_c3
}

//===--- linear
//-----------------------------------------------------------------------------------------------------===//

LogicalResult LinearOp::verify() {
  return checkSameRows(*this, {getInput(), getResult()}, {"input", "result"}); // linear_c2
}

LogicalResult LinearOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return checkWeights(
      *this, symbols, // linear_c1
      {{getWeightAttr(), "weight", {widthOf(getResult()), widthOf(getInput())}, "result width, input width"}});
}

//===--- rope
//-------------------------------------------------------------------------------------------------------===//

LogicalResult RopeOp::verify() {
  int64_t width = widthOf(getInput()), heads = getHeads();
  if (width % heads != 0) // rope_c2
    return emitOpError() << "expects heads to divide the width " << width << ", got " << heads;
  if (failed(checkRope(*this, getRope(), width / heads))) // rope_c2
    return failure();
  return checkSameRows(*this, {getInput(), getPositions()}, {"input", "positions"}); // rope_c3
}

//===--- kv_write, attention
//----------------------------------------------------------------------------------------===//

LogicalResult KvWriteOp::verify() {
  return checkSameRows(*this, {getKeys(), getPositions()}, {"keys", "positions"}); // kv_write_c3
}

LogicalResult KvWriteOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto cache = lookUp<KvCacheOp>(*this, symbols, getCacheAttr(), "cache"); // kv_write_c2
  if (!cache)
    return failure();
  int64_t width = cache.getHeads() * cache.getHeadDim();
  if (widthOf(getKeys()) != width) // kv_write_c2
    return emitOpError() << "expects keys of width " << width << " (" << cache.getHeads() << " heads of "
                         << cache.getHeadDim() << " in @" << cache.getSymName() << "), got " << widthOf(getKeys());
  return success();
}

LogicalResult AttentionOp::verify() {
  return checkSameRows(*this, {getQuery(), getPositions()}, {"query", "positions"}); // attention_c3
}

LogicalResult AttentionOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto cache = lookUp<KvCacheOp>(*this, symbols, getCacheAttr(), "cache"); // attention_c2
  if (!cache)
    return failure();
  if (failed(checkBlocks(*this, cache, getBlocks()))) // attention_c4
    return failure();
  return checkQueryHeads(*this, cache, getHeads(), widthOf(getQuery())); // attention_c2
}

//===--- scale, layer_scale, slice
//----------------------------------------------------------------------------------===//

OpFoldResult ScaleOp::fold(FoldAdaptor) { return getFactor().isExactlyValue(1.0) ? getInput() : OpFoldResult(); }

LogicalResult LayerScaleOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return checkWeights(*this, symbols, {{getWeightAttr(), "weight", {1}, "one scalar"}}); // layer_scale_c2
}

LogicalResult SliceOp::verify() {
  int64_t width = widthOf(getInput()), columns = widthOf(getResult()), offset = getOffset();
  if (offset > width || columns > width - offset) // slice_c1
    return emitOpError() << "expects columns inside the input's " << width << ", got " << offset << " .. " << offset
                         << " + " << columns;
  return checkSameRows(*this, {getInput(), getResult()}, {"input", "result"}); // slice_c1
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  return getInput().getType() == getResult().getType() ? getInput() : OpFoldResult();
}

//===--- router, experts
//--------------------------------------------------------------------------------------------===//

LogicalResult RouterOp::verify() {
  int64_t topK = getTopK();
  if (widthOf(getWeights()) != topK || widthOf(getPicks()) != topK) // router_c2
    return emitOpError() << "expects results of width " << topK << " (top_k), got " << widthOf(getWeights()) << " and "
                         << widthOf(getPicks());
  return checkSameRows(*this, {getInput(), getWeights(), getPicks()}, {"input", "weights", "picks"}); // router_c2
}

LogicalResult RouterOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getInput()), topK = getTopK();
  RankedTensorType proj = lookUpWeightType(*this, symbols, getProjAttr(), "proj", 2); // router_c1
  if (!proj)
    return failure();
  int64_t experts = proj.getDimSize(0);
  if (failed(checkWeights(*this, symbols, // router_c1
                          {{getProjAttr(), "proj", {experts, width}, "experts, input width"},
                           {getScaleAttr(), "scale", {width}, "input width"},
                           {getPerExpertScaleAttr(), "per_expert_scale", {experts}, "experts, the rows of proj"}})))
    return failure();
  if (topK > experts) // router_c2
    return emitOpError() << "expects top_k of at most " << experts << " (the experts of proj), got " << topK;
  return success();
}

LogicalResult ExpertsOp::verify() {
  if (widthOf(getWeights()) != widthOf(getPicks())) // experts_c3
    return emitOpError() << "expects weights and picks of one width, got " << widthOf(getWeights()) << " and "
                         << widthOf(getPicks());
  return checkSameRows(*this, {getInput(), getWeights(), getPicks()}, {"input", "weights", "picks"}); // experts_c3
}

LogicalResult ExpertsOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getInput());
  RankedTensorType down = lookUpWeightType(*this, symbols, getDownAttr(), "down", 3); // experts_c2
  if (!down)
    return failure();
  int64_t experts = down.getDimSize(0), inner = down.getDimSize(2);
  return checkWeights(*this, symbols, // experts_c2
                      {{getDownAttr(), "down", {experts, width, inner}, "experts, input width, F"},
                       {getGateUpAttr(), "gate_up", {experts, 2 * inner, width}, "experts of down, 2 F, input width"}});
}
