// gemma.step.embed: rows of the embedding table.
#include "targets/cpu/kernels/StepLowering.h"
#include "targets/cpu/kernels/TableRows.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

// (table, rows of the call, result; first, last)
static func::FuncOp embedKernel(KernelLibrary &kernels, const PackedShape &table, int64_t tableRowBytes,
                                int64_t resultRowBytes, double scale) {
  std::string name = "embed_" + table.text() + "_" + bitsText(scale);
  return kernels.get(name, 3, 2, [&](KernelBuilder &b, ValueRange a) {
    b.loop(a[3], a[4], 1, [&](Value row) {
      Value panel = b.at(a[0], b.mul(row, tableRowBytes)), lane = b.i64(0);
      if (table.layout != Layout::Table) {
        Value token = CallRows(b, a[1]).token(row);
        panel = b.at(a[0], b.mul(b.div(token, b.i64(panelRows)), table.panelBytes()));
        lane = b.rem(token, b.i64(panelRows));
      }
      Value result = b.at(a[2], b.mul(row, resultRowBytes));
      b.loop(b.i64(0), b.i64(table.cols / groupColumns), 1, [&](Value group) {
        auto [low, high] = dequantizeGroup(b, table, panel, lane, group);
        Value factor = b.splat(b.vecF32(), scale);
        Value place = b.at(result, b.mul(group, 2 * vecBytes));
        b.store(b.mulf(low, factor), place);
        b.store(b.mulf(high, factor), b.at(place, vecBytes));
      });
    });
  });
}

LogicalResult lower(gemma::EmbedStep step, StepLowering &lowering) {
  PackedShape shape(lowering.packed(step.getTable()));
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  auto kernel = embedKernel(lowering.kernels, shape, lowering.tableRowBytes(), step.getResult().getType().getRowBytes(),
                            step.getScale().convertToDouble());
  return lowering.callKernel(
      kernel, {lowering.table(step.getTable()), lowering.rowsAt, lowering.pointer(step.getResult()), first, last});
}

} // namespace gemmac
