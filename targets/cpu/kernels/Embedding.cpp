// gemma.step.embed: rows of the embedding table.
#include "targets/cpu/kernels/StepLowering.h"
#include "targets/cpu/kernels/TableRows.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

// One row of the table, scaled. `line`: where a table that is read by row has it.
static void embedToken(KernelBuilder &b, const PackedShape &table, Value base, Value line, Value token, Value result,
                       double scale) {
  Value panel = line, lane = b.i64(0);
  if (table.layout != Layout::Table) {
    panel = b.at(base, b.mul(b.div(token, b.i64(panelRows)), table.panelBytes()));
    lane = b.rem(token, b.i64(panelRows));
  }
  b.loop(b.i64(0), b.i64(table.cols / groupColumns), 1, [&](Value group) {
    auto [low, high] = dequantizeGroup(b, table, panel, lane, group);
    Value factor = b.splat(b.vecF32(), scale);
    Value place = b.at(result, b.mul(group, 2 * vecBytes));
    b.store(b.mulf(low, factor), place);
    b.store(b.mulf(high, factor), b.at(place, vecBytes));
  });
}

// (table, rows of the call, result[, soft rows]; first, last)
static func::FuncOp embedKernel(KernelLibrary &kernels, const PackedShape &table, int64_t tableRowBytes,
                                int64_t resultRowBytes, double scale, bool soft) {
  std::string name = "embed_" + table.text() + "_" + bitsText(scale) + (soft ? "_soft" : "");
  return kernels.get(name, soft ? 4 : 3, 2, [&](KernelBuilder &b, ValueRange a) {
    b.loop(a[a.size() - 2], a.back(), 1, [&](Value row) {
      Value token = CallRows(b, a[1]).token(row), line = b.at(a[0], b.mul(row, tableRowBytes));
      Value offset = b.mul(row, resultRowBytes), result = b.at(a[2], offset);
      auto embed = [&] { embedToken(b, table, a[0], line, token, result, scale); };
      if (!soft)
        return embed();
      auto copy = [&] {
        Value from = b.at(a[3], offset);
        b.loop(b.i64(0), b.i64(table.cols * 4), vecBytes,
               [&](Value i) { b.store(b.loadVec(b.at(from, i)), b.at(result, i)); });
      };
      b.ifThen(b.less(token, b.i64(0)), copy, embed);
    });
  });
}

LogicalResult lower(gemma::EmbedStep step, StepLowering &lowering) {
  PackedShape shape(lowering.packed(step.getTable()));
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  const bool soft = step.getSoft() != nullptr;
  auto kernel = embedKernel(lowering.kernels, shape, lowering.tableRowBytes(), step.getResult().getType().getRowBytes(),
                            step.getScale().convertToDouble(), soft);
  SmallVector<Value> arguments{lowering.table(step.getTable()), lowering.rowsAt, lowering.pointer(step.getResult())};
  if (soft)
    arguments.push_back(lowering.pointer(step.getSoft()));
  arguments.append({first, last});
  return lowering.callKernel(kernel, arguments);
}

} // namespace gemmac
