// gemma-fuse-qkv: everything of a layer between the residual stream and the attention.
//
//   %y = gemma.rms_norm %x, @in groups 1 eps 0.5 : tensor<?x8xf32>
//   %q = gemma.linear %y, @q : tensor<?x8xf32> -> tensor<?x8xf32>          // then rms_norm @qn per head, rope: %query
//   %k = gemma.linear %y, @k : tensor<?x8xf32> -> tensor<?x4xf32>          // then rms_norm @kn per head, rope: %keys
//   %v = gemma.linear %y, @v : tensor<?x8xf32> -> tensor<?x4xf32>          // then rms_norm per head: %values
//   gemma.kv_write %keys, %values, %p, @kv.0 : tensor<?x4xf32>, tensor<?xi32>
//
// becomes one gemma.qkv, at the place of whichever of kv_write and the query's rope comes later; `v` is absent where
// the values are normed from the raw key projection. A layer without kv_write gives a gemma.qkv without cache. Left
// alone: an intermediate with another reader, heads of unlike sizes or rotations, norms of unlike eps, a query that is
// read before the cache is written, another access to the cache between the two.
#include "passes/fuse/Fusions.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac::fuse {
namespace {

/// rope(rms_norm(linear(y))), the norm per head.
struct Heads {
  RopeOp rope;
  RmsNormOp norm;
  LinearOp linear;

  int64_t headDim() { return rope.getType().getShape().back() / static_cast<int64_t>(rope.getHeads()); }
};

/// A layer's ops; keys and what follows are null in a layer that reuses another's cache. `value` is `keys.linear` where
/// the values are the raw keys; `valueNorm` is null where they are not normed, `queryScale` where the query is not
/// scaled.
struct Layer {
  RmsNormOp inputNorm;
  Heads query, keys;
  RmsNormOp valueNorm;
  LinearOp value;
  KvWriteOp write;
  ScaleOp queryScale;

  /// The op whose result is the query.
  Operation *queryEnd() { return queryScale ? queryScale.getOperation() : query.rope.getOperation(); }
};

std::optional<Heads> matchHeads(RopeOp rope) {
  auto norm = rope ? rope.getInput().getDefiningOp<RmsNormOp>() : RmsNormOp();
  auto linear = norm ? norm.getInput().getDefiningOp<LinearOp>() : LinearOp();
  if (!linear || !norm.getWeightAttr() || norm.getGroups() != rope.getHeads())
    return std::nullopt;
  return Heads{rope, norm, linear};
}

/// Down from the query projection: the only reader of each is the next.
std::optional<Heads> matchQueryBelow(LinearOp linear) {
  auto norm = linear->hasOneUse() ? dyn_cast<RmsNormOp>(*linear->user_begin()) : RmsNormOp();
  auto rope = norm && norm->hasOneUse() ? dyn_cast<RopeOp>(*norm->user_begin()) : RopeOp();
  return matchHeads(rope);
}

/// The layer that `write` belongs to, up to its input norm, without the query.
std::optional<Layer> matchKeysAndValues(KvWriteOp write, StringRef &why) {
  auto keys = matchHeads(write.getKeys().getDefiningOp<RopeOp>());
  if (!keys) {
    why = "the keys are not a rotated, per-head normed projection";
    return std::nullopt;
  }
  auto valueNorm = write.getValues().getDefiningOp<RmsNormOp>();
  auto value = (valueNorm ? valueNorm.getInput() : write.getValues()).getDefiningOp<LinearOp>();
  if (!value || (valueNorm && (valueNorm.getWeightAttr() || valueNorm.getGroups() != keys->rope.getHeads()))) {
    why = "the values are not a projection, as it is or normed per key head without a weight";
    return std::nullopt;
  }
  auto inputNorm = value.getInput().getDefiningOp<RmsNormOp>();
  if (!inputNorm || keys->linear.getInput() != value.getInput()) {
    why = "keys and values are not projections of one norm";
    return std::nullopt;
  }
  return Layer{inputNorm, {}, *keys, valueNorm, value, write, {}};
}

/// A factor above 0 that alone reads the rotated query.
ScaleOp scaleOf(Heads query) {
  auto scale = query.rope->hasOneUse() ? dyn_cast<ScaleOp>(*query.rope->user_begin()) : ScaleOp();
  return scale && !scale.getFactor().isNegative() && !scale.getFactor().isZero() ? scale : ScaleOp();
}

/// The query among the readers of the input norm.
std::optional<Heads> findQuery(Layer layer, StringRef &why) {
  std::optional<Heads> query;
  for (Operation *user : layer.inputNorm->getUsers()) {
    if (user == layer.value.getOperation() || user == layer.keys.linear.getOperation())
      continue;
    auto linear = dyn_cast<LinearOp>(user);
    auto heads = linear ? matchQueryBelow(linear) : std::nullopt;
    if (!heads || query) {
      why = "the input norm has readers other than a query, a key and a value projection";
      return std::nullopt;
    }
    query = heads;
  }
  if (!query)
    why = "no rotated, per-head normed query reads the input norm";
  return query;
}

/// What parts of the layer do not agree in; empty when they do.
StringRef disagreement(Layer layer) {
  Heads query = layer.query, keys = layer.keys;
  if (!isRowNorm(layer.inputNorm))
    return "the input norm is not a norm of whole rows with a weight";
  if (!equalEps({layer.inputNorm, query.norm}))
    return "the norms have unlike eps";
  if (!layer.write)
    return {};
  if (!equalEps({layer.inputNorm, keys.norm}) || (layer.valueNorm && !equalEps({layer.inputNorm, layer.valueNorm})))
    return "the norms have unlike eps";
  if (query.rope.getRope() != keys.rope.getRope() || query.rope.getPositions() != keys.rope.getPositions() ||
      query.rope.getPositions() != layer.write.getPositions())
    return "query and keys are not rotated alike";
  if (query.headDim() != keys.headDim())
    return "query heads and key heads differ in size";
  return {};
}

/// Where the fused op goes: at the later of the query's last op and the cache write. Null, with a reason, where that
/// would move the write across another access to the cache, or a reader of the query before it.
Operation *findPlace(Layer layer, StringRef &why) {
  Operation *query = layer.queryEnd(), *write = layer.write;
  if (!write)
    return query;
  bool writeFirst = write->isBeforeInBlock(query);
  for (Operation *op = (writeFirst ? write : query)->getNextNode(); op != (writeFirst ? query : write);
       op = op->getNextNode())
    if (touchesCache(op, layer.write.getCacheAttr())) {
      why = "the cache is used between its write and the query";
      return nullptr;
    }
  for (Operation *reader : query->getUsers())
    if (reader->isBeforeInBlock(write)) {
      why = "the query is read before the cache is written";
      return nullptr;
    }
  return writeFirst ? query : write;
}

LogicalResult fuseLayer(Layer layer, Operation *key, IRRewriter &rewriter, Report &report) {
  Heads query = layer.query, keys = layer.keys;
  if (StringRef why = disagreement(layer); !why.empty())
    return report.missed(key, key, why);
  Group group(layer.queryEnd(), key, {query.norm, query.linear, layer.inputNorm});
  if (layer.queryScale)
    group.add({query.rope});
  if (layer.write) {
    group.add({keys.rope, keys.norm, keys.linear, layer.write});
    if (layer.valueNorm)
      group.add({layer.valueNorm});
    if (layer.value != keys.linear)
      group.add({layer.value});
  }
  if (failed(group.isClosed(report)))
    return failure();
  StringRef why;
  Operation *place = findPlace(layer, why);
  if (!place)
    return report.missed(key, key, why);
  rewriter.setInsertionPoint(place);
  FlatSymbolRefAttr none;
  bool owns = layer.write, hasValue = owns && layer.value != keys.linear;
  group.replace(rewriter,
                QkvOp::create(rewriter, query.linear.getLoc(), query.rope.getType(), layer.inputNorm.getInput(),
                              query.rope.getPositions(), layer.inputNorm.getWeightAttr(), query.linear.getWeightAttr(),
                              owns ? keys.linear.getWeightAttr() : none, hasValue ? layer.value.getWeightAttr() : none,
                              query.norm.getWeightAttr(), owns ? keys.norm.getWeightAttr() : none,
                              owns ? layer.write.getCacheAttr() : none, query.rope.getHeadsAttr(),
                              rewriter.getI64IntegerAttr(query.headDim()), query.rope.getRope(),
                              layer.inputNorm.getEpsAttr(),
                              layer.queryScale ? layer.queryScale.getFactorAttr() : FloatAttr(),
                              owns && !layer.valueNorm ? rewriter.getUnitAttr() : UnitAttr()));
  return success();
}

void fuseOwner(KvWriteOp write, IRRewriter &rewriter, Report &report) {
  StringRef why;
  auto layer = matchKeysAndValues(write, why);
  auto query = layer ? findQuery(*layer, why) : std::nullopt;
  if (!query)
    return (void)report.missed(write, write, why);
  layer->query = *query;
  layer->queryScale = scaleOf(*query);
  if (failed(fuseLayer(*layer, write, rewriter, report)))
    report.account(query->rope); // one remark for a layer
}

/// A query without keys of its own reads the cache of an earlier layer.
void fuseReader(RopeOp rope, IRRewriter &rewriter, Report &report) {
  auto query = matchHeads(rope);
  auto inputNorm = query ? query->linear.getInput().getDefiningOp<RmsNormOp>() : RmsNormOp();
  if (!inputNorm)
    return (void)report.missed(rope, rope, "the query is not a rotated, per-head normed projection of a norm");
  (void)fuseLayer({inputNorm, *query, {}, {}, {}, {}, scaleOf(*query)}, rope, rewriter, report);
}

/// A query's scale, too, which stands behind its rope.
bool ownsQkv(Operation *op) {
  auto scale = dyn_cast<ScaleOp>(op);
  return isa<RopeOp, KvWriteOp>(op) || (scale && scale.getInput().getDefiningOp<RopeOp>());
}

void runQkv(func::FuncOp function, IRRewriter &rewriter, Report &report) {
  for (KvWriteOp write : opsOf<KvWriteOp>(function))
    fuseOwner(write, rewriter, report);
  for (RopeOp rope : opsOf<RopeOp>(function))
    if (!report.isAccounted(rope) &&
        llvm::none_of(rope->getUsers(), [](Operation *user) { return isa<KvWriteOp>(user); }))
      fuseReader(rope, rewriter, report);
}

} // namespace

const Fusion qkv = {.pass = "gemma-fuse-qkv",
                    .summary = "Input norm, projections, head norms, RoPE and the cache write become gemma.qkv",
                    .owns = ownsQkv,
                    .run = runQkv};

} // namespace gemmac::fuse
