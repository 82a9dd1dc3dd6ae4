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

/// A level gives the sum over one quad of columns: `sums` holds, per activation row and part of 4 rows, its own state.
class ArmTileOps : public TileOps {
protected:
  virtual Value start(KernelBuilder &b) const = 0;
  virtual Value addQuad(KernelBuilder &b, Value state, Value weights, Value x) const = 0;
  /// The four row sums (vector<4xi32>) of a state.
  virtual Value finish(KernelBuilder &b, Value state) const = 0;

  SmallVector<Value> join(KernelBuilder &b, ArrayRef<Value> states) const {
    SmallVector<Value> dots;
    for (size_t first = 0; first < states.size(); first += parts) {
      SmallVector<Value> quarters;
      for (Value state : states.slice(first, parts))
        quarters.push_back(finish(b, state));
      dots.push_back(joinParts(b, quarters));
    }
    return dots;
  }

public:
  SmallVector<Value> dotQ4(KernelBuilder &b, Value weights, ArrayRef<ActivationGroup> rows) const override {
    SmallVector<Value> states(parts * rows.size(), start(b));
    for (int64_t j = 0; j < 4; ++j)
      for (int64_t part = 0; part < parts; ++part) {
        Value packed = b.load(bytes16(b), b.at(weights, 64 * j + 16 * part), 16);
        Value low = lowNibbles(b, packed), high = highNibbles(b, packed);
        for (auto [r, row] : llvm::enumerate(rows)) {
          Value &state = states[parts * r + part];
          state = addQuad(b, state, low, broadcastQuad(b, b.at(row.values, 4 * j)));
          state = addQuad(b, state, high, broadcastQuad(b, b.at(row.values, 16 + 4 * j)));
        }
      }
    return join(b, states);
  }
};

/// sdot adds four products of signed bytes to an int32 lane.
class DotprodTileOps : public ArmTileOps {
  Value start(KernelBuilder &b) const override { return b.splatInt(ints4(b), 0); }
  Value addQuad(KernelBuilder &b, Value state, Value weights, Value x) const override {
    return b.intrinsic("llvm.aarch64.neon.sdot.v4i32.v16i8", ints4(b), {state, weights, x});
  }
  Value finish(KernelBuilder &b, Value state) const override { return state; }

public:
  SmallVector<Value> dotQ8(KernelBuilder &b, Value weights, ArrayRef<ActivationGroup> rows) const override {
    SmallVector<Value> states(parts * rows.size(), start(b));
    for (int64_t j = 0; j < 8; ++j)
      for (int64_t part = 0; part < parts; ++part) {
        Value w = b.load(bytes16(b), b.at(weights, 64 * j + 16 * part), 16);
        for (auto [r, row] : llvm::enumerate(rows)) {
          Value &state = states[parts * r + part];
          state = addQuad(b, state, w, broadcastQuad(b, b.at(row.values, 4 * j)));
        }
      }
    return join(b, states);
  }
};

/// The base: smull gives int16 products. For q4 a lane takes 8 of them, at most 15 * 127 each; for q8 two, at most 127 * 127.
class NeonTileOps : public ArmTileOps {
  static VectorType words(KernelBuilder &b) { return b.vec(8, b.getI16Type()); }
  static Value half(KernelBuilder &b, Value bytes, int64_t offset) {
    return vector::ExtractStridedSliceOp::create(b, bytes, ArrayRef<int64_t>{offset}, ArrayRef<int64_t>{8},
                                                 ArrayRef<int64_t>{1});
  }
  static Value multiply(KernelBuilder &b, Value a, Value x, int64_t offset) {
    return b.intrinsic("llvm.aarch64.neon.smull.v8i16", words(b), {half(b, a, offset), half(b, x, offset)});
  }
  static Value pairSums(KernelBuilder &b, Value products) {
    return b.intrinsic("llvm.aarch64.neon.saddlp.v4i32.v8i16", ints4(b), {products});
  }
  static Value rowSums(KernelBuilder &b, Value low, Value high) {
    return b.intrinsic("llvm.aarch64.neon.addp.v4i32", ints4(b), {low, high});
  }

  // State of q4: 16 int16 lanes, four per row.
  Value start(KernelBuilder &b) const override { return b.splatInt(b.vec(16, b.getI16Type()), 0); }
  Value addQuad(KernelBuilder &b, Value state, Value weights, Value x) const override {
    SmallVector<int64_t> order(16);
    for (int64_t i = 0; i < 16; ++i)
      order[i] = i;
    Value products = vector::ShuffleOp::create(b, multiply(b, weights, x, 0), multiply(b, weights, x, 8), order);
    return arith::AddIOp::create(b, state, products);
  }
  Value finish(KernelBuilder &b, Value state) const override {
    return rowSums(b, pairSums(b, half(b, state, 0)), pairSums(b, half(b, state, 8)));
  }

public:
  SmallVector<Value> dotQ8(KernelBuilder &b, Value weights, ArrayRef<ActivationGroup> rows) const override {
    // Two int32 vectors (pair sums of rows 0, 1 and of rows 2, 3) per activation row and part.
    SmallVector<Value> sums(2 * parts * rows.size(), b.splatInt(ints4(b), 0));
    for (int64_t j = 0; j < 8; j += 2)
      for (int64_t part = 0; part < parts; ++part) {
        Value first = b.load(bytes16(b), b.at(weights, 64 * j + 16 * part), 16);
        Value second = b.load(bytes16(b), b.at(weights, 64 * (j + 1) + 16 * part), 16);
        for (auto [r, row] : llvm::enumerate(rows)) {
          Value x0 = broadcastQuad(b, b.at(row.values, 4 * j)), x1 = broadcastQuad(b, b.at(row.values, 4 * j + 4));
          for (int64_t side = 0; side < 2; ++side) {
            Value products =
                arith::AddIOp::create(b, multiply(b, first, x0, 8 * side), multiply(b, second, x1, 8 * side));
            Value &sum = sums[2 * (parts * r + part) + side];
            sum = arith::AddIOp::create(b, sum, pairSums(b, products));
          }
        }
      }
    SmallVector<Value> dots;
    for (size_t r = 0; r < rows.size(); ++r) {
      SmallVector<Value> quarters;
      for (int64_t part = 0; part < parts; ++part)
        quarters.push_back(rowSums(b, sums[2 * (parts * r + part)], sums[2 * (parts * r + part) + 1]));
      dots.push_back(joinParts(b, quarters));
    }
    return dots;
  }
};

class Aarch64Linux : public TargetBackend {
  std::vector<IsaLevel> isaLevels;

public:
  Aarch64Linux() {
    isaLevels.push_back({"neon", GEMMAC_CPU_ARM_NEON, "generic", "+neon", /*rowTile=*/4, std::make_shared<NeonTileOps>()});
    isaLevels.push_back({"dotprod", GEMMAC_CPU_ARM_NEON | GEMMAC_CPU_ARM_DOTPROD, "generic", "+neon,+dotprod",
                         /*rowTile=*/4, std::make_shared<DotprodTileOps>()});
  }
  StringRef name() const override { return "aarch64-linux"; }
  StringRef triple() const override { return "aarch64-unknown-linux-gnu"; }
  StringRef lldEmulation() const override { return "aarch64linux"; }
  ArrayRef<IsaLevel> levels() const override { return isaLevels; }
};

} // namespace

std::unique_ptr<TargetBackend> createAarch64LinuxTarget() { return std::make_unique<Aarch64Linux>(); }

} // namespace gemmac
