// All arithmetic is per lane, a lane being a row, and in column order.
#include "compiler/artifact/OutputEnergy.h"

#include "compiler/artifact/Clones.h"
#include "compiler/artifact/Lanes.h"

#pragma STDC FP_CONTRACT OFF

namespace gemmac {

/// Adds up weight(i) (d_i + sum over k < i of feedback(k, i) d_k)^2 for the columns of one group.
/// \param block the block's first column; the group's first is `earlier` columns behind it.
GEMMAC_CLONES static void addGroupEnergy(const float *block, int64_t earlier, const float *feedback,
                                         const float *weights, float *energies) {
  constexpr int64_t tile = 4;
  Lanes total;
  std::memcpy(&total, energies, sizeof(total));
  auto column = [&](int64_t col, Lanes &value) { std::memcpy(&value, block + col * lanes, sizeof(value)); };
  for (int64_t first = 0; first < groupColumns; first += tile) {
    Lanes sums[tile], value;
    for (int64_t i = 0; i < tile; ++i)
      column(earlier + first + i, sums[i]);
    for (int64_t k = 0; k < earlier + first; ++k) {
      column(k, value);
      for (int64_t i = 0; i < tile; ++i)
        sums[i] += value * feedback[k * groupColumns + first + i];
    }
    for (int64_t k = 0; k < tile; ++k) { // the triangle within the tile
      column(earlier + first + k, value);
      for (int64_t i = k + 1; i < tile; ++i)
        sums[i] += value * feedback[(earlier + first + k) * groupColumns + first + i];
    }
    for (int64_t i = 0; i < tile; ++i)
      total += sums[i] * sums[i] * weights[first + i];
  }
  std::memcpy(energies, &total, sizeof(total));
}

/// Of `count` runs of 16 values.
GEMMAC_CLONES static void addSquares(const float *values, int64_t count, float *energies) {
  Lanes total, value;
  std::memcpy(&total, energies, sizeof(total));
  for (int64_t run = 0; run < count; ++run) {
    std::memcpy(&value, values + run * lanes, sizeof(value));
    total += value * value;
  }
  std::memcpy(energies, &total, sizeof(total));
}

static double sumOf(const float *energies) {
  double sum = 0;
  for (int64_t lane = 0; lane < lanes; ++lane)
    sum += energies[lane];
  return sum;
}

double outputEnergy(const RoundingFactor &factor, const float *panel) {
  double sum = 0;
  for (int64_t group = 0; group < factor.cols() / groupColumns; ++group) {
    float energies[lanes] = {};
    int64_t begin = factor.blockBegin(group);
    addGroupEnergy(panel + begin * lanes, group * groupColumns - begin, factor.feedback(group), factor.weights(group),
                   energies);
    sum += sumOf(energies);
  }
  return sum;
}

double sumOfSquares(const float *values, int64_t count) {
  double sum = 0;
  for (int64_t first = 0; first < count; first += groupColumns) {
    float energies[lanes] = {};
    addSquares(values + first, groupColumns / lanes, energies);
    sum += sumOf(energies);
  }
  return sum;
}

} // namespace gemmac
