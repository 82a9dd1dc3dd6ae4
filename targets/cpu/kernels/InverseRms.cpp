// The sums that all norms take: 256 strided partial sums, added by halves (docs/spec/numerics.md, "Norms").
#include "targets/cpu/kernels/Kernels.h"

using namespace mlir;

namespace gemmac {

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t vecBytes = lanes * 4;
static constexpr int64_t vectors = 16; ///< of partial sums

namespace {
/// Partial sums are 16 vectors; of a row narrower than 256 only the first exist.
class StridedSums {
public:
  StridedSums(KernelBuilder &b, int64_t width, AddVector addVector) : b(b), width(width), addVector(addVector) {}

  /// Vectors first, first + stride, ... added by halves; null where there is none. At most four are summed up at once,
  /// and few results wait, so that registers hold them.
  Value sumOf(int64_t first, int64_t stride) {
    constexpr int64_t atOnce = 4;
    if (stride * atOnce < vectors)
      return add(sumOf(first, 2 * stride), sumOf(first + stride, 2 * stride));
    KernelBuilder::Values sums = chains(first, stride);
    while (sums.size() > 1) {
      size_t half = (sums.size() + 1) / 2;
      for (size_t i = half; i < sums.size(); ++i)
        sums[i - half] = add(sums[i - half], sums[i]);
      sums.resize(half);
    }
    return sums[0];
  }

private:
  KernelBuilder &b;
  int64_t width;
  AddVector addVector;

  Value add(Value low, Value high) { return high ? b.addf(low, high) : low; }

  /// Those vectors of partial sums, null where the row does not reach them.
  KernelBuilder::Values chains(int64_t first, int64_t stride) {
    constexpr int64_t turn = vectors * lanes;
    int64_t whole = width / turn * turn, count = (vectors - first + stride - 1) / stride;
    KernelBuilder::Values sums(count, b.splat(b.vecF32(), 0.0));
    if (whole)
      sums = b.loop(b.i64(0), b.i64(whole * 4), vectors * vecBytes, sums, [&](Value i, ValueRange state) {
        KernelBuilder::Values next(state);
        for (int64_t v = 0; v < count; ++v)
          next[v] = addVector(i, (first + v * stride) * vecBytes, next[v]);
        return next;
      });
    for (int64_t v = 0; v < count; ++v)
      if ((first + v * stride) * lanes < width - whole)
        sums[v] = addVector(b.i64(whole * 4), (first + v * stride) * vecBytes, sums[v]);
      else if (!whole)
        sums[v] = Value();
    return sums;
  }
};
} // namespace

Value Premap::apply(KernelBuilder &b, Value x) const {
  if (scale != 1.0)
    x = b.mulf(x, b.splat(b.vecF32(), scale));
  if (!limit)
    return x;
  Value high = b.splat(b.vecF32(), *limit);
  x = b.maxf(x, b.splat(b.vecF32(), -*limit));
  return b.select(arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, high), x, high);
}

std::string Premap::text() const {
  return (scale == 1.0 ? "" : "_s" + bitsText(scale)) + (limit ? "_l" + bitsText(*limit) : "");
}

Value stridedSum(KernelBuilder &b, int64_t width, AddVector addVector) {
  return b.sumLanes(StridedSums(b, width, addVector).sumOf(0, 1));
}

Value inverseRms(KernelBuilder &b, Value row, int64_t width, int64_t count, double eps, const Premap &premap) {
  Value sum = stridedSum(b, width, [&](Value turn, int64_t place, Value sum) {
    Value x = b.loadVec(b.at(b.at(row, turn), place));
    x = premap.apply(b, x);
    return b.fma(x, x, sum);
  });
  Value mean = b.divf(sum, b.f32(static_cast<float>(count)));
  Value root = b.sqrt(b.addf(mean, b.f32(static_cast<float>(eps))));
  return b.broadcast(b.divf(b.f32(1.0f), root));
}

} // namespace gemmac
