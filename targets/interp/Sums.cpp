#include "targets/interp/Sums.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace gemmac::interp {

/// Halves added until one number is left; the lower half is the left operand.
static float sumHalves(std::span<float> v) {
  for (size_t n = v.size() / 2; n > 0; n /= 2)
    for (size_t i = 0; i < n; ++i)
      v[i] = v[i] + v[i + n];
  return v[0];
}

float sumLanes(Lanes lanes) { return sumHalves(lanes); }

float stridedSum(std::span<const float> x) {
  std::array<float, 256> v = {};
  for (size_t i = 0; i < x.size(); ++i)
    v[i % 256] = v[i % 256] + x[i];
  return sumHalves(v);
}

float inverseRms(std::span<const float> x, int64_t count, float eps) {
  std::array<float, 256> v = {};
  for (size_t i = 0; i < x.size(); ++i)
    v[i % 256] = std::fma(x[i], x[i], v[i % 256]);
  return 1.0f / std::sqrt(sumHalves(v) / static_cast<float>(count) + eps);
}

/// A sum over groups, in slices that a binary counter adds. \param addGroup (g, total): the total with group g.
template <typename AddGroup> static float sumSlices(size_t groups, AddGroup addGroup) {
  const size_t per = (groups + 7) / 8, slices = (groups + per - 1) / per;
  std::vector<float> parked;
  auto addParked = [&](float total) {
    const float sum = parked.back() + total;
    parked.pop_back();
    return sum;
  };
  for (size_t i = 0; i < slices; ++i) {
    float total = 0.0f;
    for (size_t g = per * i; g < std::min(per * (i + 1), groups); ++g)
      total = addGroup(g, total);
    for (size_t ones = i; ones & 1; ones >>= 1)
      total = addParked(total);
    parked.push_back(total);
  }
  float total = parked.back();
  parked.pop_back();
  while (!parked.empty())
    total = addParked(total);
  return total;
}

static float productOfFloats(std::span<const float> w, std::span<const float> x) {
  return sumSlices(w.size() / 32, [&](size_t g, float total) {
    float part = 0.0f;
    for (size_t k = 32 * g; k < 32 * g + 32; ++k)
      part = std::fma(w[k], x[k], part);
    return total + part;
  });
}

/// The exact sum over `count` columns from `first` on.
static int64_t dot(std::span<const int32_t> w, std::span<const int32_t> x, size_t first, size_t count) {
  int64_t sum = 0;
  for (size_t k = first; k < first + count; ++k)
    sum += static_cast<int64_t>(w[k]) * x[k];
  return sum;
}

float product(const Weights &weights, int64_t row, const Rows &input, int64_t inputRow) {
  if (!weights.quantized())
    return productOfFloats(weights.valueRow(row), input.row(inputRow));
  std::span<const int32_t> w = weights.integerRow(row), x = input.integerRow(inputRow);
  std::span<const float> s = weights.scaleRow(row), t = input.scaleRow(inputRow);
  if (weights.oneScalePerRow && input.element == Element::S8)
    return static_cast<float>(dot(w, x, 0, w.size())) * (s[0] * t[0]);
  return sumSlices(s.size(), [&](size_t g, float total) {
    return std::fma(static_cast<float>(dot(w, x, 32 * g, 32)), s[g] * t[g], total);
  });
}

} // namespace gemmac::interp
