#include "Reference.h"

#include "dialects/formats/Slices.h"

#include <algorithm>

namespace gemmac::test {

/// Integers of magnitude `most` at the most; groups below `smallest` become zeros.
static QuantizedRow quantizeGroups(const float *row, int64_t width, float most, float smallest) {
  QuantizedRow result;
  for (int64_t group = 0; group < width / groupColumns; ++group) {
    float largest = 0;
    for (int64_t c = 0; c < groupColumns; ++c)
      largest = std::max(largest, std::fabs(row[group * groupColumns + c]));
    float inverse = largest >= smallest ? most / largest : 0.0f;
    int sum = 0;
    for (int64_t c = 0; c < groupColumns; ++c) {
      int value = static_cast<int>(std::nearbyint(row[group * groupColumns + c] * inverse)); // to even
      result.values.push_back(value);
      sum += value;
    }
    result.scales.push_back(largest / most);
    result.biases.push_back(-8 * sum);
  }
  return result;
}

QuantizedRow quantizeRow(const float *row, int64_t width) {
  return quantizeGroups(row, width, 127.0f, smallestQuantized);
}

QuantizedRow quantizeWide(const float *row, int64_t width) {
  QuantizedRow result = quantizeGroups(row, width, 32512.0f, smallestWide);
  result.isWide = true;
  return result;
}

void expectIntegers(const Memory &memory, const Buffer &buffer, int64_t row, const QuantizedRow &expected,
                    const std::string &what) {
  const int8_t *bytes = memory.values(buffer, row);
  const int16_t *words = reinterpret_cast<const int16_t *>(bytes + 2 * buffer.width);
  for (int64_t c = 0; c < buffer.width; ++c) {
    int value = expected.values[c];
    if (!expected.isWide) {
      ASSERT_EQ(bytes[c], value) << what << ", value " << c;
      continue;
    }
    ASSERT_EQ(256 * bytes[c] + bytes[buffer.width + c], value) << what << ", bytes of value " << c;
    int64_t place[] = {0, 2, 1, 3};
    ASSERT_EQ(words[c / 4 * 4 + place[c % 4]], value) << what << ", int16 of value " << c;
  }
  for (int64_t group = 0; group < buffer.width / groupColumns; ++group)
    ASSERT_EQ(memory.biases(buffer, row)[group], expected.biases[group]) << what << ", bias of group " << group;
  expectBits(memory.scales(buffer, row), expected.scales, what + ", scales");
}

static float gridStep(float value, float scale) {
  return std::nearbyint(std::min(std::max(value / scale, -128.0f), 127.0f));
}

float onGrid(float value, float staticScale) {
  return staticScale == 0 ? value : gridStep(value, staticScale) * staticScale;
}

QuantizedRow quantizeRow(const float *row, int64_t width, float staticScale) {
  QuantizedRow result;
  result.isStatic = true;
  for (int64_t group = 0; group < width / groupColumns; ++group) {
    int sum = 0;
    for (int64_t c = 0; c < groupColumns; ++c) {
      result.values.push_back(static_cast<int>(gridStep(row[group * groupColumns + c], staticScale)));
      sum += result.values.back();
    }
    result.scales.push_back(staticScale);
    result.biases.push_back(-8 * sum);
  }
  return result;
}

/// Slices of a sum over `cols` columns, added as a binary counter does; `add` gives the total with the group that
/// begins at a column.
static float sumSlices(int64_t cols, llvm::function_ref<float(int64_t column, float total)> add) {
  const Slices slices{cols / groupColumns};
  struct Part {
    int64_t slices;
    float sum;
  };
  std::vector<Part> parts;
  auto addLastTwo = [&] {
    const Part last = parts.back();
    parts.pop_back();
    parts.back() = {parts.back().slices + last.slices, parts.back().sum + last.sum};
  };
  for (int64_t slice = 0; slice < slices.count(); ++slice) {
    parts.push_back({1, 0.0f});
    for (int64_t group = slice * slices.per(); group < std::min((slice + 1) * slices.per(), slices.groups); ++group)
      parts.back().sum = add(group * groupColumns, parts.back().sum);
    while (parts.size() > 1 && parts[parts.size() - 2].slices == parts.back().slices)
      addLastTwo();
  }
  while (parts.size() > 1)
    addLastTwo();
  return parts.back().sum;
}

float dotExact(const Matrix &weight, int64_t row, const float *input) {
  return sumSlices(weight.cols, [&](int64_t first, float total) {
    float part = 0;
    for (int64_t c = first; c < first + groupColumns; ++c)
      part = std::fma(weight.number(row, c), input[c], part);
    return total + part;
  });
}

/// Adds the product of one group.
static float addGroup(const Matrix &weight, int64_t row, int64_t first, const QuantizedRow &input, float total) {
  int dot = 0;
  for (int64_t c = first; c < first + groupColumns; ++c)
    dot += static_cast<int>(weight.number(row, c)) * input.values[c];
  float scale = weight.scale(row, first) * input.scales[first / groupColumns];
  return std::fma(static_cast<float>(dot), scale, total);
}

float dotExact(const Matrix &weight, int64_t row, const QuantizedRow &input) {
  if (input.isStatic && formatInfo(weight.format).rowScales()) {
    int64_t sum = 0;
    for (int64_t c = 0; c < weight.cols; ++c)
      sum += static_cast<int64_t>(weight.number(row, c)) * input.values[c];
    return static_cast<float>(sum) * (weight.scale(row, 0) * input.scales[0]);
  }
  return sumSlices(weight.cols, [&](int64_t first, float total) { return addGroup(weight, row, first, input, total); });
}

float dotLikeKernel(const Matrix &weight, int64_t row, const float *input, bool wide) {
  if (!isQuantized(weight.format))
    return dotExact(weight, row, input);
  return wide ? dotExact(weight, row, quantizeWide(input, weight.cols))
              : dotExact(weight, row, quantizeRow(input, weight.cols));
}

double dotDouble(const Matrix &weight, int64_t row, const float *input) {
  double total = 0;
  for (int64_t c = 0; c < weight.cols; ++c)
    total += weight(row, c) * input[c];
  return total;
}

double rms(const float *row, int64_t count, double eps) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += static_cast<double>(row[i]) * row[i];
  return std::sqrt(sum / count + eps);
}

float inverseRms(const float *row, int64_t width, int64_t count, float eps) {
  float sums[256] = {};
  for (int64_t i = 0; i < width; ++i)
    sums[i % 256] = std::fma(row[i], row[i], sums[i % 256]);
  for (int64_t half = 128; half > 0; half /= 2)
    for (int64_t i = 0; i < half; ++i)
      sums[i] += sums[i + half];
  return 1.0f / std::sqrt(sums[0] / static_cast<float>(count) + eps);
}

double gelu(double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }

void expectNear(const float *got, const Row &expected, double absolute, double relative, const std::string &what) {
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_LE(std::fabs(got[i] - expected[i]), absolute + relative * std::fabs(expected[i]))
        << what << ", element " << i << ": got " << got[i] << ", expected " << expected[i];
}

void expectBits(const float *got, const std::vector<float> &expected, const std::string &what) {
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_EQ(bitsOf(got[i]), bitsOf(expected[i]))
        << what << ", element " << i << ": got " << got[i] << ", expected " << expected[i];
}

} // namespace gemmac::test
