// Second moments of rows: the upper triangle of x x^T, panel by panel of 16 columns.
#include "dialects/formats/MomentLayout.h"
#include "targets/cpu/kernels/StepLowering.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;
static constexpr int64_t columnTile = 4; ///< columns whose products with a panel are summed abreast

/// Panels grow towards the end of a block, and threads share them out in runs: so a run takes panels from both ends.
static Value panelOfTile(KernelBuilder &b, Value tile, int64_t panels) {
  Value half = b.div(tile, b.i64(2));
  Value odd = b.rem(tile, b.i64(2));
  Value fromEnd = b.sub(b.i64(panels - 1), half);
  return b.add(b.mul(odd, fromEnd), b.mul(b.sub(b.i64(1), odd), half));
}

static Value expertOf(KernelBuilder &b, Value picks, Value place, int64_t topK, int64_t picksRowBytes) {
  Value row = b.div(place, b.i64(topK)), pick = b.rem(place, b.i64(topK));
  Value expert = b.load(b.getI32Type(), b.at(b.at(picks, b.mul(row, picksRowBytes)), b.mul(pick, 4)));
  return arith::ExtSIOp::create(b, b.getI64Type(), expert);
}

// (input, moments, picks or input; rows, first, last): panels of columns, rows counting those of the input
static func::FuncOp observeKernel(KernelLibrary &kernels, gemma::ObserveStep step, const MomentLayout &layout) {
  int64_t rowBytes = step.getInput().getType().getRowBytes(), topK = step.getTopK().value_or(0);
  int64_t picksRowBytes = topK ? cast<gemma::BufferType>(step.getPicks().getType()).getRowBytes() : 0;
  std::string name = llvm::formatv("observe_k{0}_block{1}", layout.cols, layout.block);
  if (topK)
    name += llvm::formatv("_e{0}_top{1}", layout.batch, topK);
  return kernels.get(name, 3, 3, [&](KernelBuilder &b, ValueRange a) {
    b.loop(a[4], a[5], 1, [&](Value tile) {
      Value panel = panelOfTile(b, tile, layout.panelCount());
      Value blockPanels = b.i64(layout.block / panelRows);
      Value block = b.div(panel, blockPanels), place = b.rem(panel, blockPanels), columns = b.mul(b.add(place, 1), 16);
      Value blockInput = b.at(a[0], b.mul(block, layout.block * 4)), panelInput = b.at(a[0], b.mul(panel, vecBytes));
      Value triangle = b.div(b.mul(place, b.add(place, 1)), b.i64(2));
      Value moments =
          b.at(b.at(a[1], b.mul(block, layout.blockBytes())), b.mul(triangle, MomentLayout::panelOffset(1)));
      // Adds rows [first, last) to the moments of one entry.
      auto addRows = [&](Value first, Value last, Value target) {
        b.loop(b.i64(0), columns, columnTile, [&](Value column) {
          KernelBuilder::Values zero(columnTile, b.splat(b.vecF32(), 0.0));
          auto sums = b.loop(first, last, 1, zero, [&](Value row, ValueRange state) {
            Value offset = b.mul(row, rowBytes), vector = b.loadVec(b.at(panelInput, offset));
            Value left = b.at(b.at(blockInput, offset), b.mul(column, 4));
            KernelBuilder::Values next;
            for (int64_t i = 0; i < columnTile; ++i)
              next.push_back(b.fma(b.broadcast(b.load(b.getF32Type(), b.at(left, i * 4))), vector, state[i]));
            return next;
          });
          for (int64_t i = 0; i < columnTile; ++i) {
            Value at = b.at(target, b.mul(b.add(column, i), vecBytes));
            b.store(b.addf(b.loadVec(at), sums[i]), at);
          }
        });
      };
      if (topK == 0)
        return addRows(b.i64(0), a[3], moments);
      b.loop(b.i64(0), a[3], 1, [&](Value row) {
        Value expert = expertOf(b, a[2], row, topK, picksRowBytes);
        addRows(row, b.add(row, 1), b.at(moments, b.mul(expert, layout.batchBytes())));
      });
    });
  });
}

LogicalResult lower(gemma::ObserveStep step, StepLowering &lowering) {
  gemma::PackedOp weight = lowering.packed(step.getWeight());
  MomentLayout layout = MomentLayout::of(weight.getCols(), step.getPicks() ? weight.getBatch() : 1);
  auto [first, last] = lowering.share(lowering.b.i64(layout.panelCount()));
  Value input = lowering.pointer(step.getInput()), picks = step.getPicks() ? lowering.pointer(step.getPicks()) : input;
  Value moments = lowering.b.at(lowering.cacheBase, static_cast<int64_t>(step.getOffset()));
  return lowering.callKernel(observeKernel(lowering.kernels, step, layout),
                             {input, moments, picks, lowering.rowsOf(step.getInput()), first, last});
}

} // namespace gemmac
