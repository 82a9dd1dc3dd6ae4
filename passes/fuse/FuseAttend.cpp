// gemma-fuse-attend: add(x, rms_norm(linear(attention(query)))) becomes gemma.attend at the place of the add. Left
// alone: an intermediate with another reader, a norm without weight or of several groups, a write to the same cache on
// the way.
#include "passes/fuse/Fusions.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac::fuse {
namespace {

LogicalResult fuseAttend(AddOp add, const Branch<AttentionOp> &branch, IRRewriter &rewriter, Report &report) {
  auto [residual, norm, linear, attention] = branch;
  Group group(add, attention, {norm, linear, attention});
  if (!isRowNorm(norm))
    return report.missed(add, attention, "the post norm is not a norm of whole rows with a weight");
  if (failed(group.isClosed(report)))
    return failure();
  // The attention reads its cache where the fused op stands, so nothing may write it in between.
  for (Operation *op = attention->getNextNode(); op != add.getOperation(); op = op->getNextNode())
    if (writesCache(op, attention.getCacheAttr()))
      return report.missed(add, attention, "the cache is written between the attention and the residual add");
  rewriter.setInsertionPoint(add);
  group.replace(rewriter, AttendOp::create(rewriter, attention.getLoc(), add.getType(), attention.getQuery(), residual,
                                           attention.getPositions(), attention.getCacheAttr(), attention.getHeadsAttr(),
                                           linear.getWeightAttr(), norm.getWeightAttr(), norm.getEpsAttr(),
                                           attention.getBlocksAttr()));
  return success();
}

bool ownsAttend(Operation *op) { return isa<AttentionOp>(op); }

void runAttend(func::FuncOp function, IRRewriter &rewriter, Report &report) {
  for (AddOp add : opsOf<AddOp>(function))
    if (auto branch = matchBranch<AttentionOp>(add))
      (void)fuseAttend(add, *branch, rewriter, report);
  for (AttentionOp attention : opsOf<AttentionOp>(function))
    report.missedKey(attention, "no residual add of a normed projection reads it");
}

} // namespace

const Fusion attend = {.pass = "gemma-fuse-attend",
                       .summary = "Attention, output projection, post norm and residual add become gemma.attend",
                       .owns = ownsAttend,
                       .run = runAttend};

} // namespace gemmac::fuse
