// Each sum is added up in column order within its lane: the result does not depend on the vector width.
#include "compiler/artifact/GroupQuantizer.h"

#include "compiler/artifact/Lanes.h"

#pragma STDC FP_CONTRACT OFF

namespace gemmac {

namespace {

/// Levels that the extreme value of a group may stand for: first, first + step, ... The plain choice is the zero point;
/// beyond it the extreme is clipped, below it levels stay unused at the ends. docs/formats.md has what the trials gain.
struct ScaleSearch {
  float first, step;
};

constexpr int scaleTrials = 13;

constexpr ScaleSearch scaleSearch(WeightFormat format) {
  switch (format) {
  case WeightFormat::Q6:
    return {29.0f, 0.5f};
  case WeightFormat::Q4:
    return {6.4f, 0.3f};
  case WeightFormat::Q3:
    return {3.2f, 0.15f};
  case WeightFormat::Q2:
    return {1.4f, 0.12f};
  default:
    return {0.0f, 0.0f}; // no zero point: the plain scale is exact at both ends
  }
}

/// Stores `scale` as f16. False on overflow.
GEMMAC_INLINE bool roundScales(const Lanes &scale, QuantizedTile &result) {
  bool fits = true;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    uint16_t half = floatToHalf(scale[lane]);
    half = half == 0x8000 ? 0 : half; // no negative zero: equal weights give equal bytes
    fits &= (half & 0x7c00) != 0x7c00;
    result.scales[lane] = half;
  }
  return fits;
}

GEMMAC_INLINE void roundValues(const IntegerRange &range, const GroupTile &tile, QuantizedTile &result) {
  Lanes scale, inverse;
  for (int64_t lane = 0; lane < lanes; ++lane)
    scale[lane] = halfToFloat(result.scales[lane]);
  inverse = scale != 0.0f ? 1.0f / scale : Lanes{};
  for (int64_t col = 0; col < groupColumns; ++col) {
    Lanes value;
    loadLanes(tile, col, value);
    value *= inverse;
    roundTo(value, range);
    value += range.zeroPoint;
    for (int64_t lane = 0; lane < lanes; ++lane)
      result.stored[col][lane] = static_cast<uint8_t>(static_cast<int32_t>(value[lane]));
  }
}

/// For formats without a zero point: the extreme value becomes the largest integer.
GEMMAC_INLINE void plainScale(const IntegerRange &range, const GroupTile &tile, Lanes &scale) {
  Lanes extreme, magnitude;
  findExtreme(tile, extreme, magnitude);
  scale = magnitude / range.largest;
}

/// For formats with a zero point: the trial of least squared error, each with the least-squares scale for its integers.
GEMMAC_INLINE void searchedScale(const IntegerRange &range, const ScaleSearch &search, const GroupTile &tile, Lanes &scale) {
  Lanes extreme, magnitude;
  findExtreme(tile, extreme, magnitude);
  // Below 2^-22 the scale of most formats rounds to zero in f16, and so does the group.
  LaneBits alive = magnitude > 0x1p-22f;
  Lanes best = {};
  scale = alive ? extreme / range.least : Lanes{};
  Lanes unit = alive ? -1.0f / extreme : Lanes{};
  for (int trial = 0; trial < scaleTrials; ++trial) {
    Lanes inverse = unit * (search.first + search.step * static_cast<float>(trial)), cross = {}, square = {};
    for (int64_t col = 0; col < groupColumns; ++col) {
      Lanes value, rounded;
      loadLanes(tile, col, value);
      rounded = value * inverse;
      roundTo(rounded, range);
      cross += value * rounded;
      square += rounded * rounded;
    }
    // With scale = cross / square the squared error falls by cross^2 / square.
    Lanes fitted = square > 0.0f ? cross / square : Lanes{}, gain = fitted * cross;
    scale = gain > best ? fitted : scale;
    best = gain > best ? gain : best;
  }
}

} // namespace

GEMMAC_CLONES static bool quantizeLanes(const IntegerRange &range, const ScaleSearch &search, const GroupTile &tile,
                                        QuantizedTile &result) {
  Lanes scale;
  if (range.zeroPoint != 0.0f)
    searchedScale(range, search, tile, scale);
  else
    plainScale(range, tile, scale);
  bool fits = roundScales(scale, result);
  roundValues(range, tile, result);
  return fits;
}

GEMMAC_CLONES static void roundLanes(const IntegerRange &range, const GroupTile &tile, QuantizedTile &result) {
  roundValues(range, tile, result);
}

bool quantizeTile(WeightFormat format, const GroupTile &tile, QuantizedTile &result) {
  return quantizeLanes(IntegerRange(format), scaleSearch(format), tile, result);
}

void roundTile(WeightFormat format, const GroupTile &tile, QuantizedTile &result) {
  roundLanes(IntegerRange(format), tile, result);
}

} // namespace gemmac
