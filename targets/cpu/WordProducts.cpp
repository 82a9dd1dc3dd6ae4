#include "targets/cpu/WordProducts.h"

using namespace mlir;

namespace gemmac {

// Shifts of int16 serve bytes as well: what crosses over is masked out.
QuadReader WordProducts::readerOf(KernelBuilder &b, const WeightGroup &weights) const {
  return {b, weights, b.vec(bytes, b.getI8Type()), wordType(b)};
}

Words WordProducts::broadcast(KernelBuilder &b, const ActivationGroup &row, Value quad) const {
  Value first = b.at(row.values, b.mul(quad, 8));
  auto pair = [&](int64_t offset) {
    Value two = b.load(b.getI32Type(), b.at(first, offset), 1);
    return b.bitcast(b.broadcast(two, b.vec(bytes / 4, b.getI32Type())), wordType(b));
  };
  Value even = pair(0);
  return {even, pair(4)};
}

Words WordProducts::loadUnpacked(KernelBuilder &b, const WeightGroup &weights, Value quad, int64_t part) const {
  Value first = b.at(b.at(weights.pointer, b.mul(quad, WordPlaces::quadBytes)), WordPlaces{bytes}.part(part));
  Value even = b.load(wordType(b), first, bytes);
  return {even, b.load(wordType(b), b.at(first, bytes), bytes)};
}

/// The parts from `firstPart` on that are multiplied at once.
struct WordProducts::Lot {
  const WordProducts &products;
  KernelBuilder &b;
  ArrayRef<WeightGroup> panels;
  ArrayRef<ActivationGroup> rows;
  int64_t firstPart;

  /// Adds the products of a quad of columns. Sums: [panel][part][row]. \param weights by panel and part.
  void addQuad(Value quad, ArrayRef<Words> weights, KernelBuilder::Values &sums) const {
    for (auto [r, row] : llvm::enumerate(rows)) {
      Words x = products.broadcast(b, row, quad);
      for (auto [i, w] : llvm::enumerate(weights)) {
        Value &sum = sums[i * rows.size() + r];
        sum = products.multiplyAdd(b, sum, w.first, x.first);
        sum = products.multiplyAdd(b, sum, w.second, x.second);
      }
    }
  }

  KernelBuilder::Values addUnpacked(Value quad, ValueRange sums) const {
    KernelBuilder::Values next(sums);
    SmallVector<Words> weights;
    for (const WeightGroup &panel : panels)
      for (int64_t part = 0; part < products.together; ++part)
        weights.push_back(products.loadUnpacked(b, panel, quad, firstPart + part));
    addQuad(quad, weights, next);
    return next;
  }

  /// Of quads j and j + 4.
  KernelBuilder::Values addPacked(Value j, ValueRange sums) const {
    KernelBuilder::Values next(sums);
    SmallVector<Words> weights, upper;
    for (const WeightGroup &panel : panels)
      for (int64_t part = 0; part < products.together; ++part) {
        auto [low, high] = products.readerOf(b, panel).loadWords(j, (firstPart + part) * products.bytes);
        weights.push_back(low);
        upper.push_back(high);
      }
    addQuad(j, weights, next);
    addQuad(b.add(j, 4), upper, next);
    return next;
  }

  /// A single sum goes straight on; more keep a real loop: unrolled flat they spill.
  KernelBuilder::Values make() const {
    bool unpacked = panels.front().unpacked;
    int64_t steps = unpacked ? 8 * panels.front().groups : 4;
    auto add = [&](Value i, ValueRange sums) { return unpacked ? addUnpacked(i, sums) : addPacked(i, sums); };
    int64_t count = static_cast<int64_t>(panels.size() * rows.size()) * products.together;
    KernelBuilder::Values sums(count, b.splatInt(products.sumType(b), 0));
    if (panels.size() * rows.size() > 1)
      return b.loop(b.i64(0), b.i64(steps), 1, sums, add);
    for (int64_t i = 0; i < steps; ++i)
      sums = add(b.i64(i), sums);
    return sums;
  }
};

SmallVector<Value> WordProducts::dot(KernelBuilder &b, ArrayRef<WeightGroup> panels,
                                     ArrayRef<ActivationGroup> rows) const {
  SmallVector<SmallVector<Value>> byPart(panels.size() * rows.size());
  for (int64_t part = 0; part < parts; part += together) {
    KernelBuilder::Values sums = Lot{*this, b, panels, rows, part}.make();
    for (size_t p = 0; p < panels.size(); ++p)
      for (int64_t i = 0; i < together; ++i)
        for (size_t r = 0; r < rows.size(); ++r)
          byPart[p * rows.size() + r].push_back(sums[(p * together + i) * rows.size() + r]);
  }
  SmallVector<Value> dots;
  int64_t zeroPoint = panels.front().unpacked ? 0 : formatInfo(panels.front().format).zeroPoint;
  for (auto [i, sums] : llvm::enumerate(byPart)) {
    Value dot = joinParts(b, sums);
    if (zeroPoint)
      dot = arith::AddIOp::create(b, dot, b.broadcast(firstSum(b, rows[i % rows.size()], zeroPoint), b.vecI32()));
    dots.push_back(dot);
  }
  return dots;
}

void WordProducts::unpack(KernelBuilder &b, const WeightGroup &weights, Value target) const {
  Value zero = b.splatInt(wordType(b), formatInfo(weights.format).zeroPoint);
  QuadReader reader = readerOf(b, weights);
  auto store = [&](const Words &words, int64_t quad, int64_t part) {
    Value first = b.at(target, WordPlaces::quadBytes * quad + WordPlaces{bytes}.part(part));
    b.store(arith::SubIOp::create(b, words.first, zero), first, bytes);
    b.store(arith::SubIOp::create(b, words.second, zero), b.at(first, bytes), bytes);
  };
  for (int64_t j = 0; j < 4; ++j)
    for (int64_t part = 0; part < parts; ++part) {
      auto [low, high] = reader.loadWords(b.i64(j), part * bytes);
      store(low, j, part);
      store(high, 4 + j, part);
    }
}

} // namespace gemmac
