// The vision tower at levels 0 and 1: verifiers, and what the matrices of its fused ops are.
#include "dialects/Gemma/Verify.h"
#include "dialects/formats/Format.h"

using namespace mlir;
using namespace gemmac::gemma;
using namespace gemmac::gemma::verify;

static int64_t widthOf(Value rows) { return cast<RankedTensorType>(rows.getType()).getDimSize(1); }

LogicalResult gemmac::gemma::verify::checkPlaceTables(Operation *op, SymbolTableCollection &symbols,
                                                      FlatSymbolRefAttr columns, FlatSymbolRefAttr rows, int64_t width,
                                                      bool alternating) {
  RankedTensorType table = lookUpWeightType(op, symbols, columns, "columns", 2);
  if (!table)
    return failure();
  int64_t places = table.getDimSize(0);
  if (alternating && (columns != rows || places % 2 != 0))
    return op->emitOpError() << "expects one table of an even number of rows to alternate, got " << columns << " of "
                             << places << " rows and " << rows;
  return checkWeights(
      op, symbols,
      {{columns, "columns", {places, width}, "places, width"}, {rows, "rows", {places, width}, "those of columns"}});
}

/// `pooled` has the rows of `input` divided by `count`.
static LogicalResult checkPooledRows(Operation *op, Value input, Value pooled, int64_t count) {
  int64_t before = cast<RankedTensorType>(input.getType()).getDimSize(0);
  int64_t after = cast<RankedTensorType>(pooled.getType()).getDimSize(0);
  if (ShapedType::isDynamic(before) || ShapedType::isDynamic(after) || before == after * count)
    return success();
  return op->emitOpError() << "expects " << count << " rows of the input for each of the result's " << after << ", got "
                           << before;
}

//===--- level 0
//----------------------------------------------------------------------------------------------------===//

LogicalResult AddPlacesOp::verify() {
  return checkSameRows(*this, {getInput(), getPlaces()}, {"input", "places"}); // add_places_c3
}

LogicalResult AddPlacesOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return checkPlaceTables(*this, symbols, getColumnsAttr(), getRowsAttr(), widthOf(getInput()),
                          getAlternating()); // add_places_c2
}

LogicalResult RopePlacesOp::verify() {
  int64_t width = widthOf(getInput()), heads = getHeads();
  if (width % heads != 0 || width / heads % 4 != 0) // rope_places_c2
    return emitOpError() << "expects heads whose size is a multiple of 4, got " << heads << " in a width of " << width;
  return checkSameRows(*this, {getInput(), getPlaces()}, {"input", "places"}); // rope_places_c3
}

LogicalResult AttentionAllOp::verify() {
  int64_t heads = getHeads(), kvHeads = getKvHeads(), queries = widthOf(getQuery()), keys = widthOf(getKeys());
  if (heads % kvHeads != 0) // attention_all_c2
    return emitOpError() << "expects heads to be a multiple of the " << kvHeads << " kv_heads, got " << heads;
  if (queries % heads != 0 || keys % kvHeads != 0 || queries / heads != keys / kvHeads) // attention_all_c2
    return emitOpError() << "expects heads of one size, got " << heads << " in a width of " << queries << " and "
                         << kvHeads << " in " << keys;
  return checkSameRows(*this, {getQuery(), getKeys(), getValues()}, {"query", "keys", "values"}); // attention_all_c3
}

LogicalResult PoolOp::verify() {
  if (widthOf(getInput()) != widthOf(getResult())) // pool_c1
    return emitOpError() << "expects a result of width " << widthOf(getInput()) << ", that of the input, got "
                         << widthOf(getResult());
  return checkPooledRows(*this, getInput(), getResult(), getCount()); // pool_c1
}

LogicalResult StandardizeOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getInput());
  return checkWeights(*this, symbols, // standardize_c2
                      {{getBiasAttr(), "bias", {width}, "width"}, {getScaleAttr(), "scale", {width}, "width"}});
}

//===--- level 1
//----------------------------------------------------------------------------------------------------===//

LogicalResult PatchEmbedOp::verify() {
  return checkSameRows(*this, {getPatches(), getPlaces(), getResult()},
                       {"patches", "places", "result"}); // patch_embed_c2
}

LogicalResult PatchEmbedOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getResult());
  if (failed(checkWeights(*this, symbols, // patch_embed_c1
                          {{getProjAttr(), "proj", {width, widthOf(getPatches())}, "result width, patches width"}})))
    return failure();
  return checkPlaceTables(*this, symbols, getColumnsAttr(), getRowsAttr(), width,
                          /*alternating=*/false); // patch_embed_c1
}

SmallVector<MatrixUse> PatchEmbedOp::getMatrixUses() {
  return {{getProjAttrName(), MatrixRole::Ordinary, "patches"},
          {getColumnsAttrName(), MatrixRole::Places, "patches"},
          {getRowsAttrName(), MatrixRole::Places, "patches"}};
}

LogicalResult EncoderAttentionOp::verify() {
  int64_t heads = getHeads(), kvHeads = getKvHeads(), headDim = getHeadDim();
  if (heads % kvHeads != 0) // encoder_attention_c3
    return emitOpError() << "expects heads to be a multiple of the " << kvHeads << " kv_heads, got " << heads;
  if (headDim % 4 != 0) // encoder_attention_c3
    return emitOpError() << "expects a head_dim that is a multiple of 4, got " << headDim;
  return checkSameRows(*this, {getInput(), getPlaces()}, {"input", "places"}); // encoder_attention_c4
}

LogicalResult EncoderAttentionOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getInput()), headDim = getHeadDim(), queries = getHeads() * headDim;
  int64_t keys = getKvHeads() * headDim;
  return checkWeights(*this, symbols, // encoder_attention_c2
                      {{getNormAttr(), "norm", {width}, "width"},
                       {getQAttr(), "q", {queries, width}, "heads x head_dim, width"},
                       {getKAttr(), "k", {keys, width}, "kv_heads x head_dim, width"},
                       {getVAttr(), "v", {keys, width}, "kv_heads x head_dim, width"},
                       {getOAttr(), "o", {width, queries}, "width, heads x head_dim"},
                       {getQNormAttr(), "q_norm", {headDim}, "head_dim"},
                       {getKNormAttr(), "k_norm", {headDim}, "head_dim"},
                       {getPostNormAttr(), "post_norm", {width}, "width"}});
}

SmallVector<MatrixUse> EncoderAttentionOp::getMatrixUses() {
  const bool regrouped = getHeadDim() % (4 * groupColumns) != 0; // the inner quarters of a head change places
  return {{getQAttrName(), MatrixRole::Ordinary, "attention in"},
          {getKAttrName(), MatrixRole::Ordinary, "attention in"},
          {getVAttrName(), MatrixRole::Ordinary, "attention in"},
          {getOAttrName(), MatrixRole::Ordinary, "attention out", regrouped}};
}

LogicalResult PoolProjectOp::verify() {
  if ((getBiasAttr() != nullptr) != (getScaleAttr() != nullptr)) // pool_project_c1
    return emitOpError() << "expects bias and scale together or not at all";
  return checkPooledRows(*this, getInput(), getResult(), getCount()); // pool_project_c2
}

LogicalResult PoolProjectOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getInput());
  return checkWeights(*this, symbols, // pool_project_c1
                      {{getBiasAttr(), "bias", {width}, "input width"},
                       {getScaleAttr(), "scale", {width}, "input width"},
                       {getProjAttr(), "proj", {widthOf(getResult()), width}, "result width, input width"}});
}

SmallVector<MatrixUse> PoolProjectOp::getMatrixUses() {
  return {{getProjAttrName(), MatrixRole::Ordinary, "soft tokens"}};
}
