// gemma.step.route: which experts a row picks.
#include "targets/cpu/kernels/StepLowering.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;

static Value loadIndex(KernelBuilder &b, Value indices, Value at) {
  return arith::ExtSIOp::create(b, b.getI64Type(), b.load(b.getI32Type(), b.at(indices, b.mul(at, 4))));
}

// Writes the softmax of one row of scores; padding becomes -1 so that it is never picked.
static void softmaxRow(KernelBuilder &b, Value scores, Value probabilities, int64_t count, int64_t width) {
  auto valid = [&](int64_t first) -> Value {
    SmallVector<bool> bits;
    for (int64_t i = first; i < first + lanes; ++i)
      bits.push_back(i < count);
    return arith::ConstantOp::create(b, DenseElementsAttr::get(b.vec(lanes, b.getI1Type()), ArrayRef<bool>(bits)));
  };
  Value largest = b.splat(b.vecF32(), -3.0e38);
  for (int64_t i = 0; i < width; i += lanes)
    largest = b.maxf(largest, b.select(valid(i), b.loadVec(b.at(scores, i * 4)), b.splat(b.vecF32(), -3.0e38)));
  Value top = b.broadcast(b.maxLanes(largest));
  Value sum = b.splat(b.vecF32(), 0.0);
  for (int64_t i = 0; i < width; i += lanes) {
    Value e = b.exp(b.subf(b.loadVec(b.at(scores, i * 4)), top));
    sum = b.addf(sum, b.select(valid(i), e, b.splat(b.vecF32(), 0.0)));
    b.store(e, b.at(probabilities, i * 4));
  }
  Value total = b.broadcast(b.sumLanes(sum));
  for (int64_t i = 0; i < width; i += lanes) {
    Value p = b.divf(b.loadVec(b.at(probabilities, i * 4)), total);
    b.store(b.select(valid(i), p, b.splat(b.vecF32(), -1.0)), b.at(probabilities, i * 4));
  }
}

// (scores, picks, weights, per-expert scale; first, last). Scores stay as they are: other threads may read the same
// row.
static func::FuncOp routeKernel(KernelLibrary &kernels, gemma::RouteStep step) {
  int64_t experts = step.getExperts(), topK = step.getTopK();
  gemma::BufferType scoresType = step.getScores().getType(), picksType = step.getPicks().getType();
  int64_t weightsRowBytes = step.getWeights().getType().getRowBytes();
  return kernels.get(llvm::formatv("route_e{0}_k{1}", experts, topK), 4, 2, [&](KernelBuilder &b, ValueRange a) {
    Value probabilities = b.stack(scoresType.getWidth() * 4);
    b.loop(a[4], a[5], 1, [&](Value row) {
      Value scores = b.at(a[0], b.mul(row, scoresType.getRowBytes()));
      Value picks = b.at(a[1], b.mul(row, picksType.getRowBytes()));
      Value weights = b.at(a[2], b.mul(row, weightsRowBytes));
      softmaxRow(b, scores, probabilities, experts, scoresType.getWidth());
      auto total = b.loop(b.i64(0), b.i64(topK), 1, ValueRange{b.f32(0.0f)}, [&](Value pick, ValueRange sum) {
        auto best = b.loop(
            b.i64(0), b.i64(experts), 1, ValueRange{b.f32(-0.5f), b.i64(0)}, [&](Value expert, ValueRange state) {
              Value p = b.load(b.getF32Type(), b.at(probabilities, b.mul(expert, 4)));
              Value better = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, p, state[0]);
              return KernelBuilder::Values{b.select(better, p, state[0]), b.select(better, expert, state[1])};
            });
        b.store(b.f32(-1.0f), b.at(probabilities, b.mul(best[1], 4)));
        b.store(arith::TruncIOp::create(b, b.getI32Type(), best[1]), b.at(picks, b.mul(pick, 4)));
        b.store(best[0], b.at(weights, b.mul(pick, 4)));
        return KernelBuilder::Values{b.addf(sum[0], best[0])};
      });
      b.loop(b.i64(0), b.i64(topK), 1, [&](Value pick) {
        Value expert = loadIndex(b, picks, pick);
        Value scale = b.load(b.getF32Type(), b.at(a[3], b.mul(expert, 4)));
        Value place = b.at(weights, b.mul(pick, 4));
        b.store(b.mulf(b.divf(b.load(b.getF32Type(), place), total[0]), scale), place);
      });
    });
  });
}

LogicalResult lower(gemma::RouteStep step, StepLowering &lowering) {
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getScores());
  return lowering.callKernel(routeKernel(lowering.kernels, step),
                             {lowering.pointer(step.getScores()), lowering.pointer(step.getPicks()),
                              lowering.pointer(step.getWeights()), lowering.weight(step.getPerExpertScale()), first,
                              last});
}

} // namespace gemmac
