// AArch64: NEON as the base, dotprod above it. One weight layout for both.
#include "gemmac/program.h"
#include "targets/Targets.h"
#include "targets/cpu/WordProducts.h"

#include <numeric>

using namespace mlir;

namespace gemmac {
namespace {

constexpr int64_t parts = 4; // of 4 rows: 16 rows in registers of 128 bits

VectorType bytes16(KernelBuilder &b) { return b.vec(16, b.getI8Type()); }
VectorType ints4(KernelBuilder &b) { return b.vec(4, b.getI32Type()); }

// Four activations, the same in every lane of four bytes.
Value broadcastQuad(KernelBuilder &b, Value pointer) {
  return b.bitcast(b.broadcast(b.load(b.getI32Type(), pointer, 1), ints4(b)), bytes16(b));
}

Value joinParts(KernelBuilder &b, ArrayRef<Value> quarter) {
  auto join = [&](Value low, Value high) -> Value {
    SmallVector<int64_t> order(2 * cast<VectorType>(low.getType()).getNumElements());
    for (auto [i, position] : llvm::enumerate(order))
      position = i;
    return vector::ShuffleOp::create(b, low, high, order);
  };
  return join(join(quarter[0], quarter[1]), join(quarter[2], quarter[3]));
}

/// smlal adds four products of int16; a part has two registers of sums, with two lanes for each of its rows. Part by
/// part, as below.
class ArmWordProducts : public WordProducts {
  VectorType sumType(KernelBuilder &b) const override { return b.vec(8, b.getI32Type()); }
  Value multiplyAdd(KernelBuilder &b, Value sum, Value weights, Value x) const override {
    auto widen = [&](Value words) -> Value { return arith::ExtSIOp::create(b, sumType(b), words); };
    Value wide = widen(weights);
    return arith::AddIOp::create(b, sum, arith::MulIOp::create(b, wide, widen(x)));
  }
  Value joinParts(KernelBuilder &b, ArrayRef<Value> sums) const override {
    SmallVector<Value> quarters;
    for (Value sum : sums) {
      auto lanes = [&](int64_t first) -> Value {
        return vector::ShuffleOp::create(b, sum, sum, ArrayRef<int64_t>{first, first + 2, first + 4, first + 6});
      };
      Value even = lanes(0);
      quarters.push_back(arith::AddIOp::create(b, even, lanes(1)));
    }
    return gemmac::joinParts(b, quarters);
  }

public:
  ArmWordProducts() : WordProducts(/*bytes=*/16, /*together=*/1) {}
};

/// Part by part, so that few sums live at once: a level multiplies one quad of columns of 4 rows of the panel.
class ArmTileOps : public TileOps {
  ArmWordProducts words;

  int64_t wordRegister() const override { return 16; }

protected:
  /// The dot products of one part with one activation row. `quads` are its weights, 4 columns of 4 rows each, `x` the
  /// activations that belong to them.
  virtual Value dotQuads(KernelBuilder &b, ArrayRef<Value> quads, ArrayRef<Value> x, Format format,
                         bool wholeRange) const = 0;
  /// The quads of an activation row, each the same in all four lanes of 32 bits.
  virtual SmallVector<Value> activations(KernelBuilder &b, const ActivationGroup &row) const = 0;

  /// The 8 quads of one part, one byte a weight.
  static SmallVector<Value> loadQuads(KernelBuilder &b, const WeightGroup &weights, int64_t part) {
    QuadReader reader(b, weights, bytes16(b), bytes16(b));
    SmallVector<Value> quads(8);
    for (int64_t j = 0; j < 4; ++j)
      std::tie(quads[j], quads[4 + j]) = reader.load(j, 16 * part);
    return quads;
  }

  static void storeQuads(KernelBuilder &b, ArrayRef<Value> quads, int64_t part, Value target) {
    for (auto [j, quad] : llvm::enumerate(quads))
      b.store(quad, b.at(target, 64 * static_cast<int64_t>(j) + 16 * part), 16);
  }

  /// Where the sums of a part start: the bias of weights that have a zero point, else 0.
  static Value startOf(KernelBuilder &b, const WeightGroup &weights, const ActivationGroup &row) {
    int64_t zeroPoint = formatInfo(weights.format).zeroPoint;
    return zeroPoint == 0 ? b.splatInt(ints4(b), 0) : b.broadcast(firstSum(b, row, zeroPoint), ints4(b));
  }

  /// Of one byte a weight; words are none.
  virtual SmallVector<Value> dotBytes(KernelBuilder &b, const WeightGroup &weights,
                                      ArrayRef<ActivationGroup> rows) const {
    SmallVector<SmallVector<Value>> x, quarters(rows.size());
    for (const ActivationGroup &row : rows)
      x.push_back(activations(b, row));
    for (int64_t part = 0; part < parts; ++part) {
      SmallVector<Value> quads = loadQuads(b, weights, part);
      for (auto [r, row] : llvm::enumerate(rows))
        quarters[r].push_back(arith::AddIOp::create(b, dotQuads(b, quads, x[r], weights.format, row.wholeRange),
                                                    startOf(b, weights, row)));
    }
    SmallVector<Value> dots;
    for (ArrayRef<Value> quarter : quarters)
      dots.push_back(joinParts(b, quarter));
    return dots;
  }

  virtual void unpackBytes(KernelBuilder &b, const WeightGroup &weights, Value target) const {
    for (int64_t part = 0; part < parts; ++part)
      storeQuads(b, loadQuads(b, weights, part), part, target);
  }

public:
  SmallVector<Value> dot(KernelBuilder &b, const WeightGroup &weights, ArrayRef<ActivationGroup> rows) const override {
    return weights.words ? words.dot(b, weights, rows) : dotBytes(b, weights, rows);
  }
  void unpack(KernelBuilder &b, const WeightGroup &weights, Value target) const override {
    return weights.words ? words.unpack(b, weights, target) : unpackBytes(b, weights, target);
  }
};

/// sdot adds four products of signed bytes to an int32 lane; it takes its quad from any lane of a register.
class DotprodTileOps : public ArmTileOps {
  SmallVector<Value> activations(KernelBuilder &b, const ActivationGroup &row) const override {
    SmallVector<Value> quads;
    for (int64_t half = 0; half < 2; ++half) {
      Value four = b.load(ints4(b), b.at(row.values, 16 * half), 16);
      for (int64_t lane = 0; lane < 4; ++lane)
        quads.push_back(b.bitcast(vector::ShuffleOp::create(b, four, four, SmallVector<int64_t>(4, lane)), bytes16(b)));
    }
    return quads;
  }

  Value dotQuads(KernelBuilder &b, ArrayRef<Value> quads, ArrayRef<Value> x, Format, bool) const override {
    Value sum = b.splatInt(ints4(b), 0);
    for (auto [weights, activation] : llvm::zip(quads, x))
      sum = b.intrinsic("llvm.aarch64.neon.sdot.v4i32.v16i8", ints4(b), {sum, weights, activation});
    return sum;
  }
};

/// smmla multiplies two rows of 8 weights with two rows of 8 activations, into four int32 lanes.
class I8mmTileOps : public DotprodTileOps {
  static Value shuffle(KernelBuilder &b, Value left, Value right, ArrayRef<int64_t> order) {
    return vector::ShuffleOp::create(b, b.bitcast(left, ints4(b)), b.bitcast(right, ints4(b)), order);
  }

  /// Quads j and j + 1 of 4 rows become columns 4j .. 4j+7 of rows 0 and 1, and of rows 2 and 3.
  static SmallVector<Value> pairRows(KernelBuilder &b, ArrayRef<Value> quads) {
    SmallVector<Value> pairs(8);
    for (size_t j = 0; j < 8; j += 2)
      for (int64_t side = 0; side < 2; ++side)
        pairs[j + side] = b.bitcast(
            shuffle(b, quads[j], quads[j + 1], {2 * side, 4 + 2 * side, 1 + 2 * side, 5 + 2 * side}), bytes16(b));
    return pairs;
  }

  /// Columns 8i .. 8i+7 of both rows, i < 4.
  static SmallVector<Value> activationPairs(KernelBuilder &b, const ActivationGroup &first,
                                            const ActivationGroup &second) {
    SmallVector<Value> pairs;
    auto half = b.vec(8, b.getI8Type());
    SmallVector<int64_t> order(16);
    std::iota(order.begin(), order.end(), 0);
    for (int64_t i = 0; i < 4; ++i)
      pairs.push_back(vector::ShuffleOp::create(b, b.load(half, b.at(first.values, 8 * i), 8),
                                                b.load(half, b.at(second.values, 8 * i), 8), order));
    return pairs;
  }

  SmallVector<Value> dotBytes(KernelBuilder &b, const WeightGroup &weights,
                              ArrayRef<ActivationGroup> rows) const override {
    if (rows.size() == 1 && !weights.unpacked)
      return DotprodTileOps::dotBytes(b, weights, rows); // half of smmla would be idle
    SmallVector<SmallVector<Value>> quarters(rows.size());
    for (int64_t part = 0; part < parts; ++part) {
      SmallVector<Value> quads = loadQuads(b, weights, part);
      if (!weights.unpacked)
        quads = pairRows(b, quads);
      for (size_t r = 0; r < rows.size(); r += 2) {
        const ActivationGroup &second = r + 1 < rows.size() ? rows[r + 1] : rows[r];
        SmallVector<Value> x = activationPairs(b, rows[r], second);
        Value sums[2] = {b.splatInt(ints4(b), 0), b.splatInt(ints4(b), 0)}; // weight rows 0 and 1, 2 and 3
        for (size_t j = 0; j < 8; ++j)
          sums[j % 2] = b.intrinsic("llvm.aarch64.neon.smmla.v4i32.v16i8", ints4(b), {sums[j % 2], quads[j], x[j / 2]});
        for (size_t row = r; row < std::min(r + 2, rows.size()); ++row) {
          int64_t lane = static_cast<int64_t>(row - r);
          Value sum = shuffle(b, sums[0], sums[1], {lane, 2 + lane, 4 + lane, 6 + lane});
          quarters[row].push_back(arith::AddIOp::create(b, sum, startOf(b, weights, rows[row])));
        }
      }
    }
    SmallVector<Value> dots;
    for (ArrayRef<Value> quarter : quarters)
      dots.push_back(joinParts(b, quarter));
    return dots;
  }

  void unpackBytes(KernelBuilder &b, const WeightGroup &weights, Value target) const override {
    for (int64_t part = 0; part < parts; ++part)
      storeQuads(b, pairRows(b, loadQuads(b, weights, part)), part, target);
  }
};

/// The base: smull gives int16 products, of which a lane adds up as many as fit: all 8 of up to 4 bits, 4 of 6 bits, 2
/// of 8, but 1 of 8 where activations may be -128: twice 128 * 128 is 2^15.
class NeonTileOps : public ArmTileOps {
  static Value half(KernelBuilder &b, Value bytes, int64_t offset) {
    return vector::ExtractStridedSliceOp::create(b, bytes, ArrayRef<int64_t>{offset}, ArrayRef<int64_t>{8},
                                                 ArrayRef<int64_t>{1});
  }
  static Value multiply(KernelBuilder &b, Value a, Value x, int64_t offset) {
    return b.intrinsic("llvm.aarch64.neon.smull.v8i16", b.vec(8, b.getI16Type()),
                       {half(b, a, offset), half(b, x, offset)});
  }
  static Value pairSums(KernelBuilder &b, Value products) {
    return b.intrinsic("llvm.aarch64.neon.saddlp.v4i32.v8i16", ints4(b), {products});
  }

  SmallVector<Value> activations(KernelBuilder &b, const ActivationGroup &row) const override {
    SmallVector<Value> quads;
    for (int64_t j = 0; j < 8; ++j)
      quads.push_back(broadcastQuad(b, b.at(row.values, 4 * j)));
    return quads;
  }

  Value dotQuads(KernelBuilder &b, ArrayRef<Value> quads, ArrayRef<Value> x, Format format,
                 bool wholeRange) const override {
    Value sums[2]; // of pairs: rows 0 and 1, rows 2 and 3
    for (int64_t side = 0; side < 2; ++side) {
      size_t widenEvery = std::min<size_t>(quads.size(), productsInInt16(format, wholeRange));
      for (size_t first = 0; first < quads.size(); first += widenEvery) {
        Value products = multiply(b, quads[first], x[first], 8 * side);
        for (size_t j = first + 1; j < first + widenEvery; ++j)
          products = arith::AddIOp::create(b, products, multiply(b, quads[j], x[j], 8 * side));
        Value wide = pairSums(b, products);
        sums[side] = first ? arith::AddIOp::create(b, sums[side], wide) : wide;
      }
    }
    return b.intrinsic("llvm.aarch64.neon.addp.v4i32", ints4(b), {sums[0], sums[1]});
  }
};

} // namespace

std::unique_ptr<CpuTarget> createAarch64LinuxTarget() {
  std::vector<IsaLevel> isaLevels;
  // Tuned for an out-of-order core: the generic model, an in-order one, hoists loads until registers spill.
  auto level = [&](StringRef name, uint64_t features, StringRef llvmFeatures, int64_t rowTile,
                   std::shared_ptr<TileOps> ops) {
    isaLevels.push_back({name.str(), GEMMAC_CPU_ARM_NEON | features, "generic", llvmFeatures.str(), "neoverse-v2",
                         rowTile, /*unpackedPanels=*/1, /*byteTile=*/{rowTile, 1}, /*wordTile=*/{rowTile, 1},
                         /*floatTile=*/{4, 1}, /*unpackedGroups=*/32, /*floatGroups=*/4, /*panelStreams=*/2,
                         /*tileSums=*/rowTile,
                         /*vectorLanes=*/8, /*vectorSums=*/8, /*keptSums=*/8, std::move(ops)});
  };
  level("neon", 0, "+neon", 2, std::make_shared<NeonTileOps>());
  level("dotprod", GEMMAC_CPU_ARM_DOTPROD, "+neon,+dotprod", 4, std::make_shared<DotprodTileOps>());
  level("i8mm", GEMMAC_CPU_ARM_DOTPROD | GEMMAC_CPU_ARM_I8MM, "+neon,+dotprod,+i8mm", 4,
        std::make_shared<I8mmTileOps>());
  return std::make_unique<CpuTarget>("aarch64-linux", "aarch64-unknown-linux-gnu", std::move(isaLevels));
}

} // namespace gemmac
