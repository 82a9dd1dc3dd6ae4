// gemma-fuse-moe: dense MLP and experts side by side, both from the residual stream,
//
//   add(x, rms_norm(add(rms_norm(mlp(rms_norm(x))), rms_norm(experts(rms_norm(x), router(x))))))
//
// become gemma.moe, with a layer_scale that follows. Left alone: an intermediate with another reader, a branch that
// does not start from the residual stream, norms of unlike eps.
#include "passes/fuse/Fusions.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac::fuse {
namespace {

/// residual + rms_norm(rms_norm(dense) + rms_norm(experts))
struct MoeTail {
  Value residual;
  RmsNormOp postNorm, denseNorm, expertNorm;
  AddOp sum;
  ExpertsOp experts;
};

/// Null dense norm: the other branch is no norm.
std::optional<MoeTail> matchTail(AddOp add) {
  for (auto [branch, residual] : operandOrders(add)) {
    auto postNorm = branch.getDefiningOp<RmsNormOp>();
    auto sum = postNorm ? postNorm.getInput().getDefiningOp<AddOp>() : AddOp();
    if (!sum)
      continue;
    for (auto [expertBranch, denseBranch] : operandOrders(sum)) {
      auto expertNorm = expertBranch.getDefiningOp<RmsNormOp>();
      if (auto experts = expertNorm ? expertNorm.getInput().getDefiningOp<ExpertsOp>() : ExpertsOp())
        return MoeTail{residual, postNorm, denseBranch.getDefiningOp<RmsNormOp>(), expertNorm, sum, experts};
    }
  }
  return std::nullopt;
}

/// The router and the norm before the experts, both reading the residual stream.
struct ExpertInputs {
  RouterOp router;
  RmsNormOp preNorm;
};

std::optional<ExpertInputs> matchExpertInputs(ExpertsOp experts, Value residual, StringRef &why) {
  auto router = experts.getWeights().getDefiningOp<RouterOp>();
  if (!router || experts.getWeights() != router.getWeights() || experts.getPicks() != router.getPicks()) {
    why = "weights and picks are not those of one router";
    return std::nullopt;
  }
  auto preNorm = experts.getInput().getDefiningOp<RmsNormOp>();
  if (!preNorm || !isRowNorm(preNorm)) {
    why = "the experts' input is not a norm of whole rows with a weight";
    return std::nullopt;
  }
  if (router.getInput() != residual || preNorm.getInput() != residual) {
    why = "router and experts do not start from the residual stream";
    return std::nullopt;
  }
  return ExpertInputs{router, preNorm};
}

Operation *createMoe(IRRewriter &rewriter, const MoeTail &tail, const Mlp &mlp, const ExpertInputs &inputs,
                     LayerScaleOp scale) {
  RouterOp router = inputs.router;
  ExpertsOp experts = tail.experts;
  RmsNormOp denseNorm = tail.denseNorm, expertNorm = tail.expertNorm, postNorm = tail.postNorm;
  RmsNormOp preNorm = mlp.preNorm, preNorm2 = inputs.preNorm;
  LinearOp gate = mlp.gate, up = mlp.up, down = mlp.down;
  return MoeOp::create(rewriter, experts.getLoc(), tail.residual.getType(), tail.residual, preNorm.getWeightAttr(),
                       gate.getWeightAttr(), up.getWeightAttr(), down.getWeightAttr(), denseNorm.getWeightAttr(),
                       router.getProjAttr(), router.getScaleAttr(), router.getPerExpertScaleAttr(),
                       router.getTopKAttr(), router.getFactorAttr(), preNorm2.getWeightAttr(), experts.getGateUpAttr(),
                       experts.getDownAttr(), expertNorm.getWeightAttr(), postNorm.getWeightAttr(),
                       postNorm.getEpsAttr(), scale ? scale.getWeightAttr() : FlatSymbolRefAttr());
}

LogicalResult fuseMoe(AddOp add, MoeTail tail, IRRewriter &rewriter, Report &report) {
  auto refuse = [&](StringRef why) { return report.missed(add, tail.experts, why); };
  auto down = tail.denseNorm ? tail.denseNorm.getInput().getDefiningOp<LinearOp>() : LinearOp();
  auto geglu = down ? down.getInput().getDefiningOp<GegluOp>() : GegluOp();
  if (!geglu)
    return refuse("the other branch is not a normed MLP");
  StringRef why;
  auto mlp = matchMlp(down, geglu, tail.residual, why);
  if (!mlp)
    return refuse(why);
  auto inputs = matchExpertInputs(tail.experts, tail.residual, why);
  if (!inputs)
    return refuse(why);
  if (!isRowNorm(tail.postNorm) || !isRowNorm(tail.denseNorm) || !isRowNorm(tail.expertNorm))
    return refuse("a post norm is not a norm of whole rows with a weight");
  if (!equalEps({tail.postNorm, tail.denseNorm, tail.expertNorm, mlp->preNorm, inputs->preNorm}) ||
      inputs->router.getEpsAttr() != tail.postNorm.getEpsAttr())
    return refuse("the norms have unlike eps");
  Group group(add, tail.experts,
              {tail.postNorm, tail.sum, tail.expertNorm, tail.experts, inputs->router, inputs->preNorm, tail.denseNorm,
               mlp->down, mlp->geglu, mlp->up, mlp->gate, mlp->preNorm});
  if (failed(group.isClosed(report)))
    return failure();
  LayerScaleOp scale = followingScale(add, report);
  if (scale)
    group.last = scale, group.add({scale});
  rewriter.setInsertionPoint(group.last);
  group.replace(rewriter, createMoe(rewriter, tail, *mlp, *inputs, scale));
  return success();
}

bool ownsMoe(Operation *op) { return isa<RouterOp, ExpertsOp>(op); }

void runMoe(func::FuncOp function, IRRewriter &rewriter, Report &report) {
  for (AddOp add : opsOf<AddOp>(function)) // a match erases an earlier add, never a later one
    if (auto tail = matchTail(add))
      (void)fuseMoe(add, *tail, rewriter, report);
  for (ExpertsOp experts : opsOf<ExpertsOp>(function))
    report.missedKey(experts, "no residual add of the normed sum with a dense MLP reads it");
}

} // namespace

const Fusion moe = {
    .pass = "gemma-fuse-moe",
    .summary = "Dense MLP, router, experts, norms, residual add and a layer_scale that follows become gemma.moe",
    .owns = ownsMoe,
    .run = runMoe};

} // namespace gemmac::fuse
