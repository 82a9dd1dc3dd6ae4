#include "targets/interp/Sums.h"

#include <cmath>

namespace gemmac::interp {

float sumLanes(Lanes lanes) {
  for (size_t n : {8, 4, 2, 1})
    for (size_t i = 0; i < n; ++i)
      lanes[i] = lanes[i] + lanes[i + n];
  return lanes[0];
}

float inverseRms(std::span<const float> x, int64_t count, float eps) {
  Lanes a = {}, b = {};
  for (size_t i = 0; i < x.size(); i += 32)
    for (size_t l = 0; l < 16; ++l) {
      a[l] = std::fma(x[i + l], x[i + l], a[l]);
      b[l] = std::fma(x[i + 16 + l], x[i + 16 + l], b[l]);
    }
  for (size_t l = 0; l < 16; ++l)
    a[l] = a[l] + b[l];
  return 1.0f / std::sqrt(sumLanes(a) / static_cast<float>(count) + eps);
}

float inverseRmsOfHead(std::span<const float> x, int64_t count, float eps) {
  Lanes a = {};
  for (size_t i = 0; i < x.size(); ++i)
    a[i % 16] = std::fma(x[i], x[i], a[i % 16]);
  return 1.0f / std::sqrt(sumLanes(a) / static_cast<float>(count) + eps);
}

static float productOfFloats(std::span<const float> w, std::span<const float> x) {
  float total = 0.0f;
  for (size_t group = 0; group < w.size(); group += 32) {
    float part = 0.0f;
    for (size_t k = group; k < group + 32; ++k)
      part = std::fma(w[k], x[k], part);
    total = total + part;
  }
  return total;
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
  float total = 0.0f;
  for (size_t group = 0; group < s.size(); ++group)
    total = std::fma(static_cast<float>(dot(w, x, 32 * group, 32)), s[group] * t[group], total);
  return total;
}

} // namespace gemmac::interp
