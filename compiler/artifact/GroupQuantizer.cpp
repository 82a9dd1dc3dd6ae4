// Each sum is added up in column order within its lane: the result does not depend on the vector width.
#include "compiler/artifact/GroupQuantizer.h"

#include "compiler/artifact/Clones.h"
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
  case WeightFormat::C4: // the longer the row, the more it pays to clip its extreme
    return {7.5f, 0.75f};
  case WeightFormat::Q3:
    return {3.2f, 0.15f};
  case WeightFormat::Q2:
    return {1.4f, 0.12f};
  case WeightFormat::C2:
    return {1.5f, 0.4f};
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

/// Rounds all values of a tile with the scales of its lanes.
GEMMAC_INLINE void roundValues(const IntegerRange &range, const Lanes &scale, const GroupTile &tile,
                               QuantizedTile &result) {
  Lanes inverse = scale != 0.0f ? 1.0f / scale : Lanes{};
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

GEMMAC_INLINE void roundWithOwnScales(const IntegerRange &range, const GroupTile &tile, QuantizedTile &result) {
  Lanes scale;
  for (int64_t lane = 0; lane < lanes; ++lane)
    scale[lane] = halfToFloat(result.scales[lane]);
  roundValues(range, scale, tile, result);
}

/// The extreme values of `count` tiles.
GEMMAC_INLINE void findExtremes(const GroupTile *tiles, int64_t count, Lanes &extreme, Lanes &magnitude) {
  extreme = magnitude = Lanes{};
  for (int64_t i = 0; i < count; ++i) {
    Lanes value, absolute;
    findExtreme(tiles[i], value, absolute);
    extreme = absolute > magnitude ? value : extreme;
    magnitude = absolute > magnitude ? absolute : magnitude;
  }
}

/// For formats without a zero point: the extreme value becomes the largest integer.
GEMMAC_INLINE void plainScale(const IntegerRange &range, const GroupTile *tiles, int64_t count, Lanes &scale) {
  Lanes extreme, magnitude;
  findExtremes(tiles, count, extreme, magnitude);
  scale = magnitude / range.largest;
}

/// For formats with a zero point: the trial of least squared error, each with the least-squares scale for its integers.
/// Extremes up to `smallest` give scale 0.
GEMMAC_INLINE void searchedScale(const IntegerRange &range, const ScaleSearch &search, float smallest,
                                 const GroupTile *tiles, int64_t count, Lanes &scale) {
  Lanes extreme, magnitude;
  findExtremes(tiles, count, extreme, magnitude);
  LaneBits alive = magnitude > smallest;
  Lanes best = {};
  scale = alive ? extreme / range.least : Lanes{};
  Lanes unit = alive ? -1.0f / extreme : Lanes{};
  for (int trial = 0; trial < scaleTrials; ++trial) {
    Lanes inverse = unit * (search.first + search.step * static_cast<float>(trial)), cross = {}, square = {};
    for (int64_t i = 0; i < count; ++i)
      for (int64_t col = 0; col < groupColumns; ++col) {
        Lanes value, rounded;
        loadLanes(tiles[i], col, value);
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

GEMMAC_INLINE void findScale(const IntegerRange &range, const ScaleSearch &search, float smallest, const GroupTile *tiles,
                             int64_t count, Lanes &scale) {
  if (range.zeroPoint != 0.0f)
    searchedScale(range, search, smallest, tiles, count, scale);
  else
    plainScale(range, tiles, count, scale);
}

} // namespace

GEMMAC_CLONES static bool quantizeLanes(const IntegerRange &range, const ScaleSearch &search, const GroupTile &tile,
                                        QuantizedTile &result) {
  // Below 2^-22 the scale of most formats rounds to zero in f16, and so does the group.
  constexpr float smallest = 0x1p-22f;
  Lanes scale;
  findScale(range, search, smallest, &tile, 1, scale);
  bool fits = roundScales(scale, result);
  roundWithOwnScales(range, tile, result);
  return fits;
}

GEMMAC_CLONES static void roundLanes(const IntegerRange &range, const GroupTile &tile, QuantizedTile &result) {
  roundWithOwnScales(range, tile, result);
}

GEMMAC_CLONES static bool quantizeRowLanes(const IntegerRange &range, const ScaleSearch &search,
                                           const GroupTile *tiles, int64_t count, QuantizedTile *results, float *scales) {
  constexpr float smallest = 0x1p-100f; // beyond it, squares of values and inverses stay in range
  Lanes scale;
  findScale(range, search, smallest, tiles, count, scale);
  scale = scale == 0.0f ? Lanes{} : scale; // no negative zero
  for (int64_t i = 0; i < count; ++i)
    roundValues(range, scale, tiles[i], results[i]);
  std::memcpy(scales, &scale, sizeof(scale));
  bool fits = true;
  for (int64_t lane = 0; lane < lanes; ++lane)
    fits &= (floatToBits(scale[lane]) & 0x7f800000) != 0x7f800000;
  return fits;
}

bool quantizeTile(WeightFormat format, const GroupTile &tile, QuantizedTile &result) {
  return quantizeLanes(IntegerRange(format), scaleSearch(format), tile, result);
}

void roundTile(WeightFormat format, const GroupTile &tile, QuantizedTile &result) {
  roundLanes(IntegerRange(format), tile, result);
}

bool quantizeRows(WeightFormat format, const GroupTile *tiles, int64_t count, QuantizedTile *results, float *scales) {
  return quantizeRowLanes(IntegerRange(format), scaleSearch(format), tiles, count, results, scales);
}

} // namespace gemmac
