// gemma-fuse-head: what the function returns, softcap(linear(rms_norm)).
#include "passes/fuse/Group.h"
#include "passes/fuse/Passes.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac {
#define GEN_PASS_DEF_FUSEHEAD
#include "passes/fuse/Passes.h.inc"

namespace {

LogicalResult fuseHead(Value logits, IRRewriter &rewriter, fuse::Report &report) {
  auto cap = logits.getDefiningOp<SoftcapOp>();
  auto linear = (cap ? cap.getInput() : logits).getDefiningOp<LinearOp>();
  if (!cap && !linear)
    return success(); // nothing that could be a head
  Operation *last = cap ? cap.getOperation() : linear.getOperation();
  auto norm = linear ? linear.getInput().getDefiningOp<RmsNormOp>() : RmsNormOp();
  if (!norm)
    return report.missed(last, last, "what is returned is not a projection of a norm");
  if (!fuse::isRowNorm(norm))
    return report.missed(last, last, "the final norm is not a norm of whole rows with a weight");
  fuse::Group group(last, last, {norm});
  if (cap)
    group.add({linear});
  if (failed(group.isClosed(report)))
    return failure();
  rewriter.setInsertionPoint(last);
  group.replace(rewriter,
                HeadOp::create(rewriter, last->getLoc(), logits.getType(), norm.getInput(), norm.getWeightAttr(),
                               linear.getWeightAttr(), norm.getEpsAttr(), cap ? cap.getCapAttr() : FloatAttr()));
  return success();
}

struct FuseHead : impl::FuseHeadBase<FuseHead> {
  void runOnOperation() override {
    fuse::Report report(getArgument());
    IRRewriter rewriter(&getContext());
    for (auto returned : fuse::opsOf<func::ReturnOp>(getOperation()))
      for (Value logits : llvm::to_vector(returned.getOperands()))
        (void)fuseHead(logits, rewriter, report);
    for (SoftcapOp cap : fuse::opsOf<SoftcapOp>(getOperation()))
      report.missedKey(cap, "it is not what the function returns");
  }
};

} // namespace
} // namespace gemmac
