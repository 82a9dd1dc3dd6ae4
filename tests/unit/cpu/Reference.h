// Slow, obvious scalar arithmetic that the kernels are compared with.
#ifndef GEMMAC_TESTS_UNIT_CPU_REFERENCE_H
#define GEMMAC_TESTS_UNIT_CPU_REFERENCE_H

#include "Harness.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

namespace gemmac::test {

using Row = std::vector<double>;

/// Groups whose largest magnitude is below this quantize to zeros: 127 / max would overflow. The same of q16.
inline constexpr float smallestQuantized = 0x1p-120f, smallestWide = 0x1p-110f;

inline uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

/// A row quantized as gemma.step.quantize says.
struct QuantizedRow {
  std::vector<int> values, biases;
  std::vector<float> scales;
  bool isStatic = false; ///< one scale
  bool isWide = false;   ///< q16
};
QuantizedRow quantizeRow(const float *row, int64_t width);
/// The same to s8.
QuantizedRow quantizeRow(const float *row, int64_t width, float staticScale);
/// The same to q16.
QuantizedRow quantizeWide(const float *row, int64_t width);
/// The row of `buffer`, in q8, q16 or s8, is `expected`; of q16 each of the forms that it is stored in.
void expectIntegers(const Memory &memory, const Buffer &buffer, int64_t row, const QuantizedRow &expected,
                    const std::string &what);
/// The nearest value of a static grid; 0: as it is.
float onGrid(float value, float staticScale);

/// Products of a row with a matrix row in exactly the order of the kernels (gemma.step.matmul): bits can be compared.
float dotExact(const Matrix &weight, int64_t row, const float *input);
float dotExact(const Matrix &weight, int64_t row, const QuantizedRow &input);
/// What the weight's format asks for: f32, or q8 (with `wide` q16).
float dotLikeKernel(const Matrix &weight, int64_t row, const float *input, bool wide = false);
/// The same product in doubles.
double dotDouble(const Matrix &weight, int64_t row, const float *input);

double rms(const float *row, int64_t count, double eps);
/// The factor of a norm in exactly the order of the kernels, of `width` values of which `count` are no padding.
float inverseRms(const float *row, int64_t width, int64_t count, float eps);
double gelu(double x);

/// |got - expected| <= absolute + relative * |expected| for each element; `what` tells the place.
void expectNear(const float *got, const Row &expected, double absolute, double relative, const std::string &what);
void expectBits(const float *got, const std::vector<float> &expected, const std::string &what);

} // namespace gemmac::test

#endif // GEMMAC_TESTS_UNIT_CPU_REFERENCE_H
