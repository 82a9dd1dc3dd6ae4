// gemma-fuse-normed-patches, gemma-fuse-norm-project: what models without encoders do to pixels and samples. Left
// alone: an intermediate with another reader, layer norms of parts of rows, without a bias or with unlike eps; a norm
// with a weight.
#include "passes/fuse/Fusions.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac::fuse {
namespace {

//===--- patches: layer_norm(add_places(layer_norm(linear(layer_norm(patches)))))
//-------------------------------------------------------------------------------------------------------------===//

/// A layer norm of whole rows with a bias.
bool isShifted(LayerNormOp norm) { return norm && norm.getGroups() == 1 && norm.getBiasAttr(); }

LogicalResult fuseNormedPatches(AddPlacesOp add, IRRewriter &rewriter, Report &report) {
  auto inner = add.getInput().getDefiningOp<LayerNormOp>();
  auto shift = inner ? inner.getInput().getDefiningOp<AddBiasOp>() : AddBiasOp();
  auto linear = shift ? shift.getInput().getDefiningOp<LinearOp>() : LinearOp();
  auto first = linear ? linear.getInput().getDefiningOp<LayerNormOp>() : LayerNormOp();
  if (!first)
    return failure();
  auto last = add->hasOneUse() ? dyn_cast<LayerNormOp>(*add->user_begin()) : LayerNormOp();
  if (!isShifted(first) || !isShifted(inner) || !isShifted(last))
    return report.missed(add, add, "its layer norms are not of whole rows with a bias, one of them behind the places");
  if (first.getEpsAttr() != inner.getEpsAttr() || inner.getEpsAttr() != last.getEpsAttr())
    return report.missed(add, add, "its layer norms have unlike eps");
  Group group(last, add, {add, inner, shift, linear, first});
  if (failed(group.isClosed(report)))
    return failure();
  rewriter.setInsertionPoint(last);
  group.replace(rewriter, NormedPatchEmbedOp::create(
                              rewriter, add.getLoc(), last.getType(), first.getInput(), add.getPlaces(),
                              first.getWeightAttr(), first.getBiasAttr(), linear.getWeightAttr(), shift.getBiasAttr(),
                              inner.getWeightAttr(), inner.getBiasAttr(), add.getColumnsAttr(), add.getRowsAttr(),
                              add.getAlternatingAttr(), last.getWeightAttr(), last.getBiasAttr(), last.getEpsAttr()));
  return success();
}

bool ownsNormedPatches(Operation *op) {
  auto norm = dyn_cast<LayerNormOp>(op);
  return norm && norm.getBiasAttr();
}

void runNormedPatches(func::FuncOp function, IRRewriter &rewriter, Report &report) {
  for (AddPlacesOp add : opsOf<AddPlacesOp>(function))
    (void)fuseNormedPatches(add, rewriter, report);
}

//===--- the projection to the text model: linear(rms_norm(x))
//-------------------------------------------------------------------------------------------------------------===//

void runNormProject(func::FuncOp function, IRRewriter &rewriter, Report &report) {
  for (LinearOp linear : opsOf<LinearOp>(function)) {
    auto norm = linear.getInput().getDefiningOp<RmsNormOp>();
    if (!norm || norm.getWeightAttr() || norm.getGroups() != 1)
      continue;
    Group group(linear, norm, {norm});
    if (failed(group.isClosed(report)))
      continue;
    rewriter.setInsertionPoint(linear);
    group.replace(rewriter, NormProjectOp::create(rewriter, linear.getLoc(), linear.getType(), norm.getInput(),
                                                  linear.getWeightAttr(), norm.getEpsAttr()));
  }
}

} // namespace

const Fusion normedPatches = {.pass = "gemma-fuse-normed-patches",
                              .summary = "Patches, their projection between layer norms and places become "
                                         "gemma.normed_patch_embed",
                              .owns = ownsNormedPatches,
                              .run = runNormedPatches};

const Fusion normProject = {.pass = "gemma-fuse-norm-project",
                            .summary = "A norm without weight and a projection become gemma.norm_project",
                            .owns = [](Operation *) { return false; },
                            .run = runNormProject};

} // namespace gemmac::fuse
