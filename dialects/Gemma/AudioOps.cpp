// The audio tower at levels 0 and 1: verifiers, and what the matrices of its fused ops are.
#include "dialects/Gemma/Verify.h"
#include "dialects/formats/Format.h"

using namespace mlir;
using namespace gemmac::gemma;
using namespace gemmac::gemma::verify;

static RankedTensorType typeOf(Value rows) { return cast<RankedTensorType>(rows.getType()); }
static int64_t widthOf(Value rows) { return typeOf(rows).getDimSize(1); }
/// What a convolution with stride 2 leaves of `n` rows or bins.
static int64_t halved(int64_t n) { return (n - 1) / 2 + 1; }

/// `valid` is one column with `every` rows for each row of `input`.
static LogicalResult checkValid(Operation *op, Value input, Value valid, int64_t every) {
  int64_t rows = typeOf(input).getDimSize(0), flags = typeOf(valid).getDimSize(0);
  if (widthOf(valid) != 1)
    return op->emitOpError() << "expects valid with one column, got " << widthOf(valid);
  if (ShapedType::isDynamic(rows) || ShapedType::isDynamic(flags) || flags == rows * every)
    return success();
  return op->emitOpError() << "expects valid with " << every << " rows for each of the input's " << rows << ", got "
                           << flags;
}

static LogicalResult checkHeads(Operation *op, int64_t width, int64_t heads) {
  if (width % 2 == 0 && width % heads == 0)
    return success();
  return op->emitOpError() << "expects heads to divide an even width, got " << heads << " in " << width;
}

//===--- level 0
//----------------------------------------------------------------------------------------------------===//

LogicalResult MaskRowsOp::verify() {
  return checkValid(*this, getInput(), getValid(), getEvery()); // mask_rows_c2, mask_rows_c3
}

LogicalResult Conv2dOp::verify() {
  int64_t width = widthOf(getInput()), channels = getChannels();
  if (width % channels != 0) // conv2d_c1
    return emitOpError() << "expects channels to divide the width " << width << ", got " << channels;
  int64_t rows = typeOf(getInput()).getDimSize(0), after = typeOf(getResult()).getDimSize(0);
  if (!ShapedType::isDynamic(rows) && !ShapedType::isDynamic(after) && after != halved(rows)) // conv2d_c3
    return emitOpError() << "expects a result of " << halved(rows) << " rows for " << rows << ", got " << after;
  return success();
}

LogicalResult Conv2dOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t channels = getChannels(), bins = halved(widthOf(getInput()) / channels), width = widthOf(getResult());
  if (width % bins != 0) // conv2d_c2
    return emitOpError() << "expects a result of " << bins << " equal bins, got a width of " << width;
  return checkWeights(
      *this, symbols, // conv2d_c2
      {{getWeightAttr(), "weight", {width / bins, 9 * channels}, "channels of the result, 9 x channels"}});
}

LogicalResult LayerNormOp::verify() {
  int64_t width = widthOf(getInput()), groups = getGroups();
  if (width % groups != 0) // layer_norm_c2
    return emitOpError() << "expects groups to divide the width " << width << ", got " << groups;
  return success();
}

LogicalResult LayerNormOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t part = widthOf(getInput()) / static_cast<int64_t>(getGroups());
  return checkWeights(
      *this, symbols, // layer_norm_c3
      {{getWeightAttr(), "weight", {part}, "width / groups"}, {getBiasAttr(), "bias", {part}, "width / groups"}});
}

LogicalResult GluOp::verify() {
  if (widthOf(getInput()) != 2 * widthOf(getResult())) // glu_c1
    return emitOpError() << "expects an input twice as wide as the result, " << 2 * widthOf(getResult()) << ", got "
                         << widthOf(getInput());
  return checkSameRows(*this, {getInput(), getResult()}, {"input", "result"}); // glu_c1
}

LogicalResult DepthwiseConvOp::verifySymbolUses(SymbolTableCollection &symbols) {
  RankedTensorType weight = lookUpWeightType(*this, symbols, getWeightAttr(), "weight", 2); // depthwise_conv_c2
  if (!weight)
    return failure();
  return checkWeights(*this, symbols, // depthwise_conv_c2
                      {{getWeightAttr(), "weight", {widthOf(getInput()), weight.getDimSize(1)}, "width, taps"}});
}

LogicalResult AddBiasOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return checkWeights(*this, symbols, {{getBiasAttr(), "bias", {widthOf(getInput())}, "width"}}); // add_bias_c2
}

LogicalResult RelativeAttentionOp::verify() {
  if (failed(checkHeads(*this, widthOf(getQuery()), getHeads()))) // relative_attention_c2
    return failure();
  return checkValid(*this, getQuery(), getValid(), getEvery()); // relative_attention_c4
}

LogicalResult RelativeAttentionOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getQuery());
  return checkWeights(*this, symbols, // relative_attention_c3
                      {{getRelativeAttr(), "relative", {width, width}, "width, width"},
                       {getScaleAttr(), "scale", {width / static_cast<int64_t>(getHeads())}, "width / heads"}});
}

//===--- level 1
//----------------------------------------------------------------------------------------------------===//

LogicalResult AudioSubsampleOp::verify() {
  return checkValid(*this, getInput(), getValid(), /*every=*/1); // audio_subsample_c2
}

LogicalResult AudioSubsampleOp::verifySymbolUses(SymbolTableCollection &symbols) {
  RankedTensorType first = lookUpWeightType(*this, symbols, getConv_0Attr(), "conv_0", 2);  // audio_subsample_c1
  RankedTensorType second = lookUpWeightType(*this, symbols, getConv_1Attr(), "conv_1", 2); // audio_subsample_c1
  if (!first || !second)
    return failure();
  int64_t before = first.getDimSize(0), after = second.getDimSize(0), bins = halved(halved(widthOf(getInput())));
  return checkWeights(*this, symbols, // audio_subsample_c1
                      {{getConv_0Attr(), "conv_0", {before, 9}, "channels, 9"},
                       {getNorm_0Attr(), "norm_0", {before}, "channels of conv_0"},
                       {getConv_1Attr(), "conv_1", {after, 9 * before}, "channels, 9 x channels of conv_0"},
                       {getNorm_1Attr(), "norm_1", {after}, "channels of conv_1"},
                       {getProjAttr(), "proj", {widthOf(getResult()), after * bins}, "result width, channels x bins"}});
}

SmallVector<MatrixUse> AudioSubsampleOp::getMatrixUses() {
  return {{getConv_0AttrName(), MatrixRole::Convolution, "sounds"},
          {getConv_1AttrName(), MatrixRole::Convolution, "sounds"},
          {getProjAttrName(), MatrixRole::Ordinary, "sounds"}};
}

LogicalResult AudioFfnOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getInput());
  RankedTensorType down = lookUpWeightType(*this, symbols, getDownAttr(), "down", 2); // audio_ffn_c2
  if (!down)
    return failure();
  int64_t inner = down.getDimSize(1);
  return checkWeights(*this, symbols, // audio_ffn_c2
                      {{getPreNormAttr(), "pre_norm", {width}, "input width"},
                       {getDownAttr(), "down", {width, inner}, "input width, F"},
                       {getUpAttr(), "up", {inner, width}, "columns of down, input width"},
                       {getPostNormAttr(), "post_norm", {width}, "input width"},
                       {getOutNormAttr(), "out_norm", {width}, "input width"}});
}

SmallVector<MatrixUse> AudioFfnOp::getMatrixUses() {
  return {{getUpAttrName(), MatrixRole::Ordinary, "MLP in"}, {getDownAttrName(), MatrixRole::Ordinary, "MLP out"}};
}

LogicalResult AudioAttentionOp::verify() {
  if (failed(checkHeads(*this, widthOf(getInput()), getHeads()))) // audio_attention_c3
    return failure();
  return checkValid(*this, getInput(), getValid(), getEvery()); // audio_attention_c4
}

LogicalResult AudioAttentionOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getInput());
  SmallVector<WeightRule> rules{{getPreNormAttr(), "pre_norm", {width}, "width"},
                                {getPostNormAttr(), "post_norm", {width}, "width"},
                                {getScaleAttr(), "scale", {width / static_cast<int64_t>(getHeads())}, "width / heads"}};
  for (auto [name, role] : {std::pair(getQAttr(), "q"), std::pair(getKAttr(), "k"), std::pair(getVAttr(), "v"),
                            std::pair(getOAttr(), "o"), std::pair(getRelativeAttr(), "relative")})
    rules.push_back({name, role, {width, width}, "width, width"});
  return checkWeights(*this, symbols, rules); // audio_attention_c2
}

SmallVector<MatrixUse> AudioAttentionOp::getMatrixUses() {
  const int64_t width = widthOf(getInput());
  const bool headsPadded = width / static_cast<int64_t>(getHeads()) % panelRows != 0;
  const bool halvesPadded = width / 2 % panelRows != 0;
  return {{getQAttrName(), MatrixRole::Ordinary, "attention in"},
          {getKAttrName(), MatrixRole::Ordinary, "attention in"},
          {getVAttrName(), MatrixRole::Ordinary, "attention in"},
          {getRelativeAttrName(), MatrixRole::Ordinary, "attention places", halvesPadded},
          {getOAttrName(), MatrixRole::Ordinary, "attention out", headsPadded}};
}

LogicalResult AudioConvOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = widthOf(getInput());
  RankedTensorType conv = lookUpWeightType(*this, symbols, getConvAttr(), "conv", 2); // audio_conv_c2
  if (!conv)
    return failure();
  return checkWeights(*this, symbols, // audio_conv_c2
                      {{getPreNormAttr(), "pre_norm", {width}, "width"},
                       {getStartAttr(), "start", {2 * width, width}, "2 x width, width"},
                       {getConvAttr(), "conv", {width, conv.getDimSize(1)}, "width, taps"},
                       {getConvNormAttr(), "conv_norm", {width}, "width"},
                       {getEndAttr(), "end", {width, width}, "width, width"}});
}

SmallVector<MatrixUse> AudioConvOp::getMatrixUses() {
  return {{getStartAttrName(), MatrixRole::Ordinary, "convolution in"},
          {getConvAttrName(), MatrixRole::Convolution, "convolution"},
          {getEndAttrName(), MatrixRole::Ordinary, "convolution out"}};
}

LogicalResult AudioOutputOp::verify() {
  return checkSameRows(*this, {getInput(), getResult()}, {"input", "result"}); // audio_output_c2
}

LogicalResult AudioOutputOp::verifySymbolUses(SymbolTableCollection &symbols) {
  RankedTensorType proj = lookUpWeightType(*this, symbols, getProjAttr(), "proj", 2); // audio_output_c1
  if (!proj)
    return failure();
  int64_t inner = proj.getDimSize(0);
  return checkWeights(*this, symbols, // audio_output_c1
                      {{getProjAttr(), "proj", {inner, widthOf(getInput())}, "W, input width"},
                       {getBiasAttr(), "bias", {inner}, "rows of proj"},
                       {getEmbeddingAttr(), "embedding", {widthOf(getResult()), inner}, "result width, rows of proj"}});
}

SmallVector<MatrixUse> AudioOutputOp::getMatrixUses() {
  return {{getProjAttrName(), MatrixRole::Ordinary, "soft tokens"},
          {getEmbeddingAttrName(), MatrixRole::Ordinary, "soft tokens"}};
}
