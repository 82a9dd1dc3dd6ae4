// Every sum whose order decides bits, each in one function: docs/spec/numerics.md states the orders.
#ifndef GEMMAC_TARGETS_INTERP_SUMS_H
#define GEMMAC_TARGETS_INTERP_SUMS_H

#include "targets/interp/Rows.h"
#include "targets/interp/Weights.h"

#include <array>

namespace gemmac::interp {

using Lanes = std::array<float, 16>;

/// The lanes added in a tree.
float sumLanes(Lanes lanes);

/// Positions whose softmax is taken at once, at multiples of it.
inline constexpr int64_t attentionSplit = 128;

/// A row's elements added in the order of norms.
float stridedSum(std::span<const float> x);

/// 1 / sqrt(mean of squares + eps) of a row or a head, of which `count` elements are no padding.
float inverseRms(std::span<const float> x, int64_t count, float eps);

/// Output row `row` of a matrix (of all entries of its batch) for row `inputRow` of `input`, before grids and
/// epilogues.
float product(const Weights &weights, int64_t row, const Rows &input, int64_t inputRow);

} // namespace gemmac::interp

#endif // GEMMAC_TARGETS_INTERP_SUMS_H
