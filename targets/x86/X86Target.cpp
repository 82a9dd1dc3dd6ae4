// x86-64: AVX2 as the base, AVX-512 with VNNI above it. One weight layout for both.
#include "gemmac/abi.h"
#include "targets/Targets.h"
#include "targets/cpu/KernelBuilder.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace gemmac {
namespace {

// Four activations, the same in every lane of four bytes.
Value broadcastQuad(KernelBuilder &b, Value pointer, int64_t bytes) {
  Value quad = b.load(b.getI32Type(), pointer, 1);
  return b.bitcast(b.broadcast(quad, b.vec(bytes / 4, b.getI32Type())), b.vec(bytes, b.getI8Type()));
}

Value highNibbles(KernelBuilder &b, Value bytes) {
  auto type = cast<VectorType>(bytes.getType());
  auto words = b.vec(type.getNumElements() / 2, b.getI16Type());
  Value shifted = arith::ShRUIOp::create(b, b.bitcast(bytes, words), b.splatInt(words, 4));
  return arith::AndIOp::create(b, b.bitcast(shifted, type), b.splatInt(type, 15));
}

Value lowNibbles(KernelBuilder &b, Value bytes) {
  return arith::AndIOp::create(b, bytes, b.splatInt(cast<VectorType>(bytes.getType()), 15));
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
  static Value joinHalves(KernelBuilder &b, Value low, Value high) {
    SmallVector<int64_t> order(16);
    for (int64_t i = 0; i < 16; ++i)
      order[i] = i;
    return vector::ShuffleOp::create(b, low, high, order);
  }

public:
  // A nibble times an int8 is at most 15 * 127, so the 16 products of a lane in a group stay below 2^15: one widening per
  // group. Several rows keep a real loop over the four quads; unrolled flat they spill.
  SmallVector<Value> dotQ4(KernelBuilder &b, Value weights, ArrayRef<ActivationGroup> rows) const override {
    auto wordType = b.vec(16, b.getI16Type());
    auto quad = [&](Value offset, ValueRange sums) {
      KernelBuilder::Values next(sums);
      Value base = b.at(weights, b.mul(offset, 2 * bytes));
      for (int64_t half = 0; half < 2; ++half) {
        Value packed = b.load(b.vec(bytes, b.getI8Type()), b.at(base, half * bytes), 32);
        Value low = lowNibbles(b, packed), high = highNibbles(b, packed);
        for (auto [r, row] : llvm::enumerate(rows)) {
          Value x = b.at(row.values, b.mul(offset, 4));
          Value &sum = next[2 * r + half];
          sum = arith::AddIOp::create(b, sum, multiplyPairs(b, low, broadcastQuad(b, x, bytes)));
          sum = arith::AddIOp::create(b, sum, multiplyPairs(b, high, broadcastQuad(b, b.at(x, 16), bytes)));
        }
      }
      return next;
    };
    KernelBuilder::Values sums(2 * rows.size(), b.splatInt(wordType, 0));
    if (rows.size() == 1) {
      for (int64_t j = 0; j < 4; ++j)
        sums = quad(b.i64(j), sums);
    } else {
      sums = b.loop(b.i64(0), b.i64(4), 1, sums, [&](Value j, ValueRange state) { return quad(j, state); });
    }
    SmallVector<Value> dots;
    for (size_t r = 0; r < rows.size(); ++r)
      dots.push_back(joinHalves(b, widenPairs(b, sums[2 * r]), widenPairs(b, sums[2 * r + 1])));
    return dots;
  }

  // |w| times x with w's sign: both within 127, so a pair sum stays below 2^15.
  SmallVector<Value> dotQ8(KernelBuilder &b, Value weights, ArrayRef<ActivationGroup> rows) const override {
    auto sumType = b.vec(8, b.getI32Type());
    auto byteType = b.vec(bytes, b.getI8Type());
    KernelBuilder::Values start(2 * rows.size(), b.splatInt(sumType, 0));
    auto sums = b.loop(b.i64(0), b.i64(8), 1, start, [&](Value j, ValueRange state) {
      KernelBuilder::Values next(state);
      Value base = b.at(weights, b.mul(j, 2 * bytes));
      for (int64_t half = 0; half < 2; ++half) {
        Value w = b.load(byteType, b.at(base, half * bytes), 32);
        Value magnitude = math::AbsIOp::create(b, w);
        for (auto [r, row] : llvm::enumerate(rows)) {
          Value x = broadcastQuad(b, b.at(row.values, b.mul(j, 4)), bytes);
          Value turned = b.intrinsic("llvm.x86.avx2.psign.b", byteType, {x, w});
          Value &sum = next[2 * r + half];
          sum = arith::AddIOp::create(b, sum, widenPairs(b, multiplyPairs(b, magnitude, turned)));
        }
      }
      return next;
    });
    SmallVector<Value> dots;
    for (size_t r = 0; r < rows.size(); ++r)
      dots.push_back(joinHalves(b, sums[2 * r], sums[2 * r + 1]));
    return dots;
  }
};

/// AVX-512 VNNI: vpdpbusd adds four products of unsigned and signed bytes to an int32 lane.
class Avx512TileOps : public TileOps {
  static constexpr int64_t bytes = 64; // 16 rows of 4 columns

  static Value dot(KernelBuilder &b, Value sum, Value unsignedBytes, Value signedBytes) {
    return b.intrinsic("llvm.x86.avx512.vpdpbusd.512", b.vecI32(), {sum, unsignedBytes, signedBytes});
  }

public:
  SmallVector<Value> dotQ4(KernelBuilder &b, Value weights, ArrayRef<ActivationGroup> rows) const override {
    SmallVector<Value> low(rows.size(), b.splatInt(b.vecI32(), 0)), high = low;
    for (int64_t j = 0; j < 4; ++j) {
      Value packed = b.load(b.vec(bytes, b.getI8Type()), b.at(weights, j * bytes), 32);
      Value lowWeights = lowNibbles(b, packed), highWeights = highNibbles(b, packed);
      for (auto [r, row] : llvm::enumerate(rows)) {
        low[r] = dot(b, low[r], lowWeights, broadcastQuad(b, b.at(row.values, 4 * j), bytes));
        high[r] = dot(b, high[r], highWeights, broadcastQuad(b, b.at(row.values, 16 + 4 * j), bytes));
      }
    }
    for (size_t r = 0; r < rows.size(); ++r)
      low[r] = arith::AddIOp::create(b, low[r], high[r]);
    return low;
  }

  // Weights plus 128 are unsigned; the surplus 128 * sum(x) is where each sum starts, negated.
  SmallVector<Value> dotQ8(KernelBuilder &b, Value weights, ArrayRef<ActivationGroup> rows) const override {
    SmallVector<Value> even, odd(rows.size(), b.splatInt(b.vecI32(), 0));
    for (const ActivationGroup &row : rows)
      even.push_back(b.broadcast(arith::MulIOp::create(b, row.sum, b.i32(-128)), b.vecI32()));
    auto byteType = b.vec(bytes, b.getI8Type());
    for (int64_t j = 0; j < 8; ++j) {
      Value w = b.load(byteType, b.at(weights, j * bytes), 32);
      w = arith::XOrIOp::create(b, w, b.splatInt(byteType, -128));
      SmallVector<Value> &sums = j % 2 ? odd : even;
      for (auto [r, row] : llvm::enumerate(rows))
        sums[r] = dot(b, sums[r], w, broadcastQuad(b, b.at(row.values, 4 * j), bytes));
    }
    for (size_t r = 0; r < rows.size(); ++r)
      even[r] = arith::AddIOp::create(b, even[r], odd[r]);
    return even;
  }
};

class X86Linux : public TargetBackend {
  std::vector<IsaLevel> isaLevels;

public:
  X86Linux() {
    isaLevels.push_back(
        {"avx2", GEMMAC_CPU_X86_AVX2, "x86-64-v3", "", "", /*rowTile=*/4, std::make_shared<Avx2TileOps>()});
    isaLevels.push_back({"avx512", GEMMAC_CPU_X86_AVX2 | GEMMAC_CPU_X86_AVX512_VNNI, "x86-64-v4",
                         "+avx512vnni,-prefer-256-bit", "", /*rowTile=*/8, std::make_shared<Avx512TileOps>()});
  }
  StringRef name() const override { return "x86_64-linux"; }
  StringRef triple() const override { return "x86_64-unknown-linux-gnu"; }
  StringRef lldEmulation() const override { return "elf_x86_64"; }
  ArrayRef<IsaLevel> levels() const override { return isaLevels; }
};

} // namespace

std::unique_ptr<TargetBackend> createX86LinuxTarget() { return std::make_unique<X86Linux>(); }

} // namespace gemmac
