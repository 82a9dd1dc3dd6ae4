// Level 2: what each step reads and writes, and its verifier. The function's own rules are in Function.cpp.
#include "dialects/Gemma/StepCheck.h"
#include "dialects/formats/CacheLayout.h"

using namespace mlir;
using namespace gemmac;
using namespace gemmac::gemma;
using namespace gemmac::gemma::verify;

static int64_t paddedTopK(int64_t topK) { return roundUp(topK, groupColumns); }

//===--- buffer
//-----------------------------------------------------------------------------------------------------===//

LogicalResult BufferOp::verify() {
  std::optional<int64_t> offset = getOffset();
  if (offset && (*offset < 0 || *offset % bufferAlign != 0)) // buffer_c1
    return emitOpError() << "expects an offset that is a multiple of " << bufferAlign << ", got " << *offset;
  auto maxRows = (*this)->getParentOfType<FunctionOp>().getMaxRows();
  if (getBlock() && *getBlock() > maxRows) // buffer_c2
    return emitOpError() << "expects a block of at most " << maxRows << " rows (max_rows of the function), got "
                         << *getBlock();
  if (getRing() && (*getRing() < 4 || getScope() != Scope::Private || getBlock())) // buffer_c3
    return emitOpError("expects a ring of at least 4 rows, private and without a block");
  return success();
}

int64_t BufferOp::getRowsPerRow() {
  return getResult().getType().getRows() / static_cast<int64_t>((*this)->getParentOfType<FunctionOp>().getMaxRows());
}

int64_t BufferOp::getStorageBytes() {
  BufferType type = getResult().getType();
  if (getRing())
    return static_cast<int64_t>(*getRing()) * type.getRowBytes();
  return getBlock() ? static_cast<int64_t>(*getBlock()) * getRowsPerRow() * type.getRowBytes() : type.getBytes();
}

LogicalResult MarkOp::verify() {
  Operation *before = getOperation()->getPrevNode();
  if (!before || !isa<BarrierOp, StepInterface>(before)) // mark_c1
    return emitOpError() << "expects to follow a step or a gemma.barrier directly";
  if (getWhat().empty()) // mark_c2
    return emitOpError() << "expects a name of what was done, got an empty one";
  return success();
}

//===--- embed
//------------------------------------------------------------------------------------------------------===//

Values EmbedStep::getReads() { return getSoft() ? Values{getSoft()} : Values{}; }
Values EmbedStep::getWrites() { return {getResult()}; }
Weights EmbedStep::getWeightUses() { return {{getTableAttr(), WeightRole::Lookup}}; }

LogicalResult EmbedStep::verify() {
  if (getSoft() && getSoft().getType() != getResult().getType()) // step_embed_c2
    return emitOpError() << "expects soft rows of the type of the result, " << getResult().getType() << ", got "
                         << getSoft().getType();
  return StepCheck(*this).element(getResult(), "result", Element::F32); // step_embed_c1
}

LogicalResult EmbedStep::verifySymbolUses(SymbolTableCollection &symbols) {
  auto table = lookUp<PackedOp>(*this, symbols, getTableAttr(), "table"); // step_embed_c1
  if (!table)
    return failure();
  if (table.getLayout() == Layout::Vector || table.getBatch() != 1 || table.getInterleave()) // step_embed_c1
    return emitOpError() << "expects a table packed by row or in panels, batch 1, not interleaved, got "
                         << getTableAttr() << " in layout " << nameOf(table.getLayout()) << ", batch "
                         << table.getBatch() << (table.getInterleave() ? ", interleaved" : "");
  if (static_cast<int64_t>(table.getCols()) != widthOf(getResult())) // step_embed_c1
    return emitOpError() << "expects a table of " << widthOf(getResult()) << " cols (width of the result), got "
                         << table.getCols();
  return success();
}

//===--- rope_table
//-------------------------------------------------------------------------------------------------===//

Values RopeTableStep::getReads() { return {}; }
Values RopeTableStep::getWrites() { return {getResult()}; }

LogicalResult RopeTableStep::verify() {
  int64_t headDim = getHeadDim();
  if (failed(verify::checkRope(*this, getRope(), headDim))) // step_rope_table_c2
    return failure();
  return StepCheck(*this).buffer(getResult(), "result", rowCount(getResult()), paddedHeadDim(headDim),
                                 Element::F32); // step_rope_table_c1
}

//===--- norm, add_norm, quantize
//-----------------------------------------------------------------------------------===//

Values NormStep::getReads() { return {getInput()}; }
Values NormStep::getWrites() { return {getResult()}; }
Weights NormStep::getWeightUses() { return vectors({getWeightAttr()}); }

LogicalResult NormStep::verify() {
  StepCheck check(*this);
  if (failed(check.element(getInput(), "input", Element::F32)) || // step_norm_c1, step_norm_c4
      failed(check.rowResult(getResult(), rowCount(getInput()), widthOf(getInput()), getStaticScaleAttr())))
    return failure();
  return check.atMost("count", getCount(), widthOf(getInput()), "the width"); // step_norm_c2
}

LogicalResult NormStep::verifySymbolUses(SymbolTableCollection &symbols) {
  return StepCheck(*this, &symbols).vector(getWeightAttr(), "weight", widthOf(getInput())); // step_norm_c1
}

Values AddNormStep::getReads() { return {getInput(), getBranch()}; }
Values AddNormStep::getWrites() { return {getResult()}; }
Weights AddNormStep::getWeightUses() { return vectors({getWeightAttr(), getLayerScaleAttr()}); }

LogicalResult AddNormStep::verify() {
  StepCheck check(*this);
  int64_t rows = rowCount(getInput()), width = widthOf(getInput());
  if (failed(check.element(getInput(), "input", Element::F32)) || // step_add_norm_c1
      failed(check.buffer(getBranch(), "branch", rows, width, Element::F32)) ||
      failed(check.buffer(getResult(), "result", rows, width, Element::F32)))
    return failure();
  return check.atMost("count", getCount(), width, "the width"); // step_add_norm_c2
}

LogicalResult AddNormStep::verifySymbolUses(SymbolTableCollection &symbols) {
  StepCheck check(*this, &symbols);
  if (failed(check.vector(getWeightAttr(), "weight", widthOf(getInput()))) || // step_add_norm_c1
      failed(check.vector(getLayerScaleAttr(), "layer_scale", groupColumns)))
    return failure();
  if (!getLayerScaleAttr())
    return success();
  // The packed vector's source is a weight: gemma.packed verifies that.
  auto packed = lookUp<PackedOp>(*this, symbols, getLayerScaleAttr(), "layer_scale");
  auto source = symbols.lookupNearestSymbolFrom<WeightOp>(packed, cast<FlatSymbolRefAttr>(packed.getSources()[0]));
  if (source && cast<RankedTensorType>(source.getType()).getNumElements() != 1) // step_add_norm_c1
    return emitOpError() << "expects layer_scale to hold one element, got " << source.getType();
  return success();
}

Values QuantizeStep::getReads() { return {getInput()}; }
Values QuantizeStep::getWrites() { return {getResult()}; }

LogicalResult QuantizeStep::verify() {
  StepCheck check(*this);
  if (failed(check.element(getInput(), "input", Element::F32))) // step_quantize_c1
    return failure();
  if (!getStaticScaleAttr() && !getWithinAttr() && !getResult().getType().isQuantized()) // step_quantize_c1
    return check.buffer(getResult(), "result", rowCount(getInput()), widthOf(getInput()), Element::Q8);
  return check.rowResult(getResult(), rowCount(getInput()), widthOf(getInput()),
                         getStaticScaleAttr()); // step_quantize_c3
}

//===--- matmul
//-----------------------------------------------------------------------------------------------------===//

Values MatmulStep::getReads() {
  Values reads{getInput()};
  if (getFactor())
    reads.push_back(getFactor());
  return reads;
}
Values MatmulStep::getWrites() { return {getResult()}; }
bool MatmulStep::isRowWise() { return true; }
Weights MatmulStep::getWeightUses() { return {{getWeightAttr(), WeightRole::Product, getInput()}}; }

LogicalResult MatmulStep::verify() {
  StepCheck check(*this);
  if (failed(check.buffer(getResult(), "result", rowCount(getInput()), widthOf(getResult()),
                          Element::F32))) // step_matmul_c1
    return failure();
  if ((getEpilogue() == Epilogue::GeluMul) != (getFactor() != nullptr)) // step_matmul_c2
    return emitOpError() << "expects a factor if and only if the epilogue is gelu_mul";
  if ((getEpilogue() == Epilogue::Softcap) != getCap().has_value()) // step_matmul_c2
    return emitOpError() << "expects a cap if and only if the epilogue is softcap";
  if (!getFactor())
    return success();
  if (failed(check.buffer(getFactor(), "factor", rowCount(getInput()), widthOf(getFactor()),
                          Element::F32))) // step_matmul_c2
    return failure();
  int64_t limit = widthOf(getFactor()) - widthOf(getResult());
  if (limit < 0) // step_matmul_c2
    return emitOpError() << "expects a factor at least as wide as the result, " << widthOf(getResult()) << ", got "
                         << widthOf(getFactor());
  return check.atMost("factor_offset", getFactorOffset(), limit,
                      "width of the factor less that of the result"); // step_matmul_c2
}

LogicalResult MatmulStep::verifySymbolUses(SymbolTableCollection &symbols) {
  StepCheck check(*this, &symbols);
  bool geglu = getEpilogue() == Epilogue::GeGlu;
  PackedOp weight =
      check.singleMatrix(getWeightAttr(), "weight", widthOf(getInput()), geglu); // step_matmul_c1, step_matmul_c2
  if (!weight || failed(check.activations(getInput(), weight)))                  // step_matmul_c1, step_matmul_c3
    return failure();
  int64_t width = static_cast<int64_t>(weight.getRows()) / (geglu ? 2 : 1);
  return check.buffer(getResult(), "result", rowCount(getInput()), width, Element::F32); // step_matmul_c1
}

//===--- qkv, attention
//---------------------------------------------------------------------------------------------===//

Values QkvStep::getReads() { return {getInput(), getRopeTable()}; }
Values QkvStep::getWrites() { return {getQuery(), getRaw()}; }
Value QkvStep::getOwnBuffer() { return getRaw(); }
bool QkvStep::isRowWise() { return true; }
Weights QkvStep::getWeightUses() {
  return with({getWeightAttr(), WeightRole::Product, getInput()}, vectors({getQNormAttr(), getKNormAttr()}));
}
std::optional<CacheUse> QkvStep::getCacheUse() {
  return getCacheAttr() ? std::optional(CacheUse{getCacheAttr(), CacheAccess::Write}) : std::nullopt;
}

LogicalResult QkvStep::verify() {
  StepCheck check(*this);
  int64_t heads = getHeads(), d = paddedHeadDim(getHeadDim()), rows = rowCount(getInput());
  if (failed(check.buffer(getQuery(), "query", rows, heads * d, Element::F32)) || // step_qkv_c2
      failed(check.buffer(getRaw(), "raw", rows, d, Element::F32)) ||
      failed(check.buffer(getRopeTable(), "rope_table", rows, d, Element::F32)))
    return failure();
  auto raw = getRaw().getDefiningOp<BufferOp>();
  if (raw && raw.getScope() != Scope::Private) // step_qkv_c2
    return emitOpError() << "expects raw to be private, got a shared buffer";
  if ((getKNormAttr() != nullptr) != (getCacheAttr() != nullptr)) // step_qkv_c3
    return emitOpError() << "expects k_norm and cache together or not at all";
  if (getKeysAreValues() && !getCacheAttr()) // step_qkv_c3
    return emitOpError() << "expects keys_are_values only with a cache";
  if (getRawValues() && !getCacheAttr()) // step_qkv_c3
    return emitOpError() << "expects raw_values only with a cache";
  return success();
}

LogicalResult QkvStep::verifySymbolUses(SymbolTableCollection &symbols) {
  StepCheck check(*this, &symbols);
  int64_t d = paddedHeadDim(getHeadDim()), parts = getHeads();
  if (getCacheAttr()) {
    auto cache = lookUp<KvCacheOp>(*this, symbols, getCacheAttr(), "cache"); // step_qkv_c3
    if (!cache)
      return failure();
    if (cache.getHeadDim() != getHeadDim()) // step_qkv_c3
      return emitOpError() << "expects head_dim " << cache.getHeadDim() << ", that of @" << cache.getSymName()
                           << ", got " << getHeadDim();
    if (cache.getTurnedPairs() && (!getKeysAreValues() || getRawValues())) // step_qkv_c5
      return emitOpError() << "expects keys_are_values without raw_values, since @" << cache.getSymName()
                           << " has turned_pairs";
    parts += cache.getHeads() * (getKeysAreValues() ? 1 : 2);
  }
  PackedOp weight = check.singleMatrix(getWeightAttr(), "weight", widthOf(getInput()), false); // step_qkv_c1
  if (!weight || failed(check.activations(getInput(), weight)))                                // step_qkv_c1
    return failure();
  if (static_cast<int64_t>(weight.getRows()) != parts * d) // step_qkv_c1
    return emitOpError() << "expects a weight of " << parts * d << " rows (" << parts
                         << " heads of query, keys and values x " << d << "), got " << weight.getRows();
  if (failed(check.vector(getQNormAttr(), "q_norm", d))) // step_qkv_c2
    return failure();
  return check.vector(getKNormAttr(), "k_norm", d); // step_qkv_c2
}

bool AttentionStep::updatesInPlace() { return true; }
Values AttentionStep::getReads() { return {getQuery()}; }
Values AttentionStep::getWrites() { return {getResult()}; }
Weights AttentionStep::getWeightUses() { return vectors({getKeyNormAttr()}); }
std::optional<CacheUse> AttentionStep::getCacheUse() { return CacheUse{getCacheAttr(), CacheAccess::Read}; }

LogicalResult AttentionStep::verify() {
  StepCheck check(*this);
  if (failed(check.element(getQuery(), "query", Element::F32))) // step_attention_c1
    return failure();
  return check.buffer(getResult(), "result", rowCount(getQuery()), widthOf(getQuery()),
                      Element::F32); // step_attention_c1
}

/// The cache of a step whose heads are a multiple of the cache's; null after an error.
template <typename Step> static KvCacheOp checkHeads(Step step, SymbolTableCollection &symbols) {
  auto cache = lookUp<KvCacheOp>(step, symbols, step.getCacheAttr(), "cache");
  if (!cache || step.getHeads() % cache.getHeads() == 0)
    return cache;
  step.emitOpError() << "expects heads to be a multiple of the " << cache.getHeads() << " heads of @"
                     << cache.getSymName() << ", got " << step.getHeads();
  return nullptr;
}

/// The weight that makes keys of values, where the cache leaves that to attention.
template <typename Step> static LogicalResult checkKeyNorm(Step step, KvCacheOp cache, SymbolTableCollection &symbols) {
  if (cache.getTurnedPairs().has_value() != (step.getKeyNormAttr() != nullptr))
    return step.emitOpError() << "expects " << (step.getKeyNormAttr() ? "no key_norm" : "a key_norm") << ", since @"
                              << cache.getSymName() << " has " << (step.getKeyNormAttr() ? "no " : "")
                              << "turned_pairs";
  return StepCheck(step, &symbols).vector(step.getKeyNormAttr(), "key_norm", cache.getPaddedHeadDim());
}

LogicalResult AttentionStep::verifySymbolUses(SymbolTableCollection &symbols) {
  KvCacheOp cache = checkHeads(*this, symbols);                // step_attention_c1
  if (!cache || failed(checkKeyNorm(*this, cache, symbols)) || // step_attention_c2
      failed(verify::checkBlocks(*this, cache, getBlocks())))  // step_attention_c3
    return failure();
  int64_t width = static_cast<int64_t>(getHeads()) * cache.getPaddedHeadDim();
  return StepCheck(*this).buffer(getQuery(), "query", rowCount(getQuery()), width, Element::F32); // step_attention_c1
}

/// `parts` is what attention_splits writes for that cache.
template <typename Step> static LogicalResult checkParts(Step step, KvCacheOp cache) {
  if (!cache.getCapacity())
    return step.emitOpError() << "expects @" << cache.getSymName()
                              << " to be planned: its capacity tells how many splits there are";
  return StepCheck(step).buffer(step.getParts(), "parts", cache.getMostSplits(),
                                splitResultWidth(step.getHeads(), cache.getPaddedHeadDim()), Element::F32);
}

Values AttentionSplitsStep::getReads() { return {getQuery()}; }
Values AttentionSplitsStep::getWrites() { return {getParts()}; }
Weights AttentionSplitsStep::getWeightUses() { return vectors({getKeyNormAttr()}); }
std::optional<CacheUse> AttentionSplitsStep::getCacheUse() { return CacheUse{getCacheAttr(), CacheAccess::Read}; }

LogicalResult AttentionSplitsStep::verify() {
  return StepCheck(*this).buffer(getQuery(), "query", 1, widthOf(getQuery()), Element::F32); // step_attention_splits_c1
}

LogicalResult AttentionSplitsStep::verifySymbolUses(SymbolTableCollection &symbols) {
  KvCacheOp cache = checkHeads(*this, symbols);              // step_attention_splits_c1
  if (!cache || failed(checkKeyNorm(*this, cache, symbols))) // step_attention_splits_c3
    return failure();
  int64_t width = static_cast<int64_t>(getHeads()) * cache.getPaddedHeadDim();
  if (failed(StepCheck(*this).buffer(getQuery(), "query", 1, width, Element::F32))) // step_attention_splits_c1
    return failure();
  return checkParts(*this, cache); // step_attention_splits_c2
}

Values AttentionMergeStep::getReads() { return {getParts()}; }
Values AttentionMergeStep::getWrites() { return {getResult()}; }
std::optional<CacheUse> AttentionMergeStep::getCacheUse() { return CacheUse{getCacheAttr(), CacheAccess::Shape}; }

LogicalResult AttentionMergeStep::verify() {
  return StepCheck(*this).rowResult(getResult(), 1, widthOf(getResult()),
                                    getStaticScaleAttr()); // step_attention_merge_c1, step_attention_merge_c2
}

LogicalResult AttentionMergeStep::verifySymbolUses(SymbolTableCollection &symbols) {
  KvCacheOp cache = checkHeads(*this, symbols);   // step_attention_merge_c1
  if (!cache || failed(checkParts(*this, cache))) // step_attention_merge_c1
    return failure();
  int64_t width = static_cast<int64_t>(getHeads()) * cache.getPaddedHeadDim();
  return StepCheck(*this).rowResult(getResult(), 1, width, getStaticScaleAttr()); // step_attention_merge_c1
}

//===--- ple_combine
//------------------------------------------------------------------------------------------------===//

Values PleCombineStep::getReads() { return {getContext_()}; }
Values PleCombineStep::getWrites() { return {getResult()}; }
Weights PleCombineStep::getWeightUses() { return with({getTableAttr(), WeightRole::Lookup}, vectors({getNormAttr()})); }

LogicalResult PleCombineStep::verify() {
  StepCheck check(*this);
  Buffer context = getContext_();
  int64_t groups = getGroups(), width = widthOf(context);
  if (failed(check.element(context, "context", Element::F32)) || // step_ple_combine_c1
      failed(check.buffer(getResult(), "result", rowCount(context), width, Element::F32)))
    return failure();
  if (width % groups != 0) // step_ple_combine_c2
    return emitOpError() << "expects groups to divide the width " << width << ", got " << groups;
  return check.atMost("count", getCount(), width / groups, "the width of a group"); // step_ple_combine_c2
}

LogicalResult PleCombineStep::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getResult());
  auto table = lookUp<PackedOp>(*this, symbols, getTableAttr(), "table"); // step_ple_combine_c1
  if (!table)
    return failure();
  if (table.getLayout() != Layout::Table || static_cast<int64_t>(table.getCols()) != width) // step_ple_combine_c1
    return emitOpError() << "expects a table packed by row with " << width << " cols, got " << getTableAttr()
                         << " in layout " << nameOf(table.getLayout()) << " with " << table.getCols();
  return StepCheck(*this, &symbols)
      .vector(getNormAttr(), "norm", width / static_cast<int64_t>(getGroups())); // step_ple_combine_c1
}

//===--- experts
//----------------------------------------------------------------------------------------------------===//

Values RouteStep::getReads() { return {getScores()}; }
Values RouteStep::getWrites() { return {getPicks(), getWeights()}; }
Weights RouteStep::getWeightUses() { return vectors({getPerExpertScaleAttr()}); }

LogicalResult RouteStep::verify() {
  StepCheck check(*this);
  int64_t rows = rowCount(getScores()), experts = getExperts(), topK = getTopK();
  if (failed(check.atMost("top_k", topK, experts, "the experts"))) // step_route_c2
    return failure();
  if (failed(
          check.buffer(getScores(), "scores", rows, roundUp(experts, groupColumns), Element::F32)) || // step_route_c1
      failed(check.buffer(getPicks(), "picks", rows, paddedTopK(topK), Element::I32)))
    return failure();
  return check.buffer(getWeights(), "weights", rows, paddedTopK(topK), Element::F32); // step_route_c1
}

LogicalResult RouteStep::verifySymbolUses(SymbolTableCollection &symbols) {
  return StepCheck(*this, &symbols)
      .vector(getPerExpertScaleAttr(), "per_expert_scale", widthOf(getScores())); // step_route_c1
}

Values ExpertUpStep::getReads() { return {getInput(), getPicks()}; }
Values ExpertUpStep::getWrites() { return {getResult()}; }
bool ExpertUpStep::isRowWise() { return true; }
Weights ExpertUpStep::getWeightUses() {
  return {{getWeightAttr(), WeightRole::Product, getInput(), /*picks=*/{}, static_cast<int64_t>(getTopK())}};
}

LogicalResult ExpertUpStep::verify() {
  StepCheck check(*this);
  int64_t rows = rowCount(getInput()), topK = getTopK();
  if (failed(check.buffer(getPicks(), "picks", rows, paddedTopK(topK), Element::I32))) // step_expert_up_c2
    return failure();
  return check.buffer(getResult(), "result", rows * topK, widthOf(getResult()), Element::F32); // step_expert_up_c1
}

LogicalResult ExpertUpStep::verifySymbolUses(SymbolTableCollection &symbols) {
  StepCheck check(*this, &symbols);
  int64_t rows = rowCount(getInput()), topK = getTopK();
  PackedOp weight = check.matrix(getWeightAttr(), "weight", widthOf(getInput()), true); // step_expert_up_c1
  if (!weight || failed(check.activations(getInput(), weight)))                         // step_expert_up_c1
    return failure();
  if (failed(check.buffer(getResult(), "result", rows * topK, weight.getRows() / 2, Element::F32))) // step_expert_up_c1
    return failure();
  return check.atMost("top_k", topK, weight.getBatch(), "the experts, batch of the weight"); // step_expert_up_c2
}

Values ExpertDownStep::getReads() { return {getInput(), getPicks(), getWeights()}; }
Values ExpertDownStep::getWrites() { return {getResult()}; }
bool ExpertDownStep::isRowWise() { return true; }
Weights ExpertDownStep::getWeightUses() {
  return {{getWeightAttr(), WeightRole::Product, getInput(), getPicks(), static_cast<int64_t>(getTopK())}};
}

LogicalResult ExpertDownStep::verify() {
  StepCheck check(*this);
  int64_t rows = rowCount(getResult()), topK = getTopK();
  if (failed(check.buffer(getPicks(), "picks", rows, paddedTopK(topK), Element::I32)) || // step_expert_down_c2
      failed(check.buffer(getWeights(), "weights", rows, paddedTopK(topK), Element::F32)))
    return failure();
  Element element = getInput().getType().isQuantized() ? getInput().getType().getElement() : Element::F32;
  return check.buffer(getInput(), "input", rows * topK, widthOf(getInput()), element); // step_expert_down_c1
}

LogicalResult ExpertDownStep::verifySymbolUses(SymbolTableCollection &symbols) {
  StepCheck check(*this, &symbols);
  PackedOp weight = check.matrix(getWeightAttr(), "weight", widthOf(getInput()), false); // step_expert_down_c1
  if (!weight || failed(check.activations(getInput(), weight)))                          // step_expert_down_c1
    return failure();
  if (failed(check.buffer(getResult(), "result", rowCount(getResult()), weight.getRows(),
                          Element::F32))) // step_expert_down_c1
    return failure();
  return check.atMost("top_k", getTopK(), weight.getBatch(), "the experts, batch of the weight"); // step_expert_down_c2
}

//===--- observe
//----------------------------------------------------------------------------------------------------===//

Values ObserveStep::getReads() {
  Values reads{getInput()};
  if (getPicks())
    reads.push_back(getPicks());
  return reads;
}
Values ObserveStep::getWrites() { return {}; }

LogicalResult ObserveStep::verify() {
  StepCheck check(*this);
  if (failed(check.element(getInput(), "input", Element::F32))) // step_observe_c1
    return failure();
  if ((getPicks() != nullptr) != getTopK().has_value()) // step_observe_c2
    return emitOpError() << "expects picks and top_k together or not at all";
  if (getOffset() % bufferAlign != 0) // step_observe_c3
    return emitOpError() << "expects an offset that is a multiple of " << bufferAlign << ", got " << getOffset();
  if (!getPicks())
    return success();
  int64_t topK = *getTopK();
  if (rowCount(getInput()) % topK != 0) // step_observe_c2
    return emitOpError() << "expects top_k to divide the " << rowCount(getInput()) << " rows of the input, got "
                         << topK;
  return check.buffer(getPicks(), "picks", rowCount(getInput()) / topK, paddedTopK(topK),
                      Element::I32); // step_observe_c2
}

LogicalResult ObserveStep::verifySymbolUses(SymbolTableCollection &symbols) {
  auto weight = lookUp<PackedOp>(*this, symbols, getWeightAttr(), "weight"); // step_observe_c1
  if (!weight)
    return failure();
  if (weight.getLayout() != Layout::Panels ||
      static_cast<int64_t>(weight.getCols()) != widthOf(getInput())) // step_observe_c1
    return emitOpError() << "expects weight packed in panels with " << widthOf(getInput())
                         << " cols (width of the input), got " << getWeightAttr() << " in layout "
                         << nameOf(weight.getLayout()) << " with " << weight.getCols();
  return success();
}
