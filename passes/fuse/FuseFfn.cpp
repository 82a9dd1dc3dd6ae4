// gemma-fuse-ffn: (residual + rms_norm(mlp(rms_norm(residual)))) * layer_scale.
#include "passes/fuse/Group.h"
#include "passes/fuse/Passes.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac {
#define GEN_PASS_DEF_FUSEFFN
#include "passes/fuse/Passes.h.inc"

namespace {

/// The geglu of gemma-fuse-ple takes a slice of the per-layer inputs.
bool belongsToPle(GegluOp geglu) { return geglu.getUp().getDefiningOp<SliceOp>() != nullptr; }

LogicalResult fuseFfn(AddOp add, const fuse::Branch<GegluOp> &branch, IRRewriter &rewriter, fuse::Report &report) {
  auto [residual, postNorm, down, geglu] = branch;
  StringRef why;
  auto mlp = fuse::matchMlp(down, geglu, residual, why);
  if (!mlp)
    return report.missed(add, geglu, why);
  if (!fuse::isRowNorm(postNorm))
    return report.missed(add, geglu, "the post norm is not a norm of whole rows with a weight");
  if (!fuse::equalEps({mlp->preNorm, postNorm}))
    return report.missed(add, geglu, "the norms have unlike eps");
  fuse::Group body(add, geglu, {postNorm, down, geglu, mlp->up, mlp->gate, mlp->preNorm});
  if (failed(body.isClosed(report)))
    return failure();
  LayerScaleOp scale = fuse::followingScale(add, report);
  fuse::Group group = body;
  if (scale)
    group.last = scale, group.add({scale});
  rewriter.setInsertionPoint(group.last);
  group.replace(rewriter, FfnOp::create(rewriter, geglu.getLoc(), add.getType(), residual, mlp->preNorm.getWeightAttr(),
                                        mlp->gate.getWeightAttr(), mlp->up.getWeightAttr(), down.getWeightAttr(),
                                        postNorm.getWeightAttr(), postNorm.getEpsAttr(),
                                        scale ? scale.getWeightAttr() : FlatSymbolRefAttr()));
  return success();
}

struct FuseFfn : impl::FuseFfnBase<FuseFfn> {
  void runOnOperation() override {
    fuse::Report report(getArgument());
    IRRewriter rewriter(&getContext());
    for (AddOp add : fuse::opsOf<AddOp>(getOperation()))
      if (auto branch = fuse::matchBranch<GegluOp>(add); branch && !belongsToPle(branch->key))
        (void)fuseFfn(add, *branch, rewriter, report);
    for (GegluOp geglu : fuse::opsOf<GegluOp>(getOperation()))
      if (!belongsToPle(geglu))
        report.missedKey(geglu, "no residual add of a normed projection reads it");
  }
};

} // namespace
} // namespace gemmac
