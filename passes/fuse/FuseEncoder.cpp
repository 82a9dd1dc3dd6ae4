// gemma-fuse-patches, gemma-fuse-encoder-attention, gemma-fuse-pool: the parts of the vision tower that text does not
// have; its MLPs are those of text.
#include "passes/fuse/Fusions.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac::fuse {
namespace {

//===--- patches: add_places(linear(affine(patches)))
//---------------------------------------------------------------===//

LogicalResult fusePatches(AddPlacesOp add, IRRewriter &rewriter, Report &report) {
  auto linear = add.getInput().getDefiningOp<LinearOp>();
  auto affine = linear ? linear.getInput().getDefiningOp<AffineOp>() : AffineOp();
  if (!affine)
    return report.missed(add, add, "what places are added to is not a projection of patches times a factor");
  Group group(add, add, {linear, affine});
  if (failed(group.isClosed(report)))
    return failure();
  rewriter.setInsertionPoint(add);
  group.replace(rewriter, PatchEmbedOp::create(rewriter, add.getLoc(), add.getType(), affine.getInput(),
                                               add.getPlaces(), affine.getFactorAttr(), affine.getOffsetAttr(),
                                               linear.getWeightAttr(), add.getColumnsAttr(), add.getRowsAttr()));
  return success();
}

bool ownsPatches(Operation *op) { return isa<AffineOp>(op); }

void runPatches(func::FuncOp function, IRRewriter &rewriter, Report &report) {
  for (AddPlacesOp add : opsOf<AddPlacesOp>(function))
    (void)fusePatches(add, rewriter, report);
}

//===--- attention of all rows to all
//-------------------------------------------------------------------------------===//

/// rope_places(rms_norm(linear(y))), the norm per head.
struct TurnedHeads {
  RopePlacesOp rope;
  RmsNormOp norm;
  LinearOp linear;
};

std::optional<TurnedHeads> matchTurnedHeads(Value value) {
  auto rope = value.getDefiningOp<RopePlacesOp>();
  auto norm = rope ? rope.getInput().getDefiningOp<RmsNormOp>() : RmsNormOp();
  auto linear = norm ? norm.getInput().getDefiningOp<LinearOp>() : LinearOp();
  if (!linear || !norm.getWeightAttr() || norm.getGroups() != rope.getHeads())
    return std::nullopt;
  return TurnedHeads{rope, norm, linear};
}

/// What `attention` is made of, up to the norm of the layer's input.
struct EncoderLayer {
  TurnedHeads query, keys;
  RmsNormOp valueNorm;
  LinearOp value;
  RmsNormOp inputNorm;
};

std::optional<EncoderLayer> matchEncoderLayer(AttentionAllOp attention, StringRef &why) {
  auto query = matchTurnedHeads(attention.getQuery()), keys = matchTurnedHeads(attention.getKeys());
  auto valueNorm = attention.getValues().getDefiningOp<RmsNormOp>();
  auto value = valueNorm ? valueNorm.getInput().getDefiningOp<LinearOp>() : LinearOp();
  if (!query || !keys || query->rope.getHeads() != attention.getHeads()) {
    why = "queries and keys are not projections, normed per head and turned";
    return std::nullopt;
  }
  if (!value || valueNorm.getWeightAttr() || valueNorm.getGroups() != attention.getKvHeads()) {
    why = "the values are not a projection, normed per head without a weight";
    return std::nullopt;
  }
  auto inputNorm = value.getInput().getDefiningOp<RmsNormOp>();
  if (!inputNorm || query->linear.getInput() != value.getInput() || keys->linear.getInput() != value.getInput()) {
    why = "queries, keys and values are not projections of one norm";
    return std::nullopt;
  }
  if (query->rope.getPlaces() != keys->rope.getPlaces() || query->rope.getThetaAttr() != keys->rope.getThetaAttr()) {
    why = "queries and keys are not turned alike";
    return std::nullopt;
  }
  return EncoderLayer{*query, *keys, valueNorm, value, inputNorm};
}

LogicalResult fuseEncoderAttention(AddOp add, const Branch<AttentionAllOp> &branch, IRRewriter &rewriter,
                                   Report &report) {
  auto [residual, postNorm, output, attention] = branch;
  StringRef why;
  auto layer = matchEncoderLayer(attention, why);
  if (!layer)
    return report.missed(add, attention, why);
  if (!isRowNorm(postNorm) || !isRowNorm(layer->inputNorm) || layer->inputNorm.getInput() != residual)
    return report.missed(add, attention, "the norms around it are not of whole rows of the residual stream");
  if (!equalEps({postNorm, layer->inputNorm, layer->query.norm, layer->keys.norm, layer->valueNorm}))
    return report.missed(add, attention, "the norms have unlike eps");
  auto [query, keys, valueNorm, value, inputNorm] = *layer;
  Group group(add, attention,
              {postNorm, output, attention, query.rope, query.norm, query.linear, keys.rope, keys.norm, keys.linear,
               valueNorm, value, inputNorm});
  if (failed(group.isClosed(report)))
    return failure();
  rewriter.setInsertionPoint(add);
  int64_t headDim = query.rope.getType().getShape().back() / static_cast<int64_t>(attention.getHeads());
  group.replace(rewriter, EncoderAttentionOp::create(
                              rewriter, attention.getLoc(), add.getType(), residual, query.rope.getPlaces(),
                              inputNorm.getWeightAttr(), query.linear.getWeightAttr(), keys.linear.getWeightAttr(),
                              value.getWeightAttr(), output.getWeightAttr(), query.norm.getWeightAttr(),
                              keys.norm.getWeightAttr(), postNorm.getWeightAttr(), attention.getHeadsAttr(),
                              attention.getKvHeadsAttr(), rewriter.getI64IntegerAttr(headDim),
                              query.rope.getThetaAttr(), postNorm.getEpsAttr()));
  return success();
}

bool ownsEncoderAttention(Operation *op) { return isa<AttentionAllOp, RopePlacesOp>(op); }

void runEncoderAttention(func::FuncOp function, IRRewriter &rewriter, Report &report) {
  for (AddOp add : opsOf<AddOp>(function))
    if (auto branch = matchBranch<AttentionAllOp>(add))
      (void)fuseEncoderAttention(add, *branch, rewriter, report);
  for (AttentionAllOp attention : opsOf<AttentionAllOp>(function))
    report.missedKey(attention, "no residual add of a normed projection reads it");
}

//===--- pooling: linear(rms_norm(standardize(pool(x))))
//------------------------------------------------------------===//

LogicalResult fusePool(PoolOp pool, IRRewriter &rewriter, Report &report) {
  Operation *reader = pool->hasOneUse() ? *pool->user_begin() : nullptr;
  auto standardize = dyn_cast_or_null<StandardizeOp>(reader);
  if (standardize)
    reader = standardize->hasOneUse() ? *standardize->user_begin() : nullptr;
  auto norm = dyn_cast_or_null<RmsNormOp>(reader);
  auto linear = norm && norm->hasOneUse() ? dyn_cast<LinearOp>(*norm->user_begin()) : LinearOp();
  if (!linear || norm.getWeightAttr() || norm.getGroups() != 1)
    return report.missed(pool, pool, "no projection of its norm, a norm of whole rows without a weight, reads it");
  Group group(linear, pool, {norm, pool});
  if (standardize)
    group.add({standardize});
  if (failed(group.isClosed(report)))
    return failure();
  rewriter.setInsertionPoint(linear);
  FlatSymbolRefAttr none;
  group.replace(rewriter,
                PoolProjectOp::create(rewriter, pool.getLoc(), linear.getType(), pool.getInput(), pool.getCountAttr(),
                                      pool.getFactorAttr(), standardize ? standardize.getBiasAttr() : none,
                                      standardize ? standardize.getScaleAttr() : none, linear.getWeightAttr(),
                                      norm.getEpsAttr()));
  return success();
}

bool ownsPool(Operation *op) { return isa<PoolOp, StandardizeOp>(op); }

void runPool(func::FuncOp function, IRRewriter &rewriter, Report &report) {
  for (PoolOp pool : opsOf<PoolOp>(function))
    (void)fusePool(pool, rewriter, report);
}

} // namespace

const Fusion patches = {.pass = "gemma-fuse-patches",
                        .summary = "Patches times a factor, their projection and places become gemma.patch_embed",
                        .owns = ownsPatches,
                        .run = runPatches};

const Fusion encoderAttention = {.pass = "gemma-fuse-encoder-attention",
                                 .summary = "Norms, projections, attention of all rows to all and residual add become "
                                            "gemma.encoder_attention",
                                 .owns = ownsEncoderAttention,
                                 .run = runEncoderAttention};

const Fusion pool = {.pass = "gemma-fuse-pool",
                     .summary = "Pooling, standardisation, norm and projection become gemma.pool_project",
                     .owns = ownsPool,
                     .run = runPool};

} // namespace gemmac::fuse
