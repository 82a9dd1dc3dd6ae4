// Products of int8 and of int16 with the VNNI instructions, in registers of 32 or 64 bytes.
#include "targets/cpu/WordProducts.h"
#include "targets/x86/X86TileOps.h"

using namespace mlir;

namespace gemmac {
namespace {

void storeQuads(KernelBuilder &b, const QuadLoader::Pair &quads, int64_t j, int64_t offset, Value target) {
  b.store(quads.first, b.at(target, 64 * j + offset), 32);
  b.store(quads.second, b.at(target, 64 * (4 + j) + offset), 32);
}

/// The two halves of a panel as one vector; a whole one as it is.
Value joinParts(KernelBuilder &b, ArrayRef<Value> sums) {
  return sums.size() == 1 ? sums[0] : joinHalves(b, sums[0], sums[1]);
}

/// vpdpwssd adds two products of int16 to an int32 lane.
class VnniWordProducts : public WordProducts {
  int64_t bytes;

  VectorType sumType(KernelBuilder &b) const override { return b.vec(bytes / 4, b.getI32Type()); }
  Value multiplyAdd(KernelBuilder &b, Value sum, Value weights, Value x) const override {
    return b.intrinsic(bytes == 64 ? "llvm.x86.avx512.vpdpwssd.512" : "llvm.x86.avx512.vpdpwssd.256", sumType(b),
                       {sum, weights, x});
  }
  Value joinParts(KernelBuilder &b, ArrayRef<Value> sums) const override { return gemmac::joinParts(b, sums); }

public:
  explicit VnniWordProducts(int64_t bytes) : WordProducts(bytes, 4 * panelRows / bytes), bytes(bytes) {}
};

/// VNNI: vpdpbusd adds four products of unsigned and signed bytes to an int32 lane. Signed weights become unsigned by
/// adding 128. Every form starts its sums at -zero point * sum of the activations, so that none is subtracted at the
/// end.
class VnniTileOps : public TileOps {
  int64_t bytes; // of a register
  int64_t parts; // registers that hold four columns of the panel
  VnniWordProducts words;

  static int64_t zeroPoint(Format format) { return formatInfo(format).zeroPoint ? formatInfo(format).zeroPoint : 128; }

  VectorType sums(KernelBuilder &b) const { return b.vec(bytes / 4, b.getI32Type()); }
  Value dot(KernelBuilder &b, Value sum, Value unsignedBytes, Value signedBytes) const {
    return b.intrinsic(bytes == 64 ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256", sums(b),
                       {sum, unsignedBytes, signedBytes});
  }
  Value startSum(KernelBuilder &b, Format format, const ActivationGroup &row) const {
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
  explicit VnniTileOps(int64_t bytes) : bytes(bytes), parts(4 * panelRows / bytes), words(bytes) {}

  int64_t wordRegister() const override { return bytes; }

  SmallVector<Value> dot(KernelBuilder &b, const WeightGroup &weights, ArrayRef<ActivationGroup> rows) const override {
    if (weights.words)
      return words.dot(b, weights, rows);
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

  /// Unpacked panels keep a real loop over the columns, four at a time: all sums stay in registers, and each broadcast
  /// of activations serves every panel.
  SmallVector<Value> dotPanels(KernelBuilder &b, ArrayRef<WeightGroup> panels,
                               ArrayRef<ActivationGroup> rows) const override {
    if (!panels.front().unpacked)
      return TileOps::dotPanels(b, panels, rows);
    if (panels.front().words)
      return words.dot(b, panels, rows);
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
            Value w =
                b.load(b.vec(bytes, b.getI8Type()), b.at(b.at(weights.pointer, weightsOffset), part * bytes), bytes);
            Value &sum = next[(p * rows.size() + r) * parts + part];
            sum = dot(b, sum, w, x);
          }
      }
      return next;
    });
    return joinParts(b, sums);
  }

  void unpack(KernelBuilder &b, const WeightGroup &weights, Value target) const override {
    if (weights.words)
      return words.unpack(b, weights, target);
    QuadLoader loader(b, weights, bytes);
    for (int64_t j = 0; j < 4; ++j)
      for (int64_t part = 0; part < parts; ++part)
        storeQuads(b, loadUnsigned(b, loader, weights, b.i64(j), part), j, part * bytes, target);
  }
};

} // namespace

std::shared_ptr<TileOps> createVnniTileOps(int64_t bytes) { return std::make_shared<VnniTileOps>(bytes); }

} // namespace gemmac
