// gemma-fuse-head: what the function returns, linear(rms_norm(x)) with or without a softcap behind it, becomes
// gemma.head. Left alone: an intermediate with another reader, a norm without weight or of several groups.
#include "passes/fuse/Fusions.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac::fuse {
namespace {

LogicalResult fuseHead(Value logits, IRRewriter &rewriter, Report &report) {
  auto cap = logits.getDefiningOp<SoftcapOp>();
  auto linear = (cap ? cap.getInput() : logits).getDefiningOp<LinearOp>();
  if (!cap && !linear)
    return success(); // nothing that could be a head
  Operation *last = cap ? cap.getOperation() : linear.getOperation();
  auto norm = linear ? linear.getInput().getDefiningOp<RmsNormOp>() : RmsNormOp();
  if (!norm)
    return report.missed(last, last, "what is returned is not a projection of a norm");
  if (!isRowNorm(norm))
    return report.missed(last, last, "the final norm is not a norm of whole rows with a weight");
  Group group(last, last, {norm});
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

bool ownsHead(Operation *op) { return isa<SoftcapOp>(op); }

void runHead(func::FuncOp function, IRRewriter &rewriter, Report &report) {
  for (auto returned : opsOf<func::ReturnOp>(function))
    for (Value logits : llvm::to_vector(returned.getOperands()))
      (void)fuseHead(logits, rewriter, report);
  for (SoftcapOp cap : opsOf<SoftcapOp>(function))
    report.missedKey(cap, "it is not what the function returns");
}

} // namespace

const Fusion head = {.pass = "gemma-fuse-head",
                     .summary = "Final norm, output matrix and softcap become gemma.head",
                     .owns = ownsHead,
                     .run = runHead};

} // namespace gemmac::fuse
