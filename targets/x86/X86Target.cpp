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

  // Adds the products of quads j and j + 4. Sums: [row][half of the panel], of int16, or of int32 when `widen`; null ones begin. A
  // row is done before the next begins, so that little is alive at once.
  static KernelBuilder::Values addProducts(KernelBuilder &b, const QuadLoader &loader, ArrayRef<ActivationGroup> rows,
                                           Value j, ValueRange sums, bool widen) {
    KernelBuilder::Values next(sums);
    QuadLoader::Pair halves[2] = {loader.load(j, 0), loader.load(j, 1)};
    for (auto [r, row] : llvm::enumerate(rows)) {
      Value quad = b.at(row.values, b.mul(j, 4));
      Value x = broadcastQuad(b, quad, bytes), y = broadcastQuad(b, b.at(quad, 16), bytes);
      for (int64_t half = 0; half < 2; ++half) {
        Value &sum = next[2 * r + half];
        Value first = multiplyPairs(b, halves[half].first, x), second = multiplyPairs(b, halves[half].second, y);
        if (!sum)
          sum = widen ? widenPairs(b, add(b, first, second)) : add(b, first, second);
        else
          sum = widen ? add(b, sum, widenPairs(b, add(b, first, second))) : add(b, add(b, sum, first), second);
      }
    }
    return next;
  }

  // Weights of up to 4 bits are at most 15, an activation 128, so the 16 products of a lane in a group stay below 2^15: one
  // widening per group. Of 6 bits (63) only the four products of two quads do.
  static SmallVector<Value> dotUnsigned(KernelBuilder &b, const QuadLoader &loader, WeightFormat format,
                                        ArrayRef<ActivationGroup> rows) {
    bool widenLate = productsInInt16(format, /*wholeRange=*/true) >= 16;
    KernelBuilder::Values none(2 * rows.size()), sums = addProducts(b, loader, rows, b.i64(0), none, !widenLate);
    if (rows.size() == 1) {
      for (int64_t j = 1; j < 4; ++j)
        sums = addProducts(b, loader, rows, b.i64(j), sums, !widenLate);
    } else { // several rows keep a real loop: unrolled flat they spill
      sums = b.loop(b.i64(1), b.i64(4), 1, sums, [&](Value j, ValueRange state) {
        return addProducts(b, loader, rows, j, state, !widenLate);
      });
    }
    SmallVector<Value> dots;
    for (auto [r, row] : llvm::enumerate(rows)) {
      Value first = b.broadcast(firstSum(b, row, formatInfo(format).zeroPoint), b.vec(8, b.getI32Type()));
      Value halves[2];
      for (int64_t half = 0; half < 2; ++half) {
        Value sum = sums[2 * r + half];
        halves[half] = add(b, widenLate ? widenPairs(b, sum) : sum, first);
      }
      dots.push_back(joinHalves(b, halves[0], halves[1]));
    }
    return dots;
  }

  // |w| times x with w's sign: both within 127, so a pair sum stays below 2^15.
  static SmallVector<Value> dotQ8(KernelBuilder &b, const QuadLoader &loader, ArrayRef<ActivationGroup> rows) {
    auto byteType = b.vec(bytes, b.getI8Type());
    KernelBuilder::Values start(2 * rows.size(), b.splatInt(b.vec(8, b.getI32Type()), 0));
    auto sums = b.loop(b.i64(0), b.i64(4), 1, start, [&](Value j, ValueRange state) {
      KernelBuilder::Values next(state);
      QuadLoader::Pair halves[2] = {loader.load(j, 0), loader.load(j, 1)};
      for (int64_t column : {0, 16}) {
        Value weights[2], magnitudes[2];
        for (int64_t half = 0; half < 2; ++half) {
          weights[half] = column ? halves[half].second : halves[half].first;
          magnitudes[half] = math::AbsIOp::create(b, weights[half]);
        }
        for (auto [r, row] : llvm::enumerate(rows)) {
          Value x = broadcastQuad(b, b.at(b.at(row.values, b.mul(j, 4)), column), bytes);
          for (int64_t half = 0; half < 2; ++half) {
            Value turned = b.intrinsic("llvm.x86.avx2.psign.b", byteType, {x, weights[half]});
            Value &sum = next[2 * r + half];
            sum = add(b, sum, widenPairs(b, multiplyPairs(b, magnitudes[half], turned)));
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

  // Signed bytes that may be -128 on either side: psign would turn -128 into itself. Even and odd columns are multiplied as
  // int16, each with its own half of the quad, so that every lane of int32 stays one row: at most 4 * 2^14 a quad.
  static SmallVector<Value> dotWholeRange(KernelBuilder &b, const QuadLoader &loader, ArrayRef<ActivationGroup> rows) {
    auto words = b.vec(16, b.getI16Type());
    Value eight = b.splatInt(words, 8);
    auto evenAndOdd = [&](Value quads) -> std::pair<Value, Value> {
      Value both = b.bitcast(quads, words);
      Value even = arith::ShRSIOp::create(b, arith::ShLIOp::create(b, both, eight), eight);
      return {even, arith::ShRSIOp::create(b, both, eight)};
    };
    auto multiply = [&](Value left, Value right) {
      return b.intrinsic("llvm.x86.avx2.pmadd.wd", b.vec(8, b.getI32Type()), {left, right});
    };
    KernelBuilder::Values start(2 * rows.size(), b.splatInt(b.vec(8, b.getI32Type()), 0));
    auto sums = b.loop(b.i64(0), b.i64(4), 1, start, [&](Value j, ValueRange state) {
      KernelBuilder::Values next(state);
      QuadLoader::Pair halves[2] = {loader.load(j, 0), loader.load(j, 1)};
      for (int64_t column : {0, 16}) {
        std::pair<Value, Value> weights[2];
        for (int64_t half = 0; half < 2; ++half)
          weights[half] = evenAndOdd(column ? halves[half].second : halves[half].first);
        for (auto [r, row] : llvm::enumerate(rows)) {
          auto [even, odd] = evenAndOdd(broadcastQuad(b, b.at(b.at(row.values, b.mul(j, 4)), column), bytes));
          for (int64_t half = 0; half < 2; ++half) {
            Value &sum = next[2 * r + half];
            sum = add(b, sum, add(b, multiply(weights[half].first, even), multiply(weights[half].second, odd)));
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

public:
  SmallVector<Value> dot(KernelBuilder &b, const WeightGroup &weights,
                         ArrayRef<ActivationGroup> rows) const override {
    QuadLoader loader(b, weights, bytes);
    if (formatInfo(weights.format).zeroPoint)
      return dotUnsigned(b, loader, weights.format, rows);
    return rows.front().wholeRange ? dotWholeRange(b, loader, rows) : dotQ8(b, loader, rows);
  }

  void unpack(KernelBuilder &b, const WeightGroup &weights, Value target) const override {
    QuadLoader loader(b, weights, bytes);
    for (int64_t j = 0; j < 4; ++j)
      for (int64_t half = 0; half < 2; ++half)
        storeQuads(b, loader.load(j, half), j, half * bytes, target);
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
                     int64_t unpackedRowTile, int64_t unpackedPanels, int64_t tileSums, int64_t vectorLanes,
                     std::shared_ptr<TileOps> ops) {
      isaLevels.push_back({name.str(), GEMMAC_CPU_X86_AVX2 | features, cpu.str(), llvmFeatures.str(), /*tune=*/"",
                           rowTile, unpackedRowTile, unpackedPanels, /*panelStreams=*/4, tileSums, vectorLanes,
                           /*vectorSums=*/vectorLanes, std::move(ops)});
    };
    level("avx2", 0, "x86-64-v3", "", 4, 4, 1, 8, 8, std::make_shared<Avx2TileOps>());
    level("avxvnni", GEMMAC_CPU_X86_AVX_VNNI, "x86-64-v3", "+avxvnni", 4, 4, 1, 0, 8, std::make_shared<VnniTileOps>(32));
    level("avx512", GEMMAC_CPU_X86_AVX512_VNNI, "x86-64-v4", "+avx512vnni,-prefer-256-bit", 8, 8, 2, 0, 16,
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
