// Level 2 of the audio tower: what its steps read and write, and their verifiers.
#include "dialects/Gemma/StepCheck.h"

using namespace mlir;
using namespace gemmac;
using namespace gemmac::gemma;
using namespace gemmac::gemma::verify;

/// All buffers are f32 of one shape.
static LogicalResult checkAlike(const StepCheck &check, Buffer input,
                                std::initializer_list<std::pair<Buffer, StringRef>> others) {
  if (failed(check.element(input, "input", Element::F32)))
    return failure();
  for (auto [buffer, role] : others)
    if (failed(check.buffer(buffer, role, rowCount(input), widthOf(input), Element::F32)))
      return failure();
  return success();
}

/// A matrix of `rows` rows and `cols` columns, padded, that is read value by value.
static LogicalResult checkTaps(Operation *op, SymbolTableCollection &symbols, FlatSymbolRefAttr name, int64_t rows,
                               int64_t cols) {
  PackedOp weight = StepCheck(op, &symbols).singleMatrix(name, "weight", roundUp(cols, groupColumns), false);
  if (!weight)
    return failure();
  int64_t found = weight.getRows();
  if (formatInfo(weight.getFormat()).quantized || found != rows)
    return op->emitOpError() << "expects a weight of floats with " << rows << " rows, got " << found << " in "
                             << stringifyFormat(weight.getFormat());
  return success();
}

//===--- conv2d
//-----------------------------------------------------------------------------------------------------===//

Values Conv2dStep::getReads() { return {getInput(), getValid()}; }
Values Conv2dStep::getWrites() { return {getResult()}; }
Weights Conv2dStep::getWeightUses() { return with({getWeightAttr(), WeightRole::Product}, vectors({getNormAttr()})); }

int64_t Conv2dStep::getBinWidth() {
  int64_t channels = getChannels(), bins = getBins();
  return channels == 1 && widthOf(getInput()) == roundUp(bins, groupColumns) ? 1 : roundUp(channels, panelRows);
}

LogicalResult Conv2dStep::verify() {
  StepCheck check(*this);
  int64_t rows = rowCount(getResult()), bins = getBins(), count = getCount();
  int64_t before = roundUp(bins * getBinWidth(), groupColumns);
  int64_t after = roundUp(getResultBins() * roundUp(count, panelRows), groupColumns);
  if (failed(check.buffer(getInput(), "input", 2 * rows, before, Element::F32)) || // step_conv2d_c1
      failed(check.buffer(getResult(), "result", rows, after, Element::F32)))
    return failure();
  int64_t flags = 2 * static_cast<int64_t>(getEvery()) * rows;
  return check.buffer(getValid(), "valid", flags, groupColumns, Element::I32); // step_conv2d_c1
}

LogicalResult Conv2dStep::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t count = roundUp(getCount(), groupColumns), columns = 9 * static_cast<int64_t>(getChannels());
  if (failed(checkTaps(*this, symbols, getWeightAttr(), count, columns))) // step_conv2d_c2
    return failure();
  return StepCheck(*this, &symbols).vector(getNormAttr(), "norm", count); // step_conv2d_c2
}

//===--- silu, glu, add, add_bias
//-----------------------------------------------------------------------------------===//

Values SiluStep::getReads() { return {getInput()}; }
Values SiluStep::getWrites() { return {getResult()}; }

LogicalResult SiluStep::verify() {
  StepCheck check(*this);
  if (failed(check.element(getInput(), "input", Element::F32))) // step_silu_c1
    return failure();
  return check.rowResult(getResult(), rowCount(getInput()), widthOf(getInput()), getStaticScaleAttr()); // step_silu_c1
}

Values GluStep::getReads() { return {getInput()}; }
Values GluStep::getWrites() { return {getResult()}; }

LogicalResult GluStep::verify() {
  StepCheck check(*this);
  if (failed(check.element(getResult(), "result", Element::F32))) // step_glu_c1
    return failure();
  return check.buffer(getInput(), "input", rowCount(getResult()), 2 * widthOf(getResult()),
                      Element::F32); // step_glu_c1
}

Values AddStep::getReads() { return {getInput(), getBranch()}; }
Values AddStep::getWrites() { return {getResult()}; }

LogicalResult AddStep::verify() {
  return checkAlike(StepCheck(*this), getInput(), {{getBranch(), "branch"}, {getResult(), "result"}}); // step_add_c1
}

Values AddBiasStep::getReads() { return {getInput()}; }
Values AddBiasStep::getWrites() { return {getResult()}; }
Weights AddBiasStep::getWeightUses() { return vectors({getBiasAttr()}); }

LogicalResult AddBiasStep::verify() {
  return checkAlike(StepCheck(*this), getInput(), {{getResult(), "result"}}); // step_add_bias_c1
}

LogicalResult AddBiasStep::verifySymbolUses(SymbolTableCollection &symbols) {
  return StepCheck(*this, &symbols).vector(getBiasAttr(), "bias", widthOf(getInput())); // step_add_bias_c1
}

//===--- depthwise_conv
//---------------------------------------------------------------------------------------------===//

Values DepthwiseConvStep::getReads() { return {getInput()}; }
Values DepthwiseConvStep::getWrites() { return {getResult()}; }
Weights DepthwiseConvStep::getWeightUses() { return {{getWeightAttr(), WeightRole::Product}}; }

LogicalResult DepthwiseConvStep::verify() {
  return checkAlike(StepCheck(*this), getInput(), {{getResult(), "result"}}); // step_depthwise_conv_c1
}

LogicalResult DepthwiseConvStep::verifySymbolUses(SymbolTableCollection &symbols) {
  return checkTaps(*this, symbols, getWeightAttr(), widthOf(getInput()), getTaps()); // step_depthwise_conv_c2
}

//===--- sinusoids, relative_attention
//------------------------------------------------------------------------------===//

Values SinusoidsStep::getReads() { return {}; }
Values SinusoidsStep::getWrites() { return {getResult()}; }

LogicalResult SinusoidsStep::verify() {
  int64_t width = roundUp(2 * roundUp(getHalf(), panelRows), groupColumns);
  return StepCheck(*this).buffer(getResult(), "result", rowCount(getResult()), width,
                                 Element::F32); // step_sinusoids_c1
}

Values RelativeAttentionStep::getReads() { return {getQuery(), getKey(), getValue(), getRelative(), getValid()}; }
Values RelativeAttentionStep::getWrites() { return {getResult()}; }
Weights RelativeAttentionStep::getWeightUses() { return vectors({getScaleAttr()}); }

LogicalResult RelativeAttentionStep::verify() {
  StepCheck check(*this);
  int64_t rows = rowCount(getQuery()), padded = roundUp(getHeadDim(), panelRows);
  int64_t width = roundUp(static_cast<int64_t>(getHeads()) * padded, groupColumns);
  if (failed(check.buffer(getQuery(), "query", rows, width, Element::F32)) || // step_relative_attention_c1
      failed(
          checkAlike(check, getQuery(),
                     {{getKey(), "key"}, {getValue(), "value"}, {getRelative(), "relative"}, {getResult(), "result"}})))
    return failure();
  return check.buffer(getValid(), "valid", rows * static_cast<int64_t>(getEvery()), groupColumns,
                      Element::I32); // step_relative_attention_c1
}

LogicalResult RelativeAttentionStep::verifySymbolUses(SymbolTableCollection &symbols) {
  return StepCheck(*this, &symbols)
      .vector(getScaleAttr(), "scale", roundUp(getHeadDim(), groupColumns)); // step_relative_attention_c2
}
