// gemma.step.ple_combine: per-layer embeddings of the context and of the token.
#include "targets/cpu/kernels/StepLowering.h"
#include "targets/cpu/kernels/TableRows.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t vecBytes = KernelBuilder::lanes * 4;

// (context, result, table, norm; first, last)
static func::FuncOp pleCombineKernel(KernelLibrary &kernels, gemma::PleCombineStep step, const PackedShape &table,
                                     int64_t tableRowBytes) {
  double contextScale = step.getContextScale().convertToDouble(), tokenScale = step.getTokenScale().convertToDouble();
  double resultScale = step.getResultScale().convertToDouble(), eps = step.getEps().convertToDouble();
  int64_t groups = step.getGroups(), width = table.cols / groups, count = step.getCount();
  std::string name = llvm::formatv("ple_combine_{0}_g{1}_of{2}_{3}_{4}_{5}_{6}", table.text(), groups, count,
                                   bitsText(contextScale), bitsText(tokenScale), bitsText(resultScale), bitsText(eps));
  return kernels.get(name, 4, 2, [&](KernelBuilder &b, ValueRange a) {
    b.loop(a[4], a[5], 1, [&](Value row) {
      Value line = b.at(a[2], b.mul(row, tableRowBytes));
      Value rowOffset = b.mul(row, table.cols * 4);
      b.loop(b.i64(0), b.i64(groups), 1, [&](Value layer) {
        Value offset = b.add(rowOffset, b.mul(layer, width * 4));
        Value context = b.at(a[0], offset), result = b.at(a[1], offset);
        Value inverse = inverseRms(b, context, width, count, eps, {.scale = contextScale});
        b.loop(b.i64(0), b.i64(width / 32), 1, [&](Value part) {
          Value group = b.add(b.mul(layer, width / 32), part);
          auto [low, high] = dequantizeGroup(b, table, line, b.i64(0), group);
          for (int64_t half = 0; half < 2; ++half) {
            Value place = b.add(b.mul(part, 2 * vecBytes), half * vecBytes);
            Value x = b.mulf(b.loadVec(b.at(context, place)), b.splat(b.vecF32(), contextScale));
            x = b.mulf(b.mulf(x, inverse), b.loadVec(b.at(a[3], place)));
            x = b.addf(x, b.mulf(half ? high : low, b.splat(b.vecF32(), tokenScale)));
            b.store(b.mulf(x, b.splat(b.vecF32(), resultScale)), b.at(result, place));
          }
        });
      });
    });
  });
}

LogicalResult lower(gemma::PleCombineStep step, StepLowering &lowering) {
  PackedShape shape(lowering.packed(step.getTable()));
  auto [first, last] = lowering.rowRange(step.getReplicated(), step.getResult());
  return lowering.callKernel(pleCombineKernel(lowering.kernels, step, shape, lowering.tableRowBytes()),
                             {lowering.pointer(step.getContext_()), lowering.pointer(step.getResult()),
                              lowering.table(step.getTable()), lowering.weight(step.getNorm()), first, last});
}

} // namespace gemmac
