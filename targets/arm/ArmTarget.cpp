// AArch64: NEON as the base, dotprod above it. One weight layout for both.
#include "gemmac/abi.h"
#include "targets/Targets.h"
#include "targets/cpu/KernelBuilder.h"

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

Value lowNibbles(KernelBuilder &b, Value bytes) { return arith::AndIOp::create(b, bytes, b.splatInt(bytes16(b), 15)); }
Value highNibbles(KernelBuilder &b, Value bytes) { return arith::ShRUIOp::create(b, bytes, b.splatInt(bytes16(b), 4)); }

Value joinParts(KernelBuilder &b, ArrayRef<Value> quarter) {
  auto join = [&](Value low, Value high) -> Value {
    SmallVector<int64_t> order(2 * cast<VectorType>(low.getType()).getNumElements());
    for (auto [i, position] : llvm::enumerate(order))
      position = i;
    return vector::ShuffleOp::create(b, low, high, order);
  };
  return join(join(quarter[0], quarter[1]), join(quarter[2], quarter[3]));
}

/// Part by part, so that few sums live at once: a level multiplies one quad of columns of 4 rows of the panel.
class ArmTileOps : public TileOps {
protected:
  /// The dot products of one part with one activation row. `quads` are its weights, 4 columns of 4 rows each, `x` the
  /// activations that belong to them.
  virtual Value dotQuads(KernelBuilder &b, ArrayRef<Value> quads, ArrayRef<Value> x, bool nibbles) const = 0;
  /// The quads of an activation row, each the same in all four lanes of 32 bits.
  virtual SmallVector<Value> activations(KernelBuilder &b, const ActivationGroup &row) const = 0;

  using LoadQuads = llvm::function_ref<SmallVector<Value>(int64_t part)>;
  SmallVector<Value> dot(KernelBuilder &b, ArrayRef<ActivationGroup> rows, bool nibbles, LoadQuads loadQuads) const {
    SmallVector<SmallVector<Value>> x, quarters(rows.size());
    for (const ActivationGroup &row : rows)
      x.push_back(activations(b, row));
    for (int64_t part = 0; part < parts; ++part) {
      SmallVector<Value> quads = loadQuads(part);
      for (size_t r = 0; r < rows.size(); ++r)
        quarters[r].push_back(dotQuads(b, quads, x[r], nibbles));
    }
    SmallVector<Value> dots;
    for (ArrayRef<Value> quarter : quarters)
      dots.push_back(joinParts(b, quarter));
    return dots;
  }

public:
  SmallVector<Value> dotQ4(KernelBuilder &b, Value weights, ArrayRef<ActivationGroup> rows) const override {
    return dot(b, rows, /*nibbles=*/true, [&](int64_t part) {
      SmallVector<Value> quads(8);
      for (int64_t j = 0; j < 4; ++j) {
        Value packed = b.load(bytes16(b), b.at(weights, 64 * j + 16 * part), 16);
        quads[j] = lowNibbles(b, packed);
        quads[4 + j] = highNibbles(b, packed);
      }
      return quads;
    });
  }

  SmallVector<Value> dotQ8(KernelBuilder &b, Value weights, ArrayRef<ActivationGroup> rows) const override {
    return dot(b, rows, /*nibbles=*/false, [&](int64_t part) {
      SmallVector<Value> quads;
      for (int64_t j = 0; j < 8; ++j)
        quads.push_back(b.load(bytes16(b), b.at(weights, 64 * j + 16 * part), 16));
      return quads;
    });
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

  Value dotQuads(KernelBuilder &b, ArrayRef<Value> quads, ArrayRef<Value> x, bool) const override {
    Value sum = b.splatInt(ints4(b), 0);
    for (auto [weights, activation] : llvm::zip(quads, x))
      sum = b.intrinsic("llvm.aarch64.neon.sdot.v4i32.v16i8", ints4(b), {sum, weights, activation});
    return sum;
  }
};

/// The base: smull gives int16 products. A lane holds 8 of a nibble's, at most 15 * 127 each, or 2 of a byte's, at most
/// 127 * 127.
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

  Value dotQuads(KernelBuilder &b, ArrayRef<Value> quads, ArrayRef<Value> x, bool nibbles) const override {
    Value sums[2]; // of pairs: rows 0 and 1, rows 2 and 3
    for (int64_t side = 0; side < 2; ++side) {
      size_t widenEvery = nibbles ? 8 : 2;
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

class Aarch64Linux : public TargetBackend {
  std::vector<IsaLevel> isaLevels;

public:
  Aarch64Linux() {
    // Tuned for an out-of-order core: the generic model, an in-order one, hoists loads until registers spill.
    isaLevels.push_back({"neon", GEMMAC_CPU_ARM_NEON, "generic", "+neon", "neoverse-v2", /*rowTile=*/2,
                         std::make_shared<NeonTileOps>()});
    isaLevels.push_back({"dotprod", GEMMAC_CPU_ARM_NEON | GEMMAC_CPU_ARM_DOTPROD, "generic", "+neon,+dotprod",
                         "neoverse-v2", /*rowTile=*/4, std::make_shared<DotprodTileOps>()});
  }
  StringRef name() const override { return "aarch64-linux"; }
  StringRef triple() const override { return "aarch64-unknown-linux-gnu"; }
  StringRef lldEmulation() const override { return "aarch64linux"; }
  ArrayRef<IsaLevel> levels() const override { return isaLevels; }
};

} // namespace

std::unique_ptr<TargetBackend> createAarch64LinuxTarget() { return std::make_unique<Aarch64Linux>(); }

} // namespace gemmac
