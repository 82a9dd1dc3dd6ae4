// Kernels that work row by row: table look-up, norms, quantization, RoPE angles, routing. Rows are f32 unless said.
#include "targets/cpu/kernels/Kernels.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;

// ---- shared pieces

// 1 / sqrt(sum of squares of `width` values / count + eps), each value first multiplied by `scale`.
static Value inverseRms(KernelBuilder &b, Value row, int64_t width, int64_t count, double eps, double scale = 1.0) {
  Value zero = b.splat(b.vecF32(), 0.0);
  auto sums = b.loop(b.i64(0), b.i64(width * 4), 2 * vecBytes, ValueRange{zero, zero}, [&](Value i, ValueRange s) {
    KernelBuilder::Values next;
    for (int64_t half = 0; half < 2; ++half) {
      Value x = b.loadVec(b.at(b.at(row, i), half * vecBytes));
      if (scale != 1.0)
        x = b.mulf(x, b.splat(b.vecF32(), scale));
      next.push_back(b.fma(x, x, s[half]));
    }
    return next;
  });
  Value mean = b.divf(b.sumLanes(b.addf(sums[0], sums[1])), b.f32(static_cast<float>(count)));
  Value root = b.sqrt(b.addf(mean, b.f32(static_cast<float>(eps))));
  return b.broadcast(b.divf(b.f32(1.0f), root));
}

// The bits that one plane holds of the 32 values of one row, at their place in the stored values: columns 0..15
// and 16..31. `row` is the row's part of the plane's first block. A plane without a zero point is signed bytes.
static std::pair<Value, Value> loadRowPlane(KernelBuilder &b, const BitPlane &plane, Value row, int64_t rows) {
  auto bytes = b.vec(lanes, b.getI8Type());
  Value slot = b.stack(groupColumns);
  auto gather = [&](int64_t block, int64_t quad) {
    b.store(b.load(b.getI32Type(), b.at(row, block * rows * 4), 1), b.at(slot, quad * 4));
  };
  if (plane.bits == 8) {
    for (int64_t quad = 0; quad < 8; ++quad)
      gather(quad, quad);
    auto half = [&](int64_t offset) -> Value {
      return arith::ExtSIOp::create(b, b.vecI32(), b.load(bytes, b.at(slot, offset), 16));
    };
    Value low = half(0);
    return {low, half(lanes)};
  }
  // Quad q lies in block q % bits from bit q / bits * bits on, quad q + 4 four bits above it (planePlace).
  SmallVector<int32_t> shifts;
  for (int64_t column = 0; column < lanes; ++column)
    shifts.push_back(static_cast<int32_t>(planePlace(plane.bits, rows, 0, column).shift));
  for (int64_t quad = 0; quad < 4; ++quad)
    gather(quad % plane.bits, quad);
  Value packed = arith::ExtUIOp::create(b, b.vecI32(), b.load(bytes, slot, 16));
  Value places = arith::ConstantOp::create(b, DenseElementsAttr::get(b.vecI32(), ArrayRef<int32_t>(shifts)));
  packed = arith::ShRUIOp::create(b, packed, places);
  auto take = [&](int64_t shift) -> Value {
    Value bits = arith::ShRUIOp::create(b, packed, b.splatInt(b.vecI32(), shift));
    bits = arith::AndIOp::create(b, bits, b.splatInt(b.vecI32(), (1 << plane.bits) - 1));
    return arith::ShLIOp::create(b, bits, b.splatInt(b.vecI32(), plane.shift));
  };
  Value low = take(0);
  return {low, take(4)};
}

// The scale of one group of one row of a packed table, an f32.
static Value loadScale(KernelBuilder &b, const PackedShape &table, Value panel, Value lane, Value group) {
  if (!table.rowScales()) {
    Value scales = b.at(b.at(panel, b.mul(group, groupBytes(table.format, rowsOf(table.layout)))),
                        valueBytes(table.format, rowsOf(table.layout)));
    return arith::ExtFOp::create(b, b.getF32Type(), b.load(b.getF16Type(), b.at(scales, b.mul(lane, 2)), 2));
  }
  Value index = lane;
  if (table.layout == Layout::Table && table.scaleBlocks > 1)
    index = b.div(group, b.i64(table.cols / table.scaleBlocks / groupColumns));
  return b.load(b.getF32Type(), b.at(b.at(panel, table.rowScalesOffset()), b.mul(index, 4)), 2);
}

// The 32 values of one group of one row of a packed table. `panel` is the panel's first byte, `lane` the row in it.
static std::pair<Value, Value> dequantizeGroup(KernelBuilder &b, const PackedShape &table, Value panel, Value lane,
                                               Value group) {
  int64_t rows = rowsOf(table.layout);
  Value base = b.at(panel, b.mul(group, groupBytes(table.format, rows)));
  if (!table.quantized()) {
    int64_t element = KernelBuilder::elementBytes(table.format);
    if (rows == 1)
      return {b.loadFloats(table.format, base), b.loadFloats(table.format, b.at(base, lanes * element))};
    Type stored = table.format == Format::F32   ? b.getF32Type()
                  : table.format == Format::F16 ? Type(b.getF16Type())
                                                : Type(b.getBF16Type());
    Value slot = b.stack(2 * lanes * element);
    for (int64_t c = 0; c < 2 * lanes; ++c)
      b.store(b.load(stored, b.at(b.at(base, b.mul(lane, element)), c * rows * element), element),
              b.at(slot, c * element), element);
    return {b.loadFloats(table.format, slot), b.loadFloats(table.format, b.at(slot, lanes * element))};
  }

  const FormatInfo &info = formatInfo(table.format);
  Value row = b.at(base, b.mul(lane, 4)), low, high;
  int64_t at = 0;
  for (const BitPlane &plane : info.planes) {
    if (plane.bits == 0)
      continue;
    auto [first, second] = loadRowPlane(b, plane, b.at(row, at), rows);
    low = at ? arith::OrIOp::create(b, low, first).getResult() : first;
    high = at ? arith::OrIOp::create(b, high, second).getResult() : second;
    at += plane.bits * rows * 4;
  }
  Value scale = b.broadcast(loadScale(b, table, panel, lane, group));
  auto dequantize = [&](Value stored) -> Value {
    if (info.zeroPoint)
      stored = arith::SubIOp::create(b, stored, b.splatInt(b.vecI32(), info.zeroPoint));
    return b.mulf(arith::SIToFPOp::create(b, b.vecF32(), stored), scale);
  };
  return {dequantize(low), dequantize(high)};
}

static Value loadIndex(KernelBuilder &b, Value indices, Value at) {
  return arith::ExtSIOp::create(b, b.getI64Type(), b.load(b.getI32Type(), b.at(indices, b.mul(at, 4))));
}

// ---- kernels

// (table, rows of the call, result; first, last)
func::FuncOp KernelLibrary::embed(const PackedShape &table, int64_t tableRowBytes, int64_t resultRowBytes,
                                  double scale) {
  std::string name = "embed_" + table.text() + "_" + bitsText(scale);
  return get(name, 3, 2, [&](KernelBuilder &b, ValueRange a) {
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

// Frequencies as the reference computes them, in f32 (spec 3.5).
static SmallVector<float> ropeFrequencies(int64_t headDim, gemma::RopeAttr rope) {
  SmallVector<float> frequencies(paddedHeadDim(headDim) / 2, 0.0f);
  for (int64_t j = 0; j < rope.getPairs(); ++j) {
    float exponent = static_cast<float>(2 * j) / static_cast<float>(headDim);
    float power = static_cast<float>(std::pow(rope.getTheta().getValueAsDouble(), static_cast<double>(exponent)));
    frequencies[j] = 1.0f / power / static_cast<float>(rope.getFactor().getValueAsDouble());
  }
  return frequencies;
}

// cos and sin of |x| < 2^30, f64: reduction by pi/2 in two parts, then the polynomials of fdlibm's kernels.
static std::pair<Value, Value> cosSin(KernelBuilder &b, Value x) {
  auto type = cast<VectorType>(x.getType());
  auto ints = b.vec(type.getNumElements(), b.getI64Type());
  Value magic = b.splat(type, 6755399441055744.0); // 1.5 * 2^52: rounds to an integer in the low bits
  Value shifted = b.fma(x, b.splat(type, 0.63661977236758134308), magic);
  Value n = b.subf(shifted, magic);
  Value r = b.fma(n, b.splat(type, -1.57079632679489655800), x);
  r = b.fma(n, b.splat(type, -6.12323399573676603587e-17), r);
  Value z = b.mulf(r, r);
  auto polynomial = [&](ArrayRef<double> coefficients) {
    Value p = b.splat(type, coefficients.front());
    for (double c : coefficients.drop_front())
      p = b.fma(p, z, b.splat(type, c));
    return p;
  };
  Value sine = polynomial({1.58969099521155010221e-10, -2.50507602534068634195e-08, 2.75573137070700676789e-06,
                           -1.98412698298579493134e-04, 8.33333333332248946124e-03, -1.66666666666666324348e-01});
  sine = b.fma(b.mulf(sine, z), r, r);
  Value cosine = polynomial({-1.13596475577881948265e-11, 2.08757232129817482790e-09, -2.75573143513906633035e-07,
                             2.48015872894767294178e-05, -1.38888888888741095749e-03, 4.16666666666666019037e-02});
  cosine = b.fma(b.mulf(cosine, z), z, b.fma(z, b.splat(type, -0.5), b.splat(type, 1.0)));

  Value quadrant = b.bitcast(shifted, ints);
  auto bit = [&](Value value, int64_t mask) -> Value {
    Value masked = arith::AndIOp::create(b, value, b.splatInt(ints, mask));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, masked, b.splatInt(ints, 0));
  };
  auto negateIf = [&](Value condition, Value value) {
    return b.select(condition, arith::NegFOp::create(b, value), value);
  };
  Value swap = bit(quadrant, 1);
  Value c = b.select(swap, sine, cosine), s = b.select(swap, cosine, sine);
  Value next = arith::AddIOp::create(b, quadrant, b.splatInt(ints, 1));
  return {negateIf(bit(next, 2), c), negateIf(bit(quadrant, 2), s)};
}

// (result, rows of the call; first, last)
func::FuncOp KernelLibrary::ropeTable(int64_t headDim, gemma::RopeAttr rope) {
  std::string name =
      llvm::formatv("rope_table_d{0}_{1}_p{2}_{3}", headDim, bitsText(rope.getTheta().getValueAsDouble()),
                    rope.getPairs(), bitsText(rope.getFactor().getValueAsDouble()));
  int64_t half = paddedHeadDim(headDim) / 2;
  return get(name, 2, 2, [&](KernelBuilder &b, ValueRange a) {
    SmallVector<float> frequencies = ropeFrequencies(headDim, rope);
    auto tensor = RankedTensorType::get({half}, b.getF32Type());
    auto array = LLVM::LLVMArrayType::get(b.getF32Type(), half);
    std::string globalName = name + "_frequencies";
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(module.getBody());
      LLVM::GlobalOp::create(b, array, /*isConstant=*/true, LLVM::Linkage::Internal, globalName,
                             DenseElementsAttr::get(tensor, ArrayRef<float>(frequencies)), /*alignment=*/64);
    }
    Value table = LLVM::AddressOfOp::create(b, b.ptrType(), globalName);
    b.loop(a[2], a[3], 1, [&](Value row) {
      Value position = arith::SIToFPOp::create(b, b.getF32Type(), CallRows(b, a[1]).position(row));
      Value result = b.at(a[0], b.mul(row, 2 * half * 4));
      b.loop(b.i64(0), b.i64(half * 4), vecBytes, [&](Value i) {
        Value angle = b.mulf(b.broadcast(position), b.loadVec(b.at(table, i)));
        auto wide = b.vec(lanes, b.getF64Type());
        auto [cosine, sine] = cosSin(b, arith::ExtFOp::create(b, wide, angle));
        b.store(arith::TruncFOp::create(b, b.vecF32(), cosine), b.at(result, i));
        b.store(arith::TruncFOp::create(b, b.vecF32(), sine), b.at(b.at(result, i), half * 4));
      });
    });
  });
}

// (input, result[, weight]; first, last[; static scale])
func::FuncOp KernelLibrary::norm(gemma::NormStep step) {
  gemma::BufferType input = step.getInput().getType(), result = step.getResult().getType();
  double factor = step.getFactor().convertToDouble(), eps = step.getEps().convertToDouble();
  bool weighted = step.getWeight().has_value(), isStatic = step.getStaticScale().has_value();
  int64_t count = step.getCount(), pointers = weighted ? 3 : 2;
  std::string name =
      llvm::formatv("norm_{0}_w{1}_of{2}{3}{4}_{5}_{6}", nameOf(result.getElement()), result.getWidth(), count,
                    weighted ? "" : "_plain", isStatic ? "_static" : "", bitsText(factor), bitsText(eps));
  auto body = [&](KernelBuilder &b, ValueRange a) {
    Value weight = weighted ? a[2] : Value(), staticScale = isStatic ? a[pointers + 2] : Value();
    b.loop(a[pointers], a[pointers + 1], 1, [&](Value row) {
      Value source = b.at(a[0], b.mul(row, input.getRowBytes()));
      Value inverse = inverseRms(b, source, input.getWidth(), count, eps);
      Value target = b.at(a[1], b.mul(row, result.getRowBytes()));
      storeRow(b, target, result, staticScale, [&](Value offset) {
        auto normed = [&](int64_t half) {
          Value x = b.mulf(b.loadVec(b.at(b.at(source, offset), half)), inverse);
          if (weighted)
            x = b.mulf(x, b.loadVec(b.at(b.at(weight, offset), half)));
          return factor == 1.0 ? x : b.mulf(x, b.splat(b.vecF32(), factor));
        };
        Value low = normed(0);
        return std::make_pair(low, normed(vecBytes));
      });
    });
  };
  return get(name, pointers, 2, body, isStatic ? 1 : 0);
}

// (input, branch, result, weight[, layer scale]; first, last)
func::FuncOp KernelLibrary::addNorm(gemma::BufferType type, bool scaled, double eps, int64_t count) {
  std::string name =
      llvm::formatv("add_norm_w{0}_of{1}{2}_{3}", type.getWidth(), count, scaled ? "_scaled" : "", bitsText(eps));
  return get(name, scaled ? 5 : 4, 2, [&](KernelBuilder &b, ValueRange a) {
    Value scale = scaled ? b.broadcast(b.load(b.getF32Type(), a[4])) : Value();
    b.loop(a[a.size() - 2], a[a.size() - 1], 1, [&](Value row) {
      Value rowOffset = b.mul(row, type.getRowBytes());
      Value input = b.at(a[0], rowOffset), branch = b.at(a[1], rowOffset), result = b.at(a[2], rowOffset);
      Value inverse = inverseRms(b, branch, type.getWidth(), count, eps);
      storeRow(b, result, type, /*staticScale=*/{}, [&](Value offset) {
        auto sum = [&](int64_t half) {
          Value normed = b.mulf(b.loadVec(b.at(b.at(branch, offset), half)), inverse);
          normed = b.mulf(normed, b.loadVec(b.at(b.at(a[3], offset), half)));
          Value x = b.addf(b.loadVec(b.at(b.at(input, offset), half)), normed);
          return scaled ? b.mulf(x, scale) : x;
        };
        Value low = sum(0);
        return std::make_pair(low, sum(vecBytes));
      });
    });
  });
}

// (input, result; first, last[; static scale])
func::FuncOp KernelLibrary::quantize(gemma::QuantizeStep step) {
  gemma::BufferType input = step.getInput().getType(), result = step.getResult().getType();
  bool isStatic = step.getStaticScale().has_value();
  std::string name =
      llvm::formatv("quantize_{0}{1}_w{2}", nameOf(result.getElement()), isStatic ? "_static" : "", input.getWidth());
  auto body = [&](KernelBuilder &b, ValueRange a) {
    Value staticScale = isStatic ? a[4] : Value();
    b.loop(a[2], a[3], 1, [&](Value row) {
      Value source = b.at(a[0], b.mul(row, input.getRowBytes()));
      Value target = b.at(a[1], b.mul(row, result.getRowBytes()));
      storeRow(b, target, result, staticScale, [&](Value offset) {
        Value low = b.loadVec(b.at(source, offset));
        return std::make_pair(low, b.loadVec(b.at(b.at(source, offset), vecBytes)));
      });
    });
  };
  return get(name, 2, 2, body, isStatic ? 1 : 0);
}

// (context, result, table, norm; first, last)
func::FuncOp KernelLibrary::pleCombine(gemma::PleCombineStep step, const PackedShape &table, int64_t tableRowBytes) {
  double contextScale = step.getContextScale().convertToDouble(), tokenScale = step.getTokenScale().convertToDouble();
  double resultScale = step.getResultScale().convertToDouble(), eps = step.getEps().convertToDouble();
  int64_t groups = step.getGroups(), width = table.cols / groups, count = step.getCount();
  std::string name = llvm::formatv("ple_combine_{0}_g{1}_of{2}_{3}_{4}_{5}_{6}", table.text(), groups, count,
                                   bitsText(contextScale), bitsText(tokenScale), bitsText(resultScale), bitsText(eps));
  return get(name, 4, 2, [&](KernelBuilder &b, ValueRange a) {
    b.loop(a[4], a[5], 1, [&](Value row) {
      Value line = b.at(a[2], b.mul(row, tableRowBytes));
      Value rowOffset = b.mul(row, table.cols * 4);
      b.loop(b.i64(0), b.i64(groups), 1, [&](Value layer) {
        Value offset = b.add(rowOffset, b.mul(layer, width * 4));
        Value context = b.at(a[0], offset), result = b.at(a[1], offset);
        Value inverse = inverseRms(b, context, width, count, eps, contextScale);
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
func::FuncOp KernelLibrary::route(gemma::RouteStep step) {
  int64_t experts = step.getExperts(), topK = step.getTopK();
  gemma::BufferType scoresType = step.getScores().getType(), picksType = step.getPicks().getType();
  int64_t weightsRowBytes = step.getWeights().getType().getRowBytes();
  return get(llvm::formatv("route_e{0}_k{1}", experts, topK), 4, 2, [&](KernelBuilder &b, ValueRange a) {
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

} // namespace gemmac
