// gemma-fuse-ple: scale(add(rms_norm(scale(linear(x))), embed(ids))) becomes gemma.ple_input, the per-layer inputs of
// all layers; add(x, rms_norm(linear(geglu(linear(x), slice(ple))))), with a layer_scale that follows, becomes
// gemma.ple_mix, their use in one layer. Left alone: an intermediate with another reader, a slice whose offset is no
// multiple of its width.
#include "passes/fuse/Fusions.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac::fuse {
namespace {

/// scale(add(rms_norm(scale(linear)), embed)); ops before the norm are null where the pattern differs.
struct PleInput {
  ScaleOp result;
  AddOp sum;
  EmbedOp tokens;
  RmsNormOp norm;
  ScaleOp context;
  LinearOp linear;
};

std::optional<PleInput> matchInput(ScaleOp result) {
  auto sum = result.getInput().getDefiningOp<AddOp>();
  if (!sum)
    return std::nullopt;
  for (auto [branch, other] : operandOrders(sum)) {
    auto tokens = other.getDefiningOp<EmbedOp>();
    auto norm = branch.getDefiningOp<RmsNormOp>();
    if (!tokens || !norm)
      continue;
    auto context = norm.getInput().getDefiningOp<ScaleOp>();
    return PleInput{result, sum,     tokens,
                    norm,   context, context ? context.getInput().getDefiningOp<LinearOp>() : LinearOp()};
  }
  return std::nullopt;
}

LogicalResult fuseInput(PleInput input, IRRewriter &rewriter, Report &report) {
  auto [result, sum, tokens, norm, context, linear] = input;
  if (!linear)
    return report.missed(result, result, "the norm does not read a scaled projection");
  if (!norm.getWeightAttr())
    return report.missed(result, result, "the norm has no weight");
  if (tokens.getSoft())
    return report.missed(result, tokens, "the embedding takes soft rows");
  Group group(result, result, {sum, tokens, norm, context, linear});
  if (failed(group.isClosed(report)))
    return failure();
  rewriter.setInsertionPoint(result);
  group.replace(rewriter, PleInputOp::create(rewriter, result.getLoc(), result.getType(), tokens.getIds(),
                                             linear.getInput(), tokens.getTableAttr(), linear.getWeightAttr(),
                                             norm.getWeightAttr(), norm.getGroupsAttr(), tokens.getScaleAttr(),
                                             context.getFactorAttr(), result.getFactorAttr(), norm.getEpsAttr()));
  return success();
}

LogicalResult fuseMix(AddOp add, const Branch<GegluOp> &branch, SliceOp slice, IRRewriter &rewriter, Report &report) {
  auto [residual, norm, proj, geglu] = branch;
  auto gate = geglu.getGate().getDefiningOp<LinearOp>();
  if (!gate)
    return report.missed(add, geglu, "the gate is not a projection");
  if (gate.getInput() != residual)
    return report.missed(add, geglu, "the gate does not read the residual stream");
  if (!isRowNorm(norm))
    return report.missed(add, geglu, "the post norm is not a norm of whole rows with a weight");
  if (slice.getOffset() % slice.getType().getShape().back())
    return report.missed(add, geglu, "the slice's offset is no multiple of its width");
  Group group(add, geglu, {norm, proj, geglu, slice, gate});
  if (failed(group.isClosed(report)))
    return failure();
  LayerScaleOp scale = followingScale(add, report);
  if (scale)
    group.last = scale, group.add({scale});
  rewriter.setInsertionPoint(group.last);
  group.replace(rewriter, PleMixOp::create(rewriter, geglu.getLoc(), add.getType(), residual, slice.getInput(),
                                           slice.getOffsetAttr(), gate.getWeightAttr(), proj.getWeightAttr(),
                                           norm.getWeightAttr(), norm.getEpsAttr(),
                                           scale ? scale.getWeightAttr() : FlatSymbolRefAttr()));
  return success();
}

/// The slice of a layer and what reads it; a scale that is no query's.
bool ownsPle(Operation *op) {
  auto geglu = dyn_cast<GegluOp>(op);
  return isa<SliceOp, ScaleOp>(op) || (geglu && geglu.getUp().getDefiningOp<SliceOp>());
}

void runPle(func::FuncOp function, IRRewriter &rewriter, Report &report) {
  SmallVector<PleInput> inputs; // before one match erases another's scale
  for (ScaleOp scale : opsOf<ScaleOp>(function))
    if (auto input = matchInput(scale))
      inputs.push_back(*input);
  for (const PleInput &input : inputs)
    (void)fuseInput(input, rewriter, report);
  for (AddOp add : opsOf<AddOp>(function))
    if (auto branch = matchBranch<GegluOp>(add))
      if (auto slice = branch->key.getUp().getDefiningOp<SliceOp>())
        (void)fuseMix(add, *branch, slice, rewriter, report);
  for (GegluOp geglu : opsOf<GegluOp>(function))
    if (geglu.getUp().getDefiningOp<SliceOp>())
      report.missedKey(geglu, "no residual add of a normed projection reads it");
  if (inputs.empty())
    for (ScaleOp scale : opsOf<ScaleOp>(function))
      report.missedKey(scale, "it is no part of the per-layer inputs");
}

} // namespace

const Fusion ple = {.pass = "gemma-fuse-ple",
                    .summary =
                        "Per-layer embeddings: their input becomes gemma.ple_input, their use in a layer gemma.ple_mix",
                    .owns = ownsPle,
                    .run = runPle};

} // namespace gemmac::fuse
