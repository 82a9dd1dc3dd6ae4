// gemma-fuse-audio: the parts of the audio tower. Each begins with an op that only it holds: the second convolution,
// the silu of an MLP, relative attention, the depthwise convolution, the bias of the output. Left alone: an
// intermediate with another reader, norms or clamps that are unlike, a branch that does not start at its residual.
#include "passes/fuse/Fusions.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac::fuse {
namespace {

/// Walks a chain of ops backwards and gathers them; once an op is another than the one asked for, all are null.
class Chain {
public:
  explicit Chain(Value end) : value(end) {}
  template <typename Op> Op take() {
    auto op = whole ? value.getDefiningOp<Op>() : Op();
    whole = whole && op;
    if (op) {
      ops.push_back(op);
      value = op.getInput();
    }
    return op;
  }
  /// Where the chain begins, if it is whole.
  Value start() const { return whole ? value : Value(); }
  bool isWhole() const { return whole; }
  void addTo(Group &group) const { group.ops.append(ops); }

private:
  Value value;
  bool whole = true;
  SmallVector<Operation *, 8> ops;
};

/// `rms_norm(clamp(x), weight)`.
struct ClampedNorm {
  RmsNormOp norm;
  ClampOp clamp;
  explicit ClampedNorm(Chain &chain) : norm(chain.take<RmsNormOp>()), clamp(chain.take<ClampOp>()) {}
};

bool areAlike(ArrayRef<ClampedNorm> norms) {
  ClampedNorm first = norms.front();
  return llvm::all_of(norms, [&](ClampedNorm other) {
    return isRowNorm(other.norm) && other.norm.getEpsAttr() == first.norm.getEpsAttr() &&
           other.clamp.getLimitAttr() == first.clamp.getLimitAttr();
  });
}

constexpr StringRef unlike = "its norms are not of whole rows with a weight, of one eps, clamped alike";
constexpr StringRef elsewhere = "its branch does not start at the residual stream";

/// The only reader of a value, if it is an `Op`.
template <typename Op> Op onlyReader(Value value) {
  return value.hasOneUse() ? dyn_cast<Op>(*value.user_begin()) : Op();
}

//===--- subsampling

/// One convolution with what stands around it.
struct Convolution {
  ReluOp relu;
  LayerNormOp norm;
  Conv2dOp conv;
  MaskRowsOp mask;
  explicit Convolution(Chain &chain)
      : relu(chain.take<ReluOp>()), norm(chain.take<LayerNormOp>()), conv(chain.take<Conv2dOp>()),
        mask(chain.take<MaskRowsOp>()) {}
  /// Channels are normed alike at every bin.
  bool isPlain(int64_t channels, int64_t every) {
    auto width = cast<RankedTensorType>(conv.getType()).getDimSize(1);
    auto bins = (cast<RankedTensorType>(conv.getInput().getType()).getDimSize(1) / channels - 1) / 2 + 1;
    return static_cast<int64_t>(conv.getChannels()) == channels && width % bins == 0 &&
           static_cast<int64_t>(norm.getGroups()) == bins && !norm.getBiasAttr() &&
           static_cast<int64_t>(mask.getEvery()) == every;
  }
  int64_t count() {
    return cast<RankedTensorType>(conv.getType()).getDimSize(1) / static_cast<int64_t>(norm.getGroups());
  }
};

LogicalResult fuseSubsample(LinearOp proj, IRRewriter &rewriter, Report &report) {
  Chain chain(proj.getInput());
  Convolution second(chain), first(chain);
  if (!chain.isWhole())
    return failure();
  report.account(first.conv);
  if (!first.isPlain(1, 1) || !second.isPlain(first.count(), 2))
    return report.missed(proj, second.conv, "its convolutions, masks and norms do not follow each other");
  if (first.norm.getEpsAttr() != second.norm.getEpsAttr() || first.mask.getValid() != second.mask.getValid())
    return report.missed(proj, second.conv, "its norms have unlike eps, or its masks unlike flags");
  Group group(proj, second.conv, {});
  chain.addTo(group);
  if (failed(group.isClosed(report)))
    return failure();
  rewriter.setInsertionPoint(proj);
  group.replace(rewriter, AudioSubsampleOp::create(
                              rewriter, proj.getLoc(), proj.getType(), chain.start(), first.mask.getValid(),
                              first.conv.getWeightAttr(), first.norm.getWeightAttr(), second.conv.getWeightAttr(),
                              second.norm.getWeightAttr(), proj.getWeightAttr(), first.norm.getEpsAttr()));
  return success();
}

//===--- the MLP

/// The norm that ends a layer, where it is the only reader of the sum.
std::optional<ClampedNorm> followingNorm(AddOp sum) {
  auto clamp = onlyReader<ClampOp>(sum.getResult());
  auto norm = clamp ? onlyReader<RmsNormOp>(clamp.getResult()) : RmsNormOp();
  if (!norm)
    return std::nullopt;
  Chain chain(norm.getResult());
  return ClampedNorm(chain);
}

LogicalResult fuseFfn(AddOp add, Value branch, Value residual, IRRewriter &rewriter, Report &report) {
  Chain chain(branch);
  auto factor = chain.take<ScaleOp>();
  ClampedNorm post(chain);
  auto down = chain.take<LinearOp>();
  auto silu = chain.take<SiluOp>();
  auto up = chain.take<LinearOp>();
  ClampedNorm pre(chain);
  if (!chain.isWhole())
    return failure();
  if (chain.start() != residual)
    return report.missed(add, silu, elsewhere);
  if (!areAlike({pre, post}))
    return report.missed(add, silu, unlike);
  Group group(add, silu, {});
  chain.addTo(group);
  if (failed(group.isClosed(report)))
    return failure();
  std::optional<ClampedNorm> out = followingNorm(add);
  if (out && areAlike({pre, *out})) {
    group.last = out->norm;
    group.add({out->norm, out->clamp});
  } else {
    out.reset();
  }
  rewriter.setInsertionPoint(group.last);
  group.replace(rewriter, AudioFfnOp::create(rewriter, silu.getLoc(), add.getType(), residual, pre.norm.getWeightAttr(),
                                             up.getWeightAttr(), down.getWeightAttr(), post.norm.getWeightAttr(),
                                             out ? out->norm.getWeightAttr() : FlatSymbolRefAttr(),
                                             pre.clamp.getLimitAttr(), factor.getFactorAttr(), pre.norm.getEpsAttr()));
  return success();
}

//===--- attention

LogicalResult fuseAttention(AddOp add, Value branch, Value residual, IRRewriter &rewriter, Report &report) {
  Chain end(branch);
  ClampedNorm post(end);
  auto o = end.take<LinearOp>();
  auto attention = end.isWhole() ? end.start().getDefiningOp<RelativeAttentionOp>() : RelativeAttentionOp();
  if (!attention)
    return failure();
  auto q = attention.getQuery().getDefiningOp<LinearOp>(), k = attention.getKey().getDefiningOp<LinearOp>(),
       v = attention.getValue().getDefiningOp<LinearOp>();
  if (!q || !k || !v || q == k || k == v || q == v || q.getInput() != k.getInput() || k.getInput() != v.getInput())
    return report.missed(add, attention, "query, key and value are not three projections of one value");
  Chain begin(q.getInput());
  ClampedNorm pre(begin);
  if (!begin.isWhole() || begin.start() != residual)
    return report.missed(add, attention, elsewhere);
  if (!areAlike({pre, post}))
    return report.missed(add, attention, unlike);
  Group group(add, attention, {attention, q, k, v});
  end.addTo(group);
  begin.addTo(group);
  if (failed(group.isClosed(report)))
    return failure();
  rewriter.setInsertionPoint(add);
  group.replace(rewriter, AudioAttentionOp::create(
                              rewriter, attention.getLoc(), add.getType(), residual, attention.getValid(),
                              attention.getEveryAttr(), pre.norm.getWeightAttr(), q.getWeightAttr(), k.getWeightAttr(),
                              v.getWeightAttr(), attention.getHeadsAttr(), attention.getScaleAttr(),
                              attention.getRelativeAttr(), attention.getPastAttr(), attention.getFutureAttr(),
                              attention.getDistancesAttr(), attention.getCapAttr(), o.getWeightAttr(),
                              post.norm.getWeightAttr(), pre.clamp.getLimitAttr(), pre.norm.getEpsAttr()));
  return success();
}

//===--- the light convolution

LogicalResult fuseConv(AddOp add, Value branch, Value residual, IRRewriter &rewriter, Report &report) {
  Chain chain(branch);
  auto end = chain.take<LinearOp>();
  auto silu = chain.take<SiluOp>();
  ClampedNorm convNorm(chain);
  auto conv = chain.take<DepthwiseConvOp>();
  chain.take<GluOp>();
  auto start = chain.take<LinearOp>();
  auto pre = chain.take<RmsNormOp>();
  if (!chain.isWhole())
    return failure();
  report.account(silu);
  if (chain.start() != residual)
    return report.missed(add, conv, elsewhere);
  if (!isRowNorm(pre) || !isRowNorm(convNorm.norm) || !equalEps({pre, convNorm.norm}))
    return report.missed(add, conv, unlike);
  Group group(add, conv, {});
  chain.addTo(group);
  if (failed(group.isClosed(report)))
    return failure();
  rewriter.setInsertionPoint(add);
  group.replace(rewriter,
                AudioConvOp::create(rewriter, conv.getLoc(), add.getType(), residual, pre.getWeightAttr(),
                                    start.getWeightAttr(), conv.getWeightAttr(), convNorm.norm.getWeightAttr(),
                                    end.getWeightAttr(), convNorm.clamp.getLimitAttr(), pre.getEpsAttr()));
  return success();
}

//===--- the output

LogicalResult fuseOutput(LinearOp embedding, IRRewriter &rewriter, Report &report) {
  Chain chain(embedding.getInput());
  auto norm = chain.take<RmsNormOp>();
  auto bias = chain.take<AddBiasOp>();
  auto proj = chain.take<LinearOp>();
  if (!chain.isWhole())
    return failure();
  if (norm.getWeightAttr() || norm.getGroups() != 1)
    return report.missed(embedding, bias, "its norm is not a norm of whole rows without a weight");
  Group group(embedding, bias, {});
  chain.addTo(group);
  if (failed(group.isClosed(report)))
    return failure();
  rewriter.setInsertionPoint(embedding);
  group.replace(rewriter, AudioOutputOp::create(rewriter, embedding.getLoc(), embedding.getType(), chain.start(),
                                                proj.getWeightAttr(), bias.getBiasAttr(), embedding.getWeightAttr(),
                                                norm.getEpsAttr()));
  return success();
}

bool ownsAudio(Operation *op) {
  return isa<MaskRowsOp, Conv2dOp, LayerNormOp, ReluOp, SiluOp, GluOp, ClampOp, DepthwiseConvOp, RelativeAttentionOp>(
      op);
}

template <typename Op> void missRest(func::FuncOp function, StringRef why, Report &report) {
  for (Op op : opsOf<Op>(function))
    report.missedKey(op, why);
}

void runAudio(func::FuncOp function, IRRewriter &rewriter, Report &report) {
  for (AddOp add : opsOf<AddOp>(function))
    for (auto fuse : {fuseFfn, fuseAttention, fuseConv}) {
      auto orders = operandOrders(add);
      if (llvm::any_of(orders,
                       [&](auto order) { return succeeded(fuse(add, order.first, order.second, rewriter, report)); }))
        break;
    }
  for (LinearOp linear : opsOf<LinearOp>(function))
    if (failed(fuseSubsample(linear, rewriter, report)))
      (void)fuseOutput(linear, rewriter, report);
  missRest<Conv2dOp>(function, "no projection of two convolutions reads it", report);
  missRest<SiluOp>(function, "no residual add of a branch of the tower reads it", report);
  missRest<RelativeAttentionOp>(function, "no residual add of a normed projection reads it", report);
  missRest<DepthwiseConvOp>(function, "no residual add of a projection reads it", report);
  missRest<AddBiasOp>(function, "no projection of a norm reads it", report);
}

} // namespace

const Fusion audio = {.pass = "gemma-fuse-audio",
                      .summary = "The audio tower: subsampling, MLPs, attention, light convolutions and output become "
                                 "gemma.audio_subsample, audio_ffn, audio_attention, audio_conv, audio_output",
                      .owns = ownsAudio,
                      .run = runAudio};

} // namespace gemmac::fuse
