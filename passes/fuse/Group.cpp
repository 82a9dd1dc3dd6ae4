// Groups of ops that become one, and the remarks on those that do not.
#include "passes/fuse/Group.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac::fuse {

LogicalResult Report::missed(Operation *last, Operation *key, const Twine &why) {
  accounted.insert(key);
  auto function = last->getParentOfType<func::FuncOp>();
  auto options = remark::RemarkOpts::name("not-fused").category(pass).function(function ? function.getName() : "");
  remark::missed(last->getLoc(), options) << remark::reason("{0}", why.str());
  return failure();
}

void Report::missedKey(Operation *key, const Twine &why) {
  if (!accounted.contains(key))
    (void)missed(key, key, why);
}

Group::Group(Operation *last, Operation *key, std::initializer_list<Operation *> rest) : last(last), key(key) {
  ops.push_back(last);
  ops.append(rest);
}

LogicalResult Group::isClosed(Report &report) const {
  for (Operation *op : ops) {
    if (op->getBlock() != last->getBlock())
      return report.missed(last, key, "'" + op->getName().getStringRef() + "' of the group lies in another block");
    if (op == last)
      continue;
    for (Operation *user : op->getUsers())
      if (!llvm::is_contained(ops, user))
        return report.missed(last, key,
                             "'" + op->getName().getStringRef() + "' has another reader, '" +
                                 user->getName().getStringRef() + "'");
  }
  return success();
}

void Group::replace(RewriterBase &rewriter, Operation *fused) const {
  rewriter.replaceAllUsesWith(last->getResults(), fused->getResults());
  SmallVector<Operation *, 16> order(ops);
  llvm::sort(order, [](Operation *a, Operation *b) { return b->isBeforeInBlock(a); });
  for (Operation *op : order) // readers before what they read
    rewriter.eraseOp(op);
}

bool touchesCache(Operation *op, FlatSymbolRefAttr cache) {
  return llvm::any_of(op->getAttrDictionary(), [&](NamedAttribute attribute) { return attribute.getValue() == cache; });
}

bool writesCache(Operation *op, FlatSymbolRefAttr cache) {
  return touchesCache(op, cache) && hasEffect<MemoryEffects::Write>(op);
}

bool isRowNorm(RmsNormOp norm) { return norm.getWeightAttr() && norm.getGroups() == 1; }

bool equalEps(ArrayRef<RmsNormOp> norms) {
  RmsNormOp first = norms.front();
  return llvm::all_of(norms, [&](RmsNormOp norm) { return norm.getEpsAttr() == first.getEpsAttr(); });
}

LayerScaleOp followingScale(AddOp sum, Report &report) {
  if (sum->hasOneUse())
    return dyn_cast<LayerScaleOp>(*sum->user_begin());
  for (Operation *user : sum->getUsers())
    if (isa<LayerScaleOp>(user))
      (void)report.missed(user, user, "its input has another reader");
  return {};
}

std::optional<Mlp> matchMlp(LinearOp down, GegluOp geglu, Value input, StringRef &why) {
  auto gate = geglu.getGate().getDefiningOp<LinearOp>();
  auto up = geglu.getUp().getDefiningOp<LinearOp>();
  if (!gate || !up || gate == up || gate.getInput() != up.getInput()) {
    why = "gate and up are not two projections of one value";
    return std::nullopt;
  }
  auto preNorm = gate.getInput().getDefiningOp<RmsNormOp>();
  if (!preNorm || !isRowNorm(preNorm)) {
    why = "the MLP's input is not a norm of whole rows with a weight";
    return std::nullopt;
  }
  if (preNorm.getInput() != input) {
    why = "the MLP's norm does not read the residual stream";
    return std::nullopt;
  }
  return Mlp{preNorm, gate, up, down, geglu};
}

} // namespace gemmac::fuse
