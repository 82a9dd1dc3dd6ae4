// The audio tower.
#include "passes/plan/FunctionBuilder.h"

#include "dialects/formats/Format.h"

#include <numbers>

using namespace mlir;

namespace gemmac {

using namespace gemma;

namespace {

/// Blocks of `n` elements, each padded to whole vectors: bins, heads, halves.
AxisAttr blocksOf(MLIRContext *context, int64_t n) { return AxisAttr::get(context, n, roundUp(n, panelRows)); }

/// A convolution with its norm, as packed.
struct Convolution {
  int64_t channels, count;
  PackedOp weight, norm;

  Convolution(PackedWeights &weights, Operation *op, FlatSymbolRefAttr name, FlatSymbolRefAttr norm, int64_t channels)
      : channels(channels), count(weights.rowsOf(op, name).value_or(1)) {
    weight = weights.matrix(op, name, blocksOf(op->getContext(), count), wholeAxis(op->getContext(), 9 * channels));
    this->norm = weights.vector(op, norm);
  }
};

/// Appends it, of rows of `bins`. `valid` has `every` rows for each of the input's.
void convolve(FunctionBuilder &builder, AudioSubsampleOp op, const Convolution &conv, Value input, int64_t every,
              int64_t bins, Value result) {
  OpBuilder &ops = builder.steps.getBuilder();
  auto number = [&](int64_t value) { return ops.getI64IntegerAttr(value); };
  Conv2dStep::create(ops, op.getLoc(), input, builder.bufferOf(op.getValid()), result, referTo(conv.weight),
                     referTo(conv.norm), number(every), number(bins), number(conv.channels), number(conv.count),
                     op.getEpsAttr());
}

} // namespace

LogicalResult plan(AudioSubsampleOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  int64_t bins = widthOf(op.getInput());
  const Convolution first(weights, op, op.getConv_0Attr(), op.getNorm_0Attr(), 1);
  const Convolution second(weights, op, op.getConv_1Attr(), op.getNorm_1Attr(), first.count);
  PackedOp proj = weights.matrix(op, op.getProjAttr(), builder.whole(widthOf(op.getResult())),
                                 blocksOf(op.getContext(), second.count));
  if (weights.failed())
    return failure();
  auto width = [](int64_t bins, const Convolution &conv) { return bins * roundUp(conv.count, panelRows); };
  int64_t half = (bins - 1) / 2 + 1, quarter = (half - 1) / 2 + 1;
  Value halved = steps.ringBuffer(width(half, first), /*perRow=*/2);
  convolve(builder, op, first, builder.bufferOf(op.getInput()), /*every=*/1, bins, halved);
  Value frames = steps.sharedBuffer(width(quarter, second));
  convolve(builder, op, second, halved, /*every=*/2, half, frames);
  builder.bufferOf(op.getResult()) = steps.matmul(steps.operand(frames, proj), proj);
  return success();
}

/// silu(input) as operand of a matrix.
static Value silu(StepEmitter &steps, Value input, const Reader &reader) {
  Value result = steps.rowResult(input, reader);
  SiluStep::create(steps.getBuilder(), steps.getLocation(), input, result, reader.staticScale, reader.within,
                   steps.replicated());
  return result;
}

LogicalResult plan(AudioFfnOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  int64_t width = widthOf(op.getInput());
  FailureOr<int64_t> inner = weights.rowsOf(op, op.getUpAttr());
  if (failed(inner))
    return failure();
  PackedOp preNorm = weights.vector(op, op.getPreNormAttr());
  PackedOp up = weights.matrix(op, op.getUpAttr(), builder.whole(*inner), builder.whole(width));
  PackedOp down = weights.matrix(op, op.getDownAttr(), builder.whole(width), builder.whole(*inner));
  PackedOp postNorm = weights.vector(op, op.getPostNormAttr());
  PackedOp outNorm = weights.vector(op, op.getOutNormAttr());
  if (weights.failed())
    return failure();
  Value input = builder.bufferOf(op.getInput());
  Value normed = steps.norm(input, preNorm, up, op.getEpsAttr(), width, /*factor=*/{}, op.getLimitAttr());
  Value branch = steps.matmul(silu(steps, steps.matmul(normed, up), down), down);
  Value sum = builder.residualOf(op, op.getInput());
  steps.addNorm(input, branch, sum, postNorm, /*layerScale=*/{}, op.getEpsAttr(), width, op.getLimitAttr(),
                op.getFactorAttr());
  if (outNorm)
    sum = steps.norm(sum, outNorm, Format::F32, op.getEpsAttr(), width, /*factor=*/{}, op.getLimitAttr());
  builder.bufferOf(op.getResult()) = sum;
  return success();
}

namespace {

/// The matrices of an attention, heads padded alike.
struct AttentionMatrices {
  PackedOp q, k, v, o, relative;

  AttentionMatrices(PackedWeights &weights, AudioAttentionOp op, int64_t width, int64_t headDim) {
    MLIRContext *context = op.getContext();
    AxisAttr heads = blocksOf(context, headDim), whole = wholeAxis(context, width);
    q = weights.matrix(op, op.getQAttr(), heads, whole);
    k = weights.matrix(op, op.getKAttr(), heads, whole);
    v = weights.matrix(op, op.getVAttr(), heads, whole);
    o = weights.matrix(op, op.getOAttr(), whole, heads);
    relative = weights.matrix(op, op.getRelativeAttr(), heads, blocksOf(context, width / 2));
  }
};

} // namespace

LogicalResult plan(AudioAttentionOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  OpBuilder &ops = steps.getBuilder();
  int64_t width = widthOf(op.getInput()), headDim = width / static_cast<int64_t>(op.getHeads());
  PackedOp preNorm = weights.vector(op, op.getPreNormAttr()), postNorm = weights.vector(op, op.getPostNormAttr());
  AttentionMatrices matrices(weights, op, width, headDim);
  auto queryScale = ops.getF64FloatAttr(1 / (std::sqrt(static_cast<double>(headDim)) * std::numbers::ln2));
  auto keyScale = ops.getF64FloatAttr(std::log(1 + std::numbers::e) / std::numbers::ln2);
  PackedOp scale = weights.vector(op, op.getScaleAttr(), /*axis=*/{}, queryScale);
  if (weights.failed())
    return failure();
  Value input = builder.bufferOf(op.getInput());
  auto project = [&](PackedOp matrix) {
    return steps.matmul(steps.norm(input, preNorm, matrix, op.getEpsAttr(), width, /*factor=*/{}, op.getLimitAttr()),
                        matrix);
  };
  // Row n becomes the relative key of distance n; no other distances occur in a call.
  Value relative = steps.matmul(steps.operand(builder.sinusoids(width / 2), matrices.relative), matrices.relative);
  Value query = project(matrices.q), key = project(matrices.k), value = project(matrices.v);
  Value mixed = steps.sharedBuffer(typeOf(query).getWidth());
  RelativeAttentionStep::create(ops, op.getLoc(), query, key, value, relative, builder.bufferOf(op.getValid()), mixed,
                                op.getEveryAttr(), op.getHeadsAttr(), ops.getI64IntegerAttr(headDim), referTo(scale),
                                keyScale, op.getPastAttr(), op.getFutureAttr(), op.getDistancesAttr(), op.getCapAttr());
  Value branch = steps.matmul(steps.operand(mixed, matrices.o), matrices.o);
  Value result = builder.bufferOf(op.getResult()) = builder.residualOf(op, op.getInput());
  steps.addNorm(input, branch, result, postNorm, /*layerScale=*/{}, op.getEpsAttr(), width, op.getLimitAttr());
  return success();
}

LogicalResult plan(AudioConvOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  OpBuilder &ops = steps.getBuilder();
  int64_t width = widthOf(op.getInput());
  AxisAttr whole = builder.whole(width);
  auto stored = weights.weight(op, op.getConvAttr());
  if (!stored)
    return failure();
  int64_t taps = cast<RankedTensorType>(stored.getType()).getDimSize(1);
  PackedOp preNorm = weights.vector(op, op.getPreNormAttr()), convNorm = weights.vector(op, op.getConvNormAttr());
  PackedOp start = weights.matrix(op, op.getStartAttr(), whole, whole);
  PackedOp conv = weights.matrix(op, op.getConvAttr(), whole, builder.whole(taps));
  PackedOp end = weights.matrix(op, op.getEndAttr(), whole, whole);
  if (weights.failed())
    return failure();
  Value input = builder.bufferOf(op.getInput());
  Value doubled = steps.matmul(steps.norm(input, preNorm, start, op.getEpsAttr(), width), start);
  Value gated = steps.rowBuffer(width), mixed = steps.sharedBuffer(width);
  GluStep::create(ops, op.getLoc(), doubled, gated, steps.replicated());
  DepthwiseConvStep::create(ops, op.getLoc(), gated, referTo(conv), mixed, ops.getI64IntegerAttr(taps));
  Value normed = steps.norm(mixed, convNorm, Format::F32, op.getEpsAttr(), width, /*factor=*/{}, op.getLimitAttr());
  Value branch = steps.matmul(silu(steps, normed, end), end);
  Value result = builder.bufferOf(op.getResult()) = builder.residualOf(op, op.getInput());
  AddStep::create(ops, op.getLoc(), input, branch, result, steps.replicated());
  return success();
}

LogicalResult plan(AudioOutputOp op, FunctionBuilder &builder) {
  StepEmitter &steps = builder.steps;
  PackedWeights &weights = builder.weights;
  FailureOr<int64_t> inner = weights.rowsOf(op, op.getProjAttr());
  if (failed(inner))
    return failure();
  AxisAttr axis = builder.whole(*inner);
  PackedOp proj = weights.matrix(op, op.getProjAttr(), axis, builder.whole(widthOf(op.getInput())));
  PackedOp bias = weights.vector(op, op.getBiasAttr());
  PackedOp embedding = weights.matrix(op, op.getEmbeddingAttr(), builder.whole(widthOf(op.getResult())), axis);
  if (weights.failed())
    return failure();
  Value rows = steps.matmul(steps.operand(builder.bufferOf(op.getInput()), proj), proj);
  Value shifted = steps.rowBuffer(*inner);
  AddBiasStep::create(steps.getBuilder(), op.getLoc(), rows, referTo(bias), shifted, steps.replicated());
  Value normed = steps.norm(shifted, /*weight=*/{}, embedding, op.getEpsAttr(), *inner);
  builder.bufferOf(op.getResult()) = steps.matmul(normed, embedding);
  return success();
}

} // namespace gemmac
