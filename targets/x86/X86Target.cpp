// x86-64: AVX2 as the base, AVX-VNNI and AVX-512 with VNNI above it. One weight layout for all.
#include "gemmac/abi.h"
#include "targets/Targets.h"
#include "targets/cpu/PackedBits.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <numeric>

using namespace mlir;

namespace gemmac {
namespace {

// Four activations, the same in every lane of four bytes.
Value broadcastQuad(KernelBuilder &b, Value pointer, int64_t bytes) {
  Value quad = b.load(b.getI32Type(), pointer, 1);
  return b.bitcast(b.broadcast(quad, b.vec(bytes / 4, b.getI32Type())), b.vec(bytes, b.getI8Type()));
}

/// Registers of `bytes` hold a part of a quad; x86 shifts words, not bytes.
class QuadLoader : public QuadReader {
  int64_t bytes;

public:
  QuadLoader(KernelBuilder &b, const WeightGroup &weights, int64_t bytes)
      : QuadReader(b, weights, b.vec(bytes, b.getI8Type()), b.vec(bytes / 2, b.getI16Type())), bytes(bytes) {}
  template <typename Index> Pair load(Index j, int64_t part) const { return QuadReader::load(j, part * bytes); }
};

Value joinHalves(KernelBuilder &b, Value low, Value high) {
  SmallVector<int64_t> order(16);
  std::iota(order.begin(), order.end(), 0);
  return vector::ShuffleOp::create(b, low, high, order);
}

void storeQuads(KernelBuilder &b, const QuadLoader::Pair &quads, int64_t j, int64_t offset, Value target) {
  b.store(quads.first, b.at(target, 64 * j + offset), 32);
  b.store(quads.second, b.at(target, 64 * (4 + j) + offset), 32);
}

/// AVX2 has no int8 dot product. vpmaddubsw multiplies unsigned by signed bytes and adds pairs in int16.
class Avx2TileOps : public TileOps {
  static constexpr int64_t bytes = 32; // 8 rows of 4 columns

  static Value multiplyPairs(KernelBuilder &b, Value unsignedBytes, Value signedBytes) {
    return b.intrinsic("llvm.x86.avx2.pmadd.ub.sw", b.vec(16, b.getI16Type()), {unsignedBytes, signedBytes});
  }
  static Value widenPairs(KernelBuilder &b, Value words) {
    auto type = b.vec(16, b.getI16Type());
    return b.intrinsic("llvm.x86.avx2.pmadd.wd", b.vec(8, b.getI32Type()), {words, b.splatInt(type, 1)});
  }
  static Value add(KernelBuilder &b, Value left, Value right) { return arith::AddIOp::create(b, left, right); }

  static Value addPair(KernelBuilder &b, Value sum, const QuadLoader::Pair &weights, const QuadLoader::Pair &x, bool widen) {
    Value first = multiplyPairs(b, weights.first, x.first), second = multiplyPairs(b, weights.second, x.second);
    if (!sum)
      return widen ? widenPairs(b, add(b, first, second)) : add(b, first, second);
    return widen ? add(b, sum, widenPairs(b, add(b, first, second))) : add(b, add(b, sum, first), second);
  }

  static QuadLoader::Pair broadcastPair(KernelBuilder &b, const ActivationGroup &row, Value j) {
    Value quad = b.at(row.values, b.mul(j, 4));
    Value first = broadcastQuad(b, quad, bytes);
    return {first, broadcastQuad(b, b.at(quad, 16), bytes)};
  }

  // Adds the products of quads j and j + 4. Sums: [panel][row][half of the panel], of int16, or of int32 when `widen`; null ones
  // begin. Of one panel a row is done before the next begins, of several a half of a panel, so that little is alive at once.
  static KernelBuilder::Values addProducts(KernelBuilder &b, ArrayRef<QuadLoader> panels, ArrayRef<ActivationGroup> rows,
                                           Value j, ValueRange sums, bool widen) {
    KernelBuilder::Values next(sums);
    SmallVector<QuadLoader::Pair> kept;
    if (panels.size() == 1) {
      for (int64_t half = 0; half < 2; ++half)
        kept.push_back(panels[0].load(j, half));
      for (auto [r, row] : llvm::enumerate(rows)) {
        QuadLoader::Pair x = broadcastPair(b, row, j);
        for (int64_t half = 0; half < 2; ++half)
          next[2 * r + half] = addPair(b, next[2 * r + half], kept[half], x, widen);
      }
      return next;
    }
    for (const ActivationGroup &row : rows)
      kept.push_back(broadcastPair(b, row, j));
    for (auto [p, panel] : llvm::enumerate(panels))
      for (int64_t half = 0; half < 2; ++half) {
        QuadLoader::Pair weights = panel.load(j, half);
        for (size_t r = 0; r < rows.size(); ++r) {
          Value &sum = next[2 * (p * rows.size() + r) + half];
          sum = addPair(b, sum, weights, kept[r], widen);
        }
      }
    return next;
  }

  // Weights of up to 4 bits are at most 15, an activation 128, so the 16 products of a lane in a group stay below 2^15: one
  // widening per group. Of 6 bits (63) only the four products of two quads do.
  static SmallVector<Value> dotUnsigned(KernelBuilder &b, ArrayRef<WeightGroup> panels, ArrayRef<ActivationGroup> rows) {
    WeightFormat format = panels.front().format;
    SmallVector<QuadLoader> loaders;
    for (const WeightGroup &weights : panels)
      loaders.emplace_back(b, weights, bytes);
    bool widenLate = productsInInt16(format, /*wholeRange=*/true) >= 16;
    KernelBuilder::Values none(2 * panels.size() * rows.size());
    KernelBuilder::Values sums = addProducts(b, loaders, rows, b.i64(0), none, !widenLate);
    if (panels.size() * rows.size() == 1) {
      for (int64_t j = 1; j < 4; ++j)
        sums = addProducts(b, loaders, rows, b.i64(j), sums, !widenLate);
    } else { // more sums keep a real loop: unrolled flat they spill
      sums = b.loop(b.i64(1), b.i64(4), 1, sums, [&](Value j, ValueRange state) {
        return addProducts(b, loaders, rows, j, state, !widenLate);
      });
    }
    KernelBuilder::Values firsts;
    for (const ActivationGroup &row : rows)
      firsts.push_back(b.broadcast(firstSum(b, row, formatInfo(format).zeroPoint), b.vec(8, b.getI32Type())));
    SmallVector<Value> dots;
    for (size_t i = 0; i < sums.size(); i += 2) {
      auto total = [&](Value sum) { return add(b, widenLate ? widenPairs(b, sum) : sum, firsts[i / 2 % rows.size()]); };
      Value low = total(sums[i]);
      dots.push_back(joinHalves(b, low, total(sums[i + 1])));
    }
    return dots;
  }

  // |w| times x with w's sign: both within 127, so a pair sum stays below 2^15.
  static SmallVector<Value> dotQ8(KernelBuilder &b, ArrayRef<WeightGroup> panels, ArrayRef<ActivationGroup> rows) {
    auto byteType = b.vec(bytes, b.getI8Type());
    KernelBuilder::Values start(2 * panels.size() * rows.size(), b.splatInt(b.vec(8, b.getI32Type()), 0));
    auto addQuad = [&](Value quad, KernelBuilder::Values &sums) {
      KernelBuilder::Values x;
      for (const ActivationGroup &row : rows)
        x.push_back(broadcastQuad(b, b.at(row.values, b.mul(quad, 4)), bytes));
      for (auto [p, panel] : llvm::enumerate(panels))
        for (int64_t half = 0; half < 2; ++half) {
          Value weights = b.load(byteType, b.at(b.at(panel.pointer, b.mul(quad, 2 * bytes)), half * bytes), bytes);
          Value magnitudes = math::AbsIOp::create(b, weights);
          for (size_t r = 0; r < rows.size(); ++r) {
            Value turned = b.intrinsic("llvm.x86.avx2.psign.b", byteType, {x[r], weights});
            Value &sum = sums[2 * (p * rows.size() + r) + half];
            sum = add(b, sum, widenPairs(b, multiplyPairs(b, magnitudes, turned)));
          }
        }
    };
    auto sums = b.loop(b.i64(0), b.i64(8), 2, start, [&](Value quad, ValueRange state) {
      KernelBuilder::Values next(state);
      addQuad(quad, next);
      addQuad(b.add(quad, 1), next);
      return next;
    });
    SmallVector<Value> dots;
    for (size_t i = 0; i < sums.size(); i += 2)
      dots.push_back(joinHalves(b, sums[i], sums[i + 1]));
    return dots;
  }

  // Even and odd columns of signed bytes as int16: so every lane of int32 that they are multiplied to stays one row.
  using Words = std::pair<Value, Value>;
  static Words evenAndOdd(KernelBuilder &b, Value quads) {
    auto words = b.vec(16, b.getI16Type());
    Value both = b.bitcast(quads, words), eight = b.splatInt(words, 8);
    Value even = arith::ShRSIOp::create(b, arith::ShLIOp::create(b, both, eight), eight);
    return {even, arith::ShRSIOp::create(b, both, eight)};
  }
  static Value multiplyWords(KernelBuilder &b, const Words &left, const Words &right) {
    auto multiply = [&](Value x, Value y) { return b.intrinsic("llvm.x86.avx2.pmadd.wd", b.vec(8, b.getI32Type()), {x, y}); };
    Value even = multiply(left.first, right.first);
    return add(b, even, multiply(left.second, right.second));
  }

  // Signed bytes that may be -128 on either side: psign would turn -128 into itself. As int16 a quad is at most 4 * 2^14.
  static SmallVector<Value> dotWholeRange(KernelBuilder &b, const QuadLoader &loader, ArrayRef<ActivationGroup> rows) {
    KernelBuilder::Values start(2 * rows.size(), b.splatInt(b.vec(8, b.getI32Type()), 0));
    auto sums = b.loop(b.i64(0), b.i64(4), 1, start, [&](Value j, ValueRange state) {
      KernelBuilder::Values next(state);
      QuadLoader::Pair halves[2] = {loader.load(j, 0), loader.load(j, 1)};
      for (int64_t column : {0, 16}) {
        Words weights[2];
        for (int64_t half = 0; half < 2; ++half)
          weights[half] = evenAndOdd(b, column ? halves[half].second : halves[half].first);
        for (auto [r, row] : llvm::enumerate(rows)) {
          Words x = evenAndOdd(b, broadcastQuad(b, b.at(b.at(row.values, b.mul(j, 4)), column), bytes));
          for (int64_t half = 0; half < 2; ++half) {
            Value &sum = next[2 * r + half];
            sum = add(b, sum, multiplyWords(b, weights[half], x));
          }
        }
      }
      return next;
    });
    SmallVector<Value> dots;
    for (size_t r = 0; r < rows.size(); ++r)
      dots.push_back(joinHalves(b, sums[2 * r], sums[2 * r + 1]));
    return dots;
  }

  // Weights of a quad as int16, the zero point subtracted.
  static Words signedWords(KernelBuilder &b, Value quads, WeightFormat format) {
    Words words = evenAndOdd(b, quads);
    if (int64_t zeroPoint = formatInfo(format).zeroPoint) {
      Value zero = b.splatInt(b.vec(16, b.getI16Type()), zeroPoint);
      words.first = arith::SubIOp::create(b, words.first, zero);
      words.second = arith::SubIOp::create(b, words.second, zero);
    }
    return words;
  }

  static Words broadcastWords(KernelBuilder &b, const ActivationGroup &row, Value quad) {
    Value first = b.at(row.values, b.mul(quad, 8));
    auto pair = [&](int64_t offset) { return b.bitcast(broadcastQuad(b, b.at(first, offset), bytes), b.vec(16, b.getI16Type())); };
    Value even = pair(0);
    return {even, pair(4)};
  }

  // int16 activations with int8 weights: a group's sum is at most 32 * 32512 * 128. Of unpacked panels each pair of columns is
  // loaded where it is used; packed ones are taken apart for all rows.
  static SmallVector<Value> dotWords(KernelBuilder &b, ArrayRef<WeightGroup> panels, ArrayRef<ActivationGroup> rows) {
    KernelBuilder::Values sums(2 * panels.size() * rows.size(), b.splatInt(b.vec(8, b.getI32Type()), 0));
    auto addQuad = [&](Value quad, KernelBuilder::Values &next, llvm::function_ref<Words(size_t panel, int64_t half)> weights) {
      SmallVector<Words> x;
      for (const ActivationGroup &row : rows)
        x.push_back(broadcastWords(b, row, quad));
      for (size_t p = 0; p < panels.size(); ++p)
        for (int64_t half = 0; half < 2; ++half) {
          Words w = weights(p, half);
          for (size_t r = 0; r < rows.size(); ++r) {
            Value &sum = next[2 * (p * rows.size() + r) + half];
            sum = add(b, sum, multiplyWords(b, w, x[r]));
          }
        }
    };
    if (panels.front().unpacked) {
      sums = b.loop(b.i64(0), b.i64(8), 1, sums, [&](Value quad, ValueRange state) {
        KernelBuilder::Values next(state);
        addQuad(quad, next, [&](size_t p, int64_t half) -> Words {
          Value first = b.at(b.at(panels[p].pointer, b.mul(quad, 4 * bytes)), 2 * bytes * half);
          auto load = [&](int64_t offset) { return b.load(b.vec(16, b.getI16Type()), b.at(first, offset), bytes); };
          Value even = load(0);
          return {even, load(bytes)};
        });
        return next;
      });
    } else {
      QuadLoader loader(b, panels.front(), bytes);
      sums = b.loop(b.i64(0), b.i64(4), 1, sums, [&](Value j, ValueRange state) {
        KernelBuilder::Values next(state);
        QuadLoader::Pair halves[2] = {loader.load(j, 0), loader.load(j, 1)};
        addQuad(j, next, [&](size_t, int64_t half) { return evenAndOdd(b, halves[half].first); });
        addQuad(b.add(j, 4), next, [&](size_t, int64_t half) { return evenAndOdd(b, halves[half].second); });
        return next;
      });
    }
    SmallVector<Value> dots;
    int64_t zeroPoint = panels.front().unpacked ? 0 : formatInfo(panels.front().format).zeroPoint;
    for (size_t i = 0; i < sums.size(); i += 2) {
      Value dot = joinHalves(b, sums[i], sums[i + 1]);
      if (zeroPoint)
        dot = add(b, dot, b.broadcast(firstSum(b, rows[i / 2 % rows.size()], zeroPoint), b.vecI32()));
      dots.push_back(dot);
    }
    return dots;
  }

public:
  bool multipliesWords() const override { return true; }

  SmallVector<Value> dot(KernelBuilder &b, const WeightGroup &weights,
                         ArrayRef<ActivationGroup> rows) const override {
    if (weights.words)
      return dotWords(b, weights, rows);
    if (formatInfo(weights.format).zeroPoint)
      return dotUnsigned(b, weights, rows);
    return rows.front().wholeRange ? dotWholeRange(b, QuadLoader(b, weights, bytes), rows) : dotQ8(b, weights, rows);
  }

  /// Unpacked panels share each broadcast of activations.
  SmallVector<Value> dotPanels(KernelBuilder &b, ArrayRef<WeightGroup> panels,
                               ArrayRef<ActivationGroup> rows) const override {
    const WeightGroup &first = panels.front();
    if (!first.unpacked || (rows.front().wholeRange && !formatInfo(first.format).zeroPoint))
      return TileOps::dotPanels(b, panels, rows);
    if (first.words)
      return dotWords(b, panels, rows);
    return formatInfo(first.format).zeroPoint ? dotUnsigned(b, panels, rows) : dotQ8(b, panels, rows);
  }

  void unpack(KernelBuilder &b, const WeightGroup &weights, Value target) const override {
    QuadLoader loader(b, weights, bytes);
    auto store = [&](Value quads, int64_t quad, int64_t half) {
      if (!weights.words)
        return b.store(quads, b.at(target, 2 * bytes * quad + bytes * half), bytes);
      Words words = signedWords(b, quads, weights.format);
      Value first = b.at(target, 4 * bytes * quad + 2 * bytes * half);
      b.store(words.first, first, bytes);
      b.store(words.second, b.at(first, bytes), bytes);
    };
    for (int64_t j = 0; j < 4; ++j)
      for (int64_t half = 0; half < 2; ++half) {
        QuadLoader::Pair quads = loader.load(j, half);
        store(quads.first, j, half);
        store(quads.second, 4 + j, half);
      }
  }
};

/// VNNI: vpdpbusd adds four products of unsigned and signed bytes to an int32 lane. Signed weights become unsigned by adding
/// 128. Every form starts its sums at -zero point * sum of the activations, so that none is subtracted at the end.
class VnniTileOps : public TileOps {
  int64_t bytes; // of a register
  int64_t parts; // registers that hold four columns of the panel

  static int64_t zeroPoint(WeightFormat format) {
    return formatInfo(format).zeroPoint ? formatInfo(format).zeroPoint : 128;
  }

  VectorType sums(KernelBuilder &b) const { return b.vec(bytes / 4, b.getI32Type()); }
  Value dot(KernelBuilder &b, Value sum, Value unsignedBytes, Value signedBytes) const {
    return b.intrinsic(bytes == 64 ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256", sums(b),
                       {sum, unsignedBytes, signedBytes});
  }
  Value startSum(KernelBuilder &b, WeightFormat format, const ActivationGroup &row) const {
    return b.broadcast(firstSum(b, row, zeroPoint(format)), sums(b));
  }
  QuadLoader::Pair loadUnsigned(KernelBuilder &b, const QuadLoader &loader, const WeightGroup &weights, Value j,
                                int64_t part) const {
    auto quads = loader.load(j, part);
    if (weights.unpacked || formatInfo(weights.format).zeroPoint)
      return quads;
    Value flip = b.splatInt(b.vec(bytes, b.getI8Type()), -128);
    return {arith::XOrIOp::create(b, quads.first, flip), arith::XOrIOp::create(b, quads.second, flip)};
  }

  SmallVector<Value> joinParts(KernelBuilder &b, const KernelBuilder::Values &sums) const {
    if (parts == 1)
      return sums;
    SmallVector<Value> dots;
    for (size_t i = 0; i < sums.size(); i += 2)
      dots.push_back(joinHalves(b, sums[i], sums[i + 1]));
    return dots;
  }

  /// Several rows and halves of a panel keep a real loop: unrolled flat they spill.
  SmallVector<Value> dotInLoop(KernelBuilder &b, const QuadLoader &loader, const WeightGroup &weights,
                               ArrayRef<ActivationGroup> rows) const {
    KernelBuilder::Values sums; // [row][part]
    for (const ActivationGroup &row : rows)
      sums.append(parts, startSum(b, weights.format, row));
    sums = b.loop(b.i64(0), b.i64(4), 1, sums, [&](Value j, ValueRange state) {
      KernelBuilder::Values next(state);
      SmallVector<QuadLoader::Pair> quads;
      for (int64_t part = 0; part < parts; ++part)
        quads.push_back(loadUnsigned(b, loader, weights, j, part));
      for (int64_t column : {0, 16})
        for (auto [r, row] : llvm::enumerate(rows)) {
          Value x = broadcastQuad(b, b.at(b.at(row.values, b.mul(j, 4)), column), bytes);
          for (int64_t part = 0; part < parts; ++part) {
            Value &sum = next[r * parts + part];
            sum = dot(b, sum, column ? quads[part].second : quads[part].first, x);
          }
        }
      return next;
    });
    return joinParts(b, sums);
  }

public:
  explicit VnniTileOps(int64_t bytes) : bytes(bytes), parts(4 * panelRows / bytes) {}

  SmallVector<Value> dot(KernelBuilder &b, const WeightGroup &weights,
                         ArrayRef<ActivationGroup> rows) const override {
    QuadLoader loader(b, weights, bytes);
    if (rows.size() > 1 && parts > 1)
      return dotInLoop(b, loader, weights, rows);
    SmallVector<SmallVector<Value>> results(rows.size());
    for (int64_t part = 0; part < parts; ++part) {
      SmallVector<Value> quads(8);
      for (int64_t j = 0; j < 4; ++j)
        std::tie(quads[j], quads[4 + j]) = loadUnsigned(b, loader, weights, b.i64(j), part);
      for (auto [r, row] : llvm::enumerate(rows)) {
        Value sum = startSum(b, weights.format, row);
        for (int64_t j = 0; j < 8; ++j)
          sum = dot(b, sum, quads[j], broadcastQuad(b, b.at(row.values, 4 * j), bytes));
        results[r].push_back(sum);
      }
    }
    SmallVector<Value> dots;
    for (ArrayRef<Value> result : results)
      dots.push_back(parts == 1 ? result[0] : joinHalves(b, result[0], result[1]));
    return dots;
  }

  /// Unpacked panels keep a real loop over the columns, four at a time: all sums stay in registers, and each broadcast of
  /// activations serves every panel.
  SmallVector<Value> dotPanels(KernelBuilder &b, ArrayRef<WeightGroup> panels,
                               ArrayRef<ActivationGroup> rows) const override {
    if (!panels.front().unpacked)
      return TileOps::dotPanels(b, panels, rows);
    KernelBuilder::Values sums; // [panel][row][part]
    for (const WeightGroup &weights : panels)
      for (const ActivationGroup &row : rows)
        sums.append(parts, startSum(b, weights.format, row));
    sums = b.loop(b.i64(0), b.i64(8), 1, sums, [&](Value quad, ValueRange state) {
      KernelBuilder::Values next(state);
      Value columns = b.mul(quad, 4), weightsOffset = b.mul(quad, 4 * panelRows);
      for (auto [r, row] : llvm::enumerate(rows)) {
        Value x = broadcastQuad(b, b.at(row.values, columns), bytes);
        for (auto [p, weights] : llvm::enumerate(panels))
          for (int64_t part = 0; part < parts; ++part) {
            Value w = b.load(b.vec(bytes, b.getI8Type()), b.at(b.at(weights.pointer, weightsOffset), part * bytes), bytes);
            Value &sum = next[(p * rows.size() + r) * parts + part];
            sum = dot(b, sum, w, x);
          }
      }
      return next;
    });
    return joinParts(b, sums);
  }

  void unpack(KernelBuilder &b, const WeightGroup &weights, Value target) const override {
    QuadLoader loader(b, weights, bytes);
    for (int64_t j = 0; j < 4; ++j)
      for (int64_t part = 0; part < parts; ++part)
        storeQuads(b, loadUnsigned(b, loader, weights, b.i64(j), part), j, part * bytes, target);
  }
};

class X86Linux : public TargetBackend {
  std::vector<IsaLevel> isaLevels;

public:
  X86Linux() {
    auto level = [&](StringRef name, uint64_t features, StringRef cpu, StringRef llvmFeatures, int64_t rowTile,
                     int64_t unpackedRowTile, int64_t unpackedPanels, int64_t unpackedGroups, int64_t tileSums, int64_t vectorLanes,
                     std::shared_ptr<TileOps> ops) {
      isaLevels.push_back({name.str(), GEMMAC_CPU_X86_AVX2 | features, cpu.str(), llvmFeatures.str(), /*tune=*/"",
                           rowTile, unpackedRowTile, unpackedPanels, unpackedGroups, /*panelStreams=*/4, tileSums, vectorLanes,
                           /*vectorSums=*/vectorLanes, std::move(ops)});
    };
    level("avx2", 0, "x86-64-v3", "", 4, 2, 2, 16, 8, 8, std::make_shared<Avx2TileOps>());
    level("avxvnni", GEMMAC_CPU_X86_AVX_VNNI, "x86-64-v3", "+avxvnni", 4, 4, 1, 32, 0, 8, std::make_shared<VnniTileOps>(32));
    level("avx512", GEMMAC_CPU_X86_AVX512_VNNI, "x86-64-v4", "+avx512vnni,-prefer-256-bit", 8, 8, 2, 32, 0, 16,
          std::make_shared<VnniTileOps>(64));
  }
  StringRef name() const override { return "x86_64-linux"; }
  StringRef triple() const override { return "x86_64-unknown-linux-gnu"; }
  StringRef lldEmulation() const override { return "elf_x86_64"; }
  ArrayRef<IsaLevel> levels() const override { return isaLevels; }
};

} // namespace

std::unique_ptr<TargetBackend> createX86LinuxTarget() { return std::make_unique<X86Linux>(); }

} // namespace gemmac
