// gemma-fuse-attend: residual + rms_norm(linear(attention)).
#include "passes/fuse/Group.h"
#include "passes/fuse/Passes.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac {
#define GEN_PASS_DEF_FUSEATTEND
#include "passes/fuse/Passes.h.inc"

namespace {

/// The attention reads its cache where the fused op stands, so nothing may write it in between.
bool writesCache(Operation *op, FlatSymbolRefAttr cache) {
  if (auto write = dyn_cast<KvWriteOp>(op))
    return write.getCacheAttr() == cache;
  if (auto qkv = dyn_cast<QkvOp>(op))
    return qkv.getCacheAttr() == cache;
  return false;
}

LogicalResult fuseAttend(AddOp add, const fuse::Branch<AttentionOp> &branch, IRRewriter &rewriter,
                         fuse::Report &report) {
  auto [residual, norm, linear, attention] = branch;
  fuse::Group group(add, attention, {norm, linear, attention});
  if (!fuse::isRowNorm(norm))
    return report.missed(add, attention, "the post norm is not a norm of whole rows with a weight");
  if (failed(group.isClosed(report)))
    return failure();
  for (Operation *op = attention->getNextNode(); op != add.getOperation(); op = op->getNextNode())
    if (writesCache(op, attention.getCacheAttr()))
      return report.missed(add, attention, "the cache is written between the attention and the residual add");
  rewriter.setInsertionPoint(add);
  group.replace(rewriter, AttendOp::create(rewriter, attention.getLoc(), add.getType(), attention.getQuery(), residual,
                                           attention.getPositions(), attention.getCacheAttr(), attention.getHeadsAttr(),
                                           linear.getWeightAttr(), norm.getWeightAttr(), norm.getEpsAttr()));
  return success();
}

struct FuseAttend : impl::FuseAttendBase<FuseAttend> {
  void runOnOperation() override {
    fuse::Report report(getArgument());
    IRRewriter rewriter(&getContext());
    for (AddOp add : fuse::opsOf<AddOp>(getOperation()))
      if (auto branch = fuse::matchBranch<AttentionOp>(add))
        (void)fuseAttend(add, *branch, rewriter, report);
    for (AttentionOp attention : fuse::opsOf<AttentionOp>(getOperation()))
      report.missedKey(attention, "no residual add of a normed projection reads it");
  }
};

} // namespace
} // namespace gemmac
