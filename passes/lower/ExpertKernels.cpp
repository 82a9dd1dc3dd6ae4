// Products of rows with the experts that they picked.
#include "passes/lower/Kernels.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

// (input, weights, picks, result; first, last): tiles of (row, pick, pair of panels)
func::FuncOp KernelLibrary::expertUp(gemma::ExpertUpStep step, const PackedShape &weight) {
  int64_t topK = step.getTopK(), panels = weight.rows / panelRows / 2;
  int64_t inputRowBytes = step.getInput().getType().getRowBytes(), picksRowBytes = step.getPicks().getType().getRowBytes();
  int64_t resultRowBytes = step.getResult().getType().getRowBytes();
  return get(llvm::formatv("expert_up_{0}_top{1}", weight.text(), topK), 4, 2, [&](KernelBuilder &b, ValueRange a) {
    b.loop(a[4], a[5], 1, [&](Value tile) {
      Value panel = b.rem(tile, b.i64(panels)), place = b.div(tile, b.i64(panels)); // place = row * topK + pick
      Value row = b.div(place, b.i64(topK)), pick = b.rem(place, b.i64(topK));
      Value expert = b.load(b.getI32Type(), b.at(b.at(a[2], b.mul(row, picksRowBytes)), b.mul(pick, 4)));
      expert = arith::ExtSIOp::create(b, b.getI64Type(), expert);
      Value weights = b.at(b.at(a[1], b.mul(expert, weight.batchBytes())), b.mul(panel, 2 * weight.panelBytes()));
      SmallVector<Value> rows{b.at(a[0], b.mul(row, inputRowBytes))};
      Value gate = dotPanel(b, weight, weights, rows)[0];
      Value up = dotPanel(b, weight, b.at(weights, weight.panelBytes()), rows)[0];
      b.store(b.mulf(b.gelu(gate), up), b.at(b.at(a[3], b.mul(place, resultRowBytes)), b.mul(panel, vecBytes)));
    });
  });
}

// (input, weights, picks, pick weights, result; first, last): tiles of (row, panel)
func::FuncOp KernelLibrary::expertDown(gemma::ExpertDownStep step, const PackedShape &weight) {
  int64_t topK = step.getTopK(), panels = weight.rows / panelRows;
  int64_t inputRowBytes = step.getInput().getType().getRowBytes(), picksRowBytes = step.getPicks().getType().getRowBytes();
  int64_t pickWeightsRowBytes = step.getWeights().getType().getRowBytes();
  int64_t resultRowBytes = step.getResult().getType().getRowBytes();
  return get(llvm::formatv("expert_down_{0}_top{1}", weight.text(), topK), 5, 2, [&](KernelBuilder &b, ValueRange a) {
    b.loop(a[5], a[6], 1, [&](Value tile) {
      Value panel = b.rem(tile, b.i64(panels)), row = b.div(tile, b.i64(panels));
      Value picks = b.at(a[2], b.mul(row, picksRowBytes)), pickWeights = b.at(a[3], b.mul(row, pickWeightsRowBytes));
      Value zero = b.splat(b.vecF32(), 0.0);
      auto sum = b.loop(b.i64(0), b.i64(topK), 1, ValueRange{zero}, [&](Value pick, ValueRange state) {
        Value expert = b.load(b.getI32Type(), b.at(picks, b.mul(pick, 4)));
        expert = arith::ExtSIOp::create(b, b.getI64Type(), expert);
        Value weights = b.at(b.at(a[1], b.mul(expert, weight.batchBytes())), b.mul(panel, weight.panelBytes()));
        SmallVector<Value> rows{b.at(a[0], b.mul(b.add(b.mul(row, topK), pick), inputRowBytes))};
        Value part = dotPanel(b, weight, weights, rows)[0];
        Value factor = b.broadcast(b.load(b.getF32Type(), b.at(pickWeights, b.mul(pick, 4))));
        return KernelBuilder::Values{b.fma(part, factor, state[0])};
      });
      b.store(sum[0], b.at(b.at(a[4], b.mul(row, resultRowBytes)), b.mul(panel, vecBytes)));
    });
  });
}

} // namespace gemmac
