// Rows that the caller of a function gives to it, and which of them a test looks at.
#ifndef GEMMAC_TESTS_UNIT_CPU_GIVENROWS_H
#define GEMMAC_TESTS_UNIT_CPU_GIVENROWS_H

#include "Matrices.h"

#include <algorithm>

namespace gemmac::test {

/// Rows of `width` floats.
struct Rows {
  int64_t width;
  std::vector<float> values;
  Rows(int64_t count, int64_t width, unsigned seed, float size = 1.0f) : width(width) {
    Random random(seed);
    values = randomVector(random, count * width, size);
  }
  float *operator[](int64_t row) { return values.data() + row * width; }
  const float *operator[](int64_t row) const { return values.data() + row * width; }
};

/// Rows of a call that show: the first, those where a block ends, the last.
inline std::vector<int64_t> someRows(int64_t count) {
  std::vector<int64_t> rows;
  for (int64_t row :
       {int64_t(0), int64_t(1), int64_t(510), int64_t(511), int64_t(512), int64_t(513), count - 2, count - 1})
    if (row >= 0 && row < count)
      rows.push_back(row);
  return rows;
}

inline float clamped(float x, float low, float high) { return std::min(std::max(x, low), high); }

} // namespace gemmac::test

#endif // GEMMAC_TESTS_UNIT_CPU_GIVENROWS_H
