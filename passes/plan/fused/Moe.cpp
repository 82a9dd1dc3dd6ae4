// Steps of the dense MLP and the mixture of experts side by side (spec 3.3, 3.8).
#include "passes/plan/FunctionBuilder.h"

#include "dialects/formats/Format.h"

using namespace mlir;

namespace gemmac {

using namespace gemma;

namespace {

struct MoeWeights {
  PackedOp preNorm, gateUp, down, postNorm1;              // dense branch
  PackedOp routerScale, routerProj, perExpertScale;       // router
  PackedOp preNorm2, expertGateUp, expertDown, postNorm2; // experts
  PackedOp postNorm, layerScale;
};

} // namespace

static MoeWeights packMoe(MoeOp op, PackedWeights &weights, int64_t width, int64_t inner, int64_t experts,
                          int64_t expertInner) {
  auto whole = [&](int64_t n) { return wholeAxis(op.getContext(), n); };
  return {
      .preNorm = weights.vector(op, op.getPreNormAttr()),
      .gateUp = weights.matrix(op, {op.getGateAttr(), op.getUpAttr()}, whole(inner), whole(width), /*interleave=*/true),
      .down = weights.matrix(op, op.getDownAttr(), whole(width), whole(inner)),
      .postNorm1 = weights.vector(op, op.getPostNorm_1Attr()),
      .routerScale = weights.vector(op, op.getRouterScaleAttr()),
      .routerProj = weights.matrix(op, op.getRouterProjAttr(), whole(experts), whole(width)),
      .perExpertScale = weights.vector(op, op.getPerExpertScaleAttr()),
      .preNorm2 = weights.vector(op, op.getPreNorm_2Attr()),
      .expertGateUp = weights.matrix(op, op.getGateUpAttr(), whole(expertInner), whole(width), /*interleave=*/true),
      .expertDown = weights.matrix(op, op.getExpertsDownAttr(), whole(width), whole(expertInner)),
      .postNorm2 = weights.vector(op, op.getPostNorm_2Attr()),
      .postNorm = weights.vector(op, op.getPostNormAttr()),
      .layerScale = weights.vector(op, op.getLayerScaleAttr()),
  };
}

/// The steps stand in stages, and a stage holds what does not depend on itself, so that each stage costs one barrier
/// with one row (two with more): norms, gate-up and scores | route, expert up, down | expert down | norms and adds.
LogicalResult plan(MoeOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  WeightOp gate = weights.weight(op, op.getGateAttr()), expertDown = weights.weight(op, op.getExpertsDownAttr());
  if (!gate || !expertDown)
    return failure();
  ArrayRef<int64_t> expertShape = cast<RankedTensorType>(expertDown.getType()).getShape();
  int64_t width = widthOf(op.getInput()), inner = cast<RankedTensorType>(gate.getType()).getDimSize(0);
  int64_t experts = expertShape.front(), topK = op.getTopK();
  MoeWeights packed = packMoe(op, weights, width, inner, experts, expertShape.back());
  if (weights.failed())
    return failure();
  OpBuilder &ops = steps.getBuilder();
  Location location = op.getLoc();
  FloatAttr eps = op.getEpsAttr();
  Value x = builder.bufferOf(op.getInput());

  Value denseInput = steps.norm(x, packed.preNorm, packed.gateUp, eps, width);
  Value routerInput = steps.norm(x, packed.routerScale, packed.routerProj, eps, width, op.getRouterFactorAttr());
  Value expertInput = steps.norm(x, packed.preNorm2, packed.expertGateUp, eps, width);
  Value scores = steps.matmul(routerInput, packed.routerProj);
  Value hidden = steps.matmul(denseInput, packed.gateUp);

  Value picks = steps.rowBuffer(topK, Element::I32), pickWeights = steps.rowBuffer(topK);
  RouteStep::create(ops, location, scores, picks, pickWeights, ops.getI64IntegerAttr(experts), op.getTopKAttr(),
                    referTo(packed.perExpertScale), steps.replicated());
  Value hiddenOperand = steps.operand(hidden, packed.down);
  Value dense = steps.matmul(hiddenOperand, packed.down);
  Value expertHidden = steps.sharedBuffer(packed.expertGateUp.getRows() / 2, topK);
  ExpertUpStep::create(ops, location, expertInput, referTo(packed.expertGateUp), picks, expertHidden, op.getTopKAttr());

  Value expertOperand = steps.operand(expertHidden, packed.expertDown);
  Value mixed = steps.sharedBuffer(width);
  ExpertDownStep::create(ops, location, expertOperand, referTo(packed.expertDown), picks, pickWeights, mixed,
                         op.getTopKAttr());

  Value sum = steps.norm(dense, packed.postNorm1, Format::F32, eps, width);
  steps.addNorm(sum, mixed, sum, packed.postNorm2, /*layerScale=*/{}, eps, width);
  Value result = builder.bufferOf(op.getResult()) = builder.residualOf(op, op.getInput());
  steps.addNorm(x, sum, result, packed.postNorm, packed.layerScale, eps, width);
  return success();
}

} // namespace gemmac
