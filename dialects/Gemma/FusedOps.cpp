// Level 1: verifiers, which repeat those of the level-0 ops that each fused op stands for, and what their matrices are.
#include "dialects/Gemma/Verify.h"

using namespace mlir;
using namespace gemmac::gemma;
using namespace gemmac::gemma::verify;

static int64_t widthOf(Value rows) { return cast<RankedTensorType>(rows.getType()).getDimSize(1); }

//===--- qkv
//--------------------------------------------------------------------------------------------------------===//

LogicalResult QkvOp::verify() {
  bool k = getKAttr() != nullptr, kNorm = getKNormAttr() != nullptr, cache = getCacheAttr() != nullptr;
  if (k != kNorm || k != cache) // qkv_c1
    return emitOpError() << "expects k, k_norm and cache together or not at all";
  if (getVAttr() && !k) // qkv_c1
    return emitOpError() << "expects v only with k";
  if (getRawValues() && !cache) // qkv_c8
    return emitOpError() << "expects raw_values only with a cache";
  int64_t heads = getHeads(), headDim = getHeadDim();
  if (heads * headDim != widthOf(getQuery())) // qkv_c3
    return emitOpError() << "expects a query of width " << heads * headDim << " (heads x head_dim), got "
                         << widthOf(getQuery());
  if (failed(checkRope(*this, getRope(), headDim))) // qkv_c4
    return failure();
  return checkSameRows(*this, {getInput(), getPositions(), getQuery()}, {"input", "positions", "query"}); // qkv_c5
}

LogicalResult QkvOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getInput()), headDim = getHeadDim();
  int64_t cacheWidth = 0;
  if (getCacheAttr()) {
    auto cache = lookUp<KvCacheOp>(*this, symbols, getCacheAttr(), "cache"); // qkv_c1
    if (!cache)
      return failure();
    if (static_cast<int64_t>(cache.getHeadDim()) != headDim) // qkv_c3
      return emitOpError() << "expects head_dim " << cache.getHeadDim() << ", that of @" << cache.getSymName()
                           << ", got " << headDim;
    if (getHeads() % cache.getHeads() != 0) // qkv_c3
      return emitOpError() << "expects heads to be a multiple of the " << cache.getHeads() << " heads of @"
                           << cache.getSymName() << ", got " << getHeads();
    cacheWidth = cache.getHeads() * headDim;
  }
  return checkWeights(*this, symbols, // qkv_c2
                      {{getNormAttr(), "norm", {width}, "input width"},
                       {getQAttr(), "q", {widthOf(getQuery()), width}, "heads x head_dim, input width"},
                       {getKAttr(), "k", {cacheWidth, width}, "cache heads x head_dim, input width"},
                       {getVAttr(), "v", {cacheWidth, width}, "cache heads x head_dim, input width"},
                       {getQNormAttr(), "q_norm", {headDim}, "head_dim"},
                       {getKNormAttr(), "k_norm", {headDim}, "head_dim"}});
}

void QkvOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  if (getCacheAttr())
    effects.emplace_back(MemoryEffects::Write::get());
}

SmallVector<MatrixUse> QkvOp::getMatrixUses() {
  return {{getQAttrName(), MatrixRole::Ordinary, "attention in"},
          {getKAttrName(), MatrixRole::Ordinary, "attention in"},
          {getVAttrName(), MatrixRole::Ordinary, "attention in"}};
}

//===--- attend
//-----------------------------------------------------------------------------------------------------===//

LogicalResult AttendOp::verify() {
  return checkSameRows(*this, {getQuery(), getResidual(), getPositions()},
                       {"query", "residual", "positions"}); // attend_c4
}

LogicalResult AttendOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getResidual()), queryWidth = widthOf(getQuery());
  auto cache = lookUp<KvCacheOp>(*this, symbols, getCacheAttr(), "cache"); // attend_c2
  if (!cache || failed(checkQueryHeads(*this, cache, getHeads(), queryWidth)) ||
      failed(checkBlocks(*this, cache, getBlocks()))) // attend_c6
    return failure();
  return checkWeights(*this, symbols, // attend_c3
                      {{getOAttr(), "o", {width, queryWidth}, "residual width, query width"},
                       {getPostNormAttr(), "post_norm", {width}, "residual width"}});
}

SmallVector<MatrixUse> AttendOp::getMatrixUses() { return {{getOAttrName(), MatrixRole::Ordinary, "attention out"}}; }

//===--- ffn, moe
//---------------------------------------------------------------------------------------------------===//

LogicalResult FfnOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getInput());
  RankedTensorType down = lookUpWeightType(*this, symbols, getDownAttr(), "down", 2); // ffn_c2
  if (!down)
    return failure();
  int64_t inner = down.getDimSize(1);
  return checkWeights(*this, symbols, // ffn_c2
                      {{getPreNormAttr(), "pre_norm", {width}, "input width"},
                       {getDownAttr(), "down", {width, inner}, "input width, F"},
                       {getGateAttr(), "gate", {inner, width}, "columns of down, input width"},
                       {getUpAttr(), "up", {inner, width}, "columns of down, input width"},
                       {getPostNormAttr(), "post_norm", {width}, "input width"},
                       {getLayerScaleAttr(), "layer_scale", {1}, "one scalar"}});
}

SmallVector<MatrixUse> FfnOp::getMatrixUses() {
  return {{getGateAttrName(), MatrixRole::Ordinary, "MLP in"},
          {getUpAttrName(), MatrixRole::Ordinary, "MLP in"},
          {getDownAttrName(), MatrixRole::Ordinary, "MLP out"}};
}

LogicalResult MoeOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getInput()), topK = getTopK();
  RankedTensorType down = lookUpWeightType(*this, symbols, getDownAttr(), "down", 2);                       // moe_c2
  RankedTensorType expertsDown = lookUpWeightType(*this, symbols, getExpertsDownAttr(), "experts_down", 3); // moe_c2
  if (!down || !expertsDown)
    return failure();
  int64_t inner = down.getDimSize(1), experts = expertsDown.getDimSize(0), expertInner = expertsDown.getDimSize(2);
  if (topK > experts) // moe_c3
    return emitOpError() << "expects top_k of at most " << experts << " (the experts of experts_down), got " << topK;
  return checkWeights(
      *this, symbols, // moe_c2
      {{getPreNormAttr(), "pre_norm", {width}, "input width"},
       {getDownAttr(), "down", {width, inner}, "input width, F"},
       {getGateAttr(), "gate", {inner, width}, "columns of down, input width"},
       {getUpAttr(), "up", {inner, width}, "columns of down, input width"},
       {getPostNorm_1Attr(), "post_norm_1", {width}, "input width"},
       {getRouterProjAttr(), "router_proj", {experts, width}, "experts of experts_down, input width"},
       {getRouterScaleAttr(), "router_scale", {width}, "input width"},
       {getPerExpertScaleAttr(), "per_expert_scale", {experts}, "experts of experts_down"},
       {getPreNorm_2Attr(), "pre_norm_2", {width}, "input width"},
       {getExpertsDownAttr(), "experts_down", {experts, width, expertInner}, "experts, input width, expert F"},
       {getGateUpAttr(),
        "gate_up",
        {experts, 2 * expertInner, width},
        "experts of experts_down, 2 expert F, input width"},
       {getPostNorm_2Attr(), "post_norm_2", {width}, "input width"},
       {getPostNormAttr(), "post_norm", {width}, "input width"},
       {getLayerScaleAttr(), "layer_scale", {1}, "one scalar"}});
}

SmallVector<MatrixUse> MoeOp::getMatrixUses() {
  return {{getGateAttrName(), MatrixRole::Ordinary, "MLP in"},
          {getUpAttrName(), MatrixRole::Ordinary, "MLP in"},
          {getDownAttrName(), MatrixRole::Ordinary, "MLP out"},
          {getGateUpAttrName(), MatrixRole::Ordinary, "experts in"},
          {getExpertsDownAttrName(), MatrixRole::Ordinary, "experts out"},
          {getRouterProjAttrName(), MatrixRole::Router, "router"}};
}

//===--- per-layer embeddings
//---------------------------------------------------------------------------------------===//

LogicalResult PleInputOp::verify() {
  int64_t width = widthOf(getResult()), groups = getGroups();
  if (width % groups != 0) // ple_input_c1
    return emitOpError() << "expects groups to divide the result's width " << width << ", got " << groups;
  return checkSameRows(*this, {getIds(), getInput(), getResult()}, {"ids", "input", "result"}); // ple_input_c2
}

LogicalResult PleInputOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getResult()), part = width / static_cast<int64_t>(getGroups());
  RankedTensorType table = lookUpWeightType(*this, symbols, getTableAttr(), "table", 2); // ple_input_c1
  if (!table)
    return failure();
  return checkWeights(*this, symbols, // ple_input_c1
                      {{getTableAttr(), "table", {table.getDimSize(0), width}, "vocabulary, result width"},
                       {getProjAttr(), "proj", {width, widthOf(getInput())}, "result width, input width"},
                       {getNormAttr(), "norm", {part}, "result width / groups"}});
}

SmallVector<MatrixUse> PleInputOp::getMatrixUses() {
  return {{getTableAttrName(), MatrixRole::PerLayerTable, "per-layer table"},
          {getProjAttrName(), MatrixRole::PleProjection, "per-layer"}};
}

LogicalResult PleMixOp::verify() {
  return checkSameRows(*this, {getInput(), getPle()}, {"input", "ple"}); // ple_mix_c3
}

LogicalResult PleMixOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getInput()), pleWidth = widthOf(getPle()), offset = getOffset();
  RankedTensorType gate = lookUpWeightType(*this, symbols, getGateAttr(), "gate", 2); // ple_mix_c2
  if (!gate)
    return failure();
  int64_t part = gate.getDimSize(0);
  if (offset % part != 0 || offset > pleWidth - part) // ple_mix_c2
    return emitOpError() << "expects an offset that is a multiple of " << part << " (rows of gate) and at most "
                         << pleWidth - part << ", got " << offset;
  return checkWeights(*this, symbols, // ple_mix_c2
                      {{getGateAttr(), "gate", {part, width}, "P, input width"},
                       {getProjAttr(), "proj", {width, part}, "input width, rows of gate"},
                       {getPostNormAttr(), "post_norm", {width}, "input width"},
                       {getLayerScaleAttr(), "layer_scale", {1}, "one scalar"}});
}

SmallVector<MatrixUse> PleMixOp::getMatrixUses() {
  return {{getGateAttrName(), MatrixRole::PleProjection, "per-layer"},
          {getProjAttrName(), MatrixRole::PleProjection, "per-layer"}};
}

//===--- head
//-------------------------------------------------------------------------------------------------------===//

LogicalResult HeadOp::verify() {
  return checkSameRows(*this, {getInput(), getLogits()}, {"input", "logits"}); // head_c3
}

LogicalResult HeadOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getInput());
  return checkWeights(*this, symbols, // head_c1
                      {{getNormAttr(), "norm", {width}, "input width"},
                       {getTableAttr(), "table", {widthOf(getLogits()), width}, "logits width, input width"}});
}

SmallVector<MatrixUse> HeadOp::getMatrixUses() { return {{getTableAttrName(), MatrixRole::Embedding, "embeddings"}}; }
