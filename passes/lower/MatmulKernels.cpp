// Products of rows with packed panels. A panel is 16 output rows; the sum over columns goes group by group of 32, in one order
// for every number of rows, so that decode, verify and prefill give the same bits.
#include "passes/lower/Kernels.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;

// Per row: 32 fused multiply-adds into a partial sum, which is then added to the total.
static KernelBuilder::Values addFloatGroup(KernelBuilder &b, const PackedShape &weight, Value panel,
                                           ArrayRef<Value> rows, Value group, ValueRange totals) {
  int64_t element = KernelBuilder::elementBytes(weight.format);
  constexpr int64_t unroll = 4;
  Value weights = b.at(panel, b.mul(group, groupBytes(weight.format, panelRows)));
  Value column = b.mul(group, groupColumns);
  KernelBuilder::Values zero(rows.size(), b.splat(b.vecF32(), 0.0));
  auto parts = b.loop(b.i64(0), b.i64(groupColumns), unroll, zero, [&](Value k, ValueRange state) {
    KernelBuilder::Values next(state);
    Value base = b.at(weights, b.mul(k, lanes * element));
    Value offset = b.mul(b.add(column, k), 4);
    for (int64_t u = 0; u < unroll; ++u) {
      Value w = b.loadFloats(weight.format, b.at(base, u * lanes * element));
      for (auto [r, row] : llvm::enumerate(rows)) {
        Value x = b.load(b.getF32Type(), b.at(b.at(row, offset), u * 4));
        next[r] = b.fma(w, b.broadcast(x), next[r]);
      }
    }
    return next;
  });
  for (auto [part, total] : llvm::zip(parts, totals))
    part = b.addf(total, part);
  return parts;
}

// Per row: the exact integer dot product of the group, scaled and added to the total.
static KernelBuilder::Values addQuantizedGroup(KernelBuilder &b, const PackedShape &weight, const TileOps &ops,
                                               Value panel, ArrayRef<Value> rows, Value group, ValueRange totals) {
  Value weights = b.at(panel, b.mul(group, groupBytes(weight.format, panelRows)));
  SmallVector<ActivationGroup> activations;
  KernelBuilder::Values scales;
  Value valuesOffset = b.mul(group, groupColumns), scaleOffset = b.add(b.mul(group, 4), weight.cols);
  for (Value row : rows) {
    Value scale = b.at(row, scaleOffset);
    Value sum = b.load(b.getI32Type(), b.at(scale, weight.cols / groupColumns * 4));
    activations.push_back({b.at(row, valuesOffset), sum});
    scales.push_back(b.load(b.getF32Type(), scale));
  }
  const FormatInfo &info = formatInfo(weight.format);
  SmallVector<Value> dots = weight.format == WeightFormat::Q4 ? ops.dotQ4(b, weights, activations)
                                                               : ops.dotQ8(b, weights, activations);
  Value weightScales =
      b.loadFloats(WeightFormat::F16, b.at(weights, panelRows * groupColumns * info.bits / 8));
  KernelBuilder::Values next;
  for (auto [r, dot] : llvm::enumerate(dots)) {
    if (info.zeroPoint) {
      Value surplus = arith::MulIOp::create(b, activations[r].sum, b.i32(info.zeroPoint));
      dot = arith::SubIOp::create(b, dot, b.broadcast(surplus, b.vecI32()));
    }
    Value product = arith::SIToFPOp::create(b, b.vecF32(), dot);
    next.push_back(b.fma(product, b.mulf(weightScales, b.broadcast(scales[r])), totals[r]));
  }
  return next;
}

KernelBuilder::Values KernelLibrary::dotPanel(KernelBuilder &b, const PackedShape &weight, Value panel,
                                              ArrayRef<Value> rows) const {
  KernelBuilder::Values zero(rows.size(), b.splat(b.vecF32(), 0.0));
  return b.loop(b.i64(0), b.i64(weight.cols / groupColumns), 1, zero, [&](Value group, ValueRange totals) {
    if (weight.quantized())
      return addQuantizedGroup(b, weight, *level.tileOps, panel, rows, group, totals);
    return addFloatGroup(b, weight, panel, rows, group, totals);
  });
}

// Arguments as matmul's. One panel (geglu: a pair) times `rowCount` rows.
void KernelLibrary::emitMatmulTile(KernelBuilder &b, const Matmul &shape, ValueRange a, Value panel, Value firstRow,
                                   int64_t rowCount) {
  bool paired = shape.epilogue == gemma::Epilogue::GeGlu;
  SmallVector<Value> rows;
  for (int64_t r = 0; r < rowCount; ++r)
    rows.push_back(b.at(a[0], b.mul(b.add(firstRow, r), shape.inputRowBytes)));
  Value weights = b.at(a[1], b.mul(panel, (paired ? 2 : 1) * shape.weight.panelBytes()));
  auto sums = dotPanel(b, shape.weight, weights, rows);
  KernelBuilder::Values ups;
  if (paired)
    ups = dotPanel(b, shape.weight, b.at(weights, shape.weight.panelBytes()), rows);
  Value column = b.mul(panel, vecBytes);
  for (int64_t r = 0; r < rowCount; ++r) {
    Value value = sums[r], row = b.add(firstRow, r);
    switch (shape.epilogue) {
    case gemma::Epilogue::None:
      break;
    case gemma::Epilogue::GeGlu:
      value = b.mulf(b.gelu(value), ups[r]);
      break;
    case gemma::Epilogue::GeluMul:
      value = b.mulf(b.gelu(value), b.loadVec(b.at(b.at(a[3], b.mul(row, shape.factorRowBytes)), column)));
      break;
    case gemma::Epilogue::Softcap:
      value = b.softcap(value, shape.cap);
      break;
    }
    b.store(value, b.at(b.at(a[2], b.mul(row, shape.resultRowBytes)), column));
  }
}

// (input, weights, result, factor or result; rows, first, last): panels [first, last), for geglu pairs of panels
func::FuncOp KernelLibrary::matmul(const Matmul &shape) {
  std::string name = llvm::formatv("matmul_{0}_{1}_to{2}", shape.weight.text(), gemma::stringifyEpilogue(shape.epilogue),
                                   shape.resultRowBytes / 4);
  if (shape.epilogue == gemma::Epilogue::GeluMul)
    name += "_by" + std::to_string(shape.factorRowBytes / 4);
  if (shape.epilogue == gemma::Epilogue::Softcap)
    name += "_" + bitsText(shape.cap);
  if (!shape.oneRow)
    name += "_rows";
  return get(name, 4, 3, [&](KernelBuilder &b, ValueRange a) {
    b.loop(a[5], a[6], 1, [&](Value panel) {
      if (shape.oneRow)
        return emitMatmulTile(b, shape, a, panel, b.i64(0), 1);
      // Whole tiles, then what is left in halves: five rows are a tile of four and one of one.
      Value done = b.i64(0);
      for (int64_t tile = level.rowTile; tile > 0; tile /= 2) {
        Value end = b.sub(a[4], b.rem(a[4], b.i64(tile)));
        b.loop(done, end, tile, [&](Value row) { emitMatmulTile(b, shape, a, panel, row, tile); });
        done = end;
      }
    });
  });
}

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
