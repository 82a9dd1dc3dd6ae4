// gemma-fuse-ffn: add(x, rms_norm(linear(geglu(linear(y), linear(y))))) with y = rms_norm(x) becomes gemma.ffn; a
// layer_scale that is the only reader of the sum becomes part of it. Left alone: an intermediate with another reader, a
// pre norm of something else than the residual stream, norms of unlike eps.
#include "passes/fuse/Fusions.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac::fuse {
namespace {

/// The geglu of gemma-fuse-ple takes a slice of the per-layer inputs.
bool belongsToPle(GegluOp geglu) { return geglu.getUp().getDefiningOp<SliceOp>() != nullptr; }

LogicalResult fuseFfn(AddOp add, const Branch<GegluOp> &branch, IRRewriter &rewriter, Report &report) {
  auto [residual, postNorm, down, geglu] = branch;
  StringRef why;
  auto mlp = matchMlp(down, geglu, residual, why);
  if (!mlp)
    return report.missed(add, geglu, why);
  if (!isRowNorm(postNorm))
    return report.missed(add, geglu, "the post norm is not a norm of whole rows with a weight");
  if (!equalEps({mlp->preNorm, postNorm}))
    return report.missed(add, geglu, "the norms have unlike eps");
  Group body(add, geglu, {postNorm, down, geglu, mlp->up, mlp->gate, mlp->preNorm});
  if (failed(body.isClosed(report)))
    return failure();
  LayerScaleOp scale = followingScale(add, report);
  Group group = body;
  if (scale)
    group.last = scale, group.add({scale});
  rewriter.setInsertionPoint(group.last);
  group.replace(rewriter, FfnOp::create(rewriter, geglu.getLoc(), add.getType(), residual, mlp->preNorm.getWeightAttr(),
                                        mlp->gate.getWeightAttr(), mlp->up.getWeightAttr(), down.getWeightAttr(),
                                        postNorm.getWeightAttr(), postNorm.getEpsAttr(),
                                        scale ? scale.getWeightAttr() : FlatSymbolRefAttr()));
  return success();
}

bool ownsFfn(Operation *op) {
  auto geglu = dyn_cast<GegluOp>(op);
  return geglu && !belongsToPle(geglu);
}

void runFfn(func::FuncOp function, IRRewriter &rewriter, Report &report) {
  for (AddOp add : opsOf<AddOp>(function))
    if (auto branch = matchBranch<GegluOp>(add); branch && !belongsToPle(branch->key))
      (void)fuseFfn(add, *branch, rewriter, report);
  for (GegluOp geglu : opsOf<GegluOp>(function))
    if (!belongsToPle(geglu))
      report.missedKey(geglu, "no residual add of a normed projection reads it");
}

} // namespace

const Fusion ffn = {.pass = "gemma-fuse-ffn",
                    .summary =
                        "Pre norm, GeGLU MLP, post norm, residual add and a layer_scale that follows become gemma.ffn",
                    .owns = ownsFfn,
                    .run = runFfn};

} // namespace gemmac::fuse
