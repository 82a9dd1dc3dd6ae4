// Models without encoders at levels 1 and 2: verifiers, what matrices are, what the step reads and writes.
#include "dialects/Gemma/StepCheck.h"
#include "dialects/Gemma/Verify.h"

using namespace mlir;
using namespace gemmac;
using namespace gemmac::gemma;
using namespace gemmac::gemma::verify;

static int64_t columnsOf(Value rows) { return cast<RankedTensorType>(rows.getType()).getDimSize(1); }

//===--- level 1
//----------------------------------------------------------------------------------------------------===//

LogicalResult NormedPatchEmbedOp::verify() {
  return checkSameRows(*this, {getPatches(), getPlaces(), getResult()},
                       {"patches", "places", "result"}); // normed_patch_embed_c3
}

LogicalResult NormedPatchEmbedOp::verifySymbolUses(SymbolTableCollection &symbols) {
  int64_t width = columnsOf(getResult()), pixels = columnsOf(getPatches());
  if (failed(checkWeights(*this, symbols, // normed_patch_embed_c1
                          {{getNorm_0Attr(), "norm_0", {pixels}, "patches width"},
                           {getBias_0Attr(), "bias_0", {pixels}, "patches width"},
                           {getProjAttr(), "proj", {width, pixels}, "result width, patches width"},
                           {getProjBiasAttr(), "proj_bias", {width}, "result width"},
                           {getNorm_1Attr(), "norm_1", {width}, "result width"},
                           {getBias_1Attr(), "bias_1", {width}, "result width"},
                           {getNorm_2Attr(), "norm_2", {width}, "result width"},
                           {getBias_2Attr(), "bias_2", {width}, "result width"}})))
    return failure();
  return checkPlaceTables(*this, symbols, getColumnsAttr(), getRowsAttr(), width,
                          getAlternating()); // normed_patch_embed_c2
}

SmallVector<MatrixUse> NormedPatchEmbedOp::getMatrixUses() {
  return {{getProjAttrName(), MatrixRole::Ordinary, "patches"},
          {getColumnsAttrName(), MatrixRole::Places, "patches"},
          {getRowsAttrName(), MatrixRole::Places, "patches"}};
}

LogicalResult NormProjectOp::verify() {
  return checkSameRows(*this, {getInput(), getResult()}, {"input", "result"}); // norm_project_c2
}

LogicalResult NormProjectOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return checkWeights(
      *this, symbols, // norm_project_c1
      {{getProjAttr(), "proj", {columnsOf(getResult()), columnsOf(getInput())}, "result width, input width"}});
}

SmallVector<MatrixUse> NormProjectOp::getMatrixUses() {
  return {{getProjAttrName(), MatrixRole::Ordinary, "soft tokens"}};
}

//===--- level 2
//----------------------------------------------------------------------------------------------------===//

Values LayerNormStep::getReads() { return {getInput()}; }
Values LayerNormStep::getWrites() { return {getResult()}; }
Weights LayerNormStep::getWeightUses() { return vectors({getWeightAttr(), getBiasAttr()}); }

LogicalResult LayerNormStep::verify() {
  StepCheck check(*this);
  if (failed(check.element(getInput(), "input", Element::F32)) || // step_layer_norm_c1
      failed(check.rowResult(getResult(), rowCount(getInput()), widthOf(getInput()), FloatAttr())))
    return failure();
  return check.atMost("count", getCount(), widthOf(getInput()), "the width"); // step_layer_norm_c3
}

LogicalResult LayerNormStep::verifySymbolUses(SymbolTableCollection &symbols) {
  StepCheck check(*this, &symbols);
  if (failed(check.vector(getWeightAttr(), "weight", widthOf(getInput())))) // step_layer_norm_c2
    return failure();
  return check.vector(getBiasAttr(), "bias", widthOf(getInput())); // step_layer_norm_c2
}
