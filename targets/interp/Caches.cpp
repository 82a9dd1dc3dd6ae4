// "KV cache" and "Scores" of docs/spec/numerics.md.
#include "targets/interp/Caches.h"

#include "targets/interp/Numbers.h"
#include "targets/interp/Sums.h"

#include <algorithm>
#include <cmath>

namespace gemmac::interp {

/// Elements that are mixed with each other: the largest power of two that divides the row.
static size_t blockOf(size_t width) { return width & -width; }

/// What stored rows are multiplied with beside the butterflies.
static double storedFactor(size_t block) { return block < 4 ? 1.0 : storedFactor(block / 4) / 2; }

static void hadamard(std::span<float> x, double factor) {
  const size_t block = blockOf(x.size());
  for (size_t distance = 1; distance < block; distance *= 2)
    for (size_t i = 0; i < x.size(); ++i)
      if (!(i & distance)) {
        const float a = x[i], b = x[i + distance];
        x[i] = a + b;
        x[i + distance] = a - b;
      }
  for (float &value : x)
    value = value * static_cast<float>(factor);
}

static void multiply(std::span<float> x, double factor) {
  for (float &value : x)
    value = value * static_cast<float>(factor);
}

/// The f16 scale of a group.
static float scaleOf(Format format, std::span<const float> x) {
  float largest = 0.0f, most = x[0], least = x[0];
  for (float value : x) {
    largest = larger(std::fabs(value), largest);
    most = larger(value, most);
    least = smaller(value, least);
  }
  if (format == Format::Q8)
    return roundToHalf(largest / 127.0f);
  return roundToHalf((most > -least ? most : least) * -0.125f);
}

static void quantizeGroup(Format format, std::span<float> x, float &scale) {
  scale = scaleOf(format, x);
  const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
  const float least = format == Format::Q8 ? -127.0f : -8.0f, most = format == Format::Q8 ? 127.0f : 7.0f;
  for (float &value : x)
    value = std::clamp(std::nearbyint(value * inverse), least, most);
}

void Store::keep(int64_t position, int64_t head, std::vector<float> x) {
  if (rotated)
    hadamard(x, std::ldexp(storedFactor(blockOf(x.size())), static_cast<int>(-exponent)));
  else if (exponent != 0)
    multiply(x, std::ldexp(1.0, static_cast<int>(-exponent)));
  const auto w = static_cast<size_t>(width), at = static_cast<size_t>(position * heads + head);
  const auto positions = static_cast<size_t>((position + 1) * heads);
  numbers.resize(std::max(numbers.size(), positions * w));
  if (quantized())
    scales.resize(std::max(scales.size(), positions * (w / 32)));
  for (size_t group = 0; quantized() && group < w / 32; ++group)
    quantizeGroup(format, std::span(x).subspan(32 * group, 32), scales[at * (w / 32) + group]);
  if (format == Format::F16)
    std::transform(x.begin(), x.end(), x.begin(), roundToHalf);
  std::copy(x.begin(), x.end(), numbers.begin() + static_cast<ptrdiff_t>(at * w));
}

Stored Store::at(int64_t position, int64_t head) const {
  const auto w = static_cast<size_t>(width), at = static_cast<size_t>(position * heads + head);
  Stored result{std::span(numbers).subspan(at * w, w), {}};
  if (quantized())
    result.scales = std::span(scales).subspan(at * (w / 32), w / 32);
  return result;
}

std::vector<float> Store::adapt(std::vector<float> x) const {
  const auto block = blockOf(x.size());
  if (rotated)
    hadamard(x, std::ldexp(1.0 / (static_cast<double>(block) * storedFactor(block)), static_cast<int>(exponent)));
  else if (exponent != 0)
    multiply(x, std::ldexp(1.0, static_cast<int>(exponent)));
  return x;
}

Cache::Cache(gemma::KvCacheOp op)
    : heads(op.getHeads()), headDim(op.getHeadDim()), padded(op.getPaddedHeadDim()), window(op.getWindow()),
      turned(op.getTurnedPairs().value_or(0)),
      keys(*op.getFormat(), op.getRotated(), op.getKeyExponent().value_or(0), heads, op.getPaddedKeyDim()),
      values(*op.getFormat(), op.getRotated(), op.getValueExponent().value_or(0), heads, padded) {}

int64_t Cache::firstSeen(int64_t position) const {
  return window == 0 ? 0 : std::max<int64_t>(0, position - window + 1);
}

std::vector<float> Cache::turnedOf(std::span<const float> x) const {
  const auto n = static_cast<size_t>(turned), half = (n + 15) / 16 * 16, upper = x.size() / 2;
  std::vector<float> result(2 * half, 0.0f);
  for (size_t j = 0; j < n; ++j) {
    result[j] = x[j];
    result[half + j] = x[upper + j];
  }
  return result;
}

void Cache::keepKey(int64_t position, int64_t head, std::span<const float> key) {
  keys.keep(position, head, turned ? turnedOf(key) : std::vector<float>(key.begin(), key.end()));
}

void Cache::keepValue(int64_t position, int64_t head, std::span<const float> value) {
  values.keep(position, head, {value.begin(), value.end()});
}

Cache::Query Cache::prepare(std::span<const float> query, std::span<const float> keyNorm) const {
  if (!turned)
    return {keys.adapt({query.begin(), query.end()}), {}};
  std::vector<float> rest(query.size());
  const auto half = static_cast<int64_t>(query.size()) / 2;
  for (int64_t i = 0; i < 2 * half; ++i) {
    const auto at = static_cast<size_t>(i);
    rest[at] = i % half < turned ? 0.0f : query[at] * keyNorm[at];
  }
  return {keys.adapt(turnedOf(query)), values.adapt(std::move(rest))};
}

std::vector<float> Cache::restore(std::vector<float> sum) const {
  std::vector<float> result = values.adapt(std::move(sum));
  const int64_t half = padded / 2;
  for (int64_t i = 0; values.isRotated() && i < padded; ++i)
    if (i % half >= headDim / 2)
      result[static_cast<size_t>(i)] = 0.0f;
  return result;
}

float scoreOfKey(Format format, Stored key, std::span<const float> query) {
  float score = 0.0f;
  if (!key.quantized()) {
    for (size_t j = 0; j < query.size(); ++j)
      score = std::fma(key.numbers[j], query[j], score);
    return score;
  }
  for (size_t group = 0; group < key.scales.size(); ++group) {
    float part = 0.0f;
    for (size_t i = 0; i < 32; ++i) {
      const size_t j = 32 * group + (format == Format::Q4 ? i % 2 * 16 + i / 2 : i);
      part = std::fma(key.numbers[j], query[j], part);
    }
    score = std::fma(part, key.scales[group], score);
  }
  return score;
}

float Cache::score(const Query &query, int64_t position, int64_t head) const {
  const float score = scoreOfKey(keys.getFormat(), keys.at(position, head), query.front);
  if (!turned)
    return score;
  const Stored v = values.at(position, head);
  Lanes a = {};
  for (size_t i = 0; i < query.rest.size(); ++i)
    a[i % 16] = std::fma(v.value(i), query.rest[i], a[i % 16]);
  return score + sumLanes(a);
}

} // namespace gemmac::interp
