// Each sum is added up in column order within its lane: the result does not depend on the vector width.
#include "compiler/artifact/GroupQuantizer.h"

#include "compiler/artifact/Clones.h"
#include "compiler/artifact/ScaleSearch.h"

#pragma STDC FP_CONTRACT OFF

namespace gemmac {

namespace {

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
      result.stored[col][lane] = static_cast<uint16_t>(static_cast<int32_t>(value[lane]));
  }
}

GEMMAC_INLINE void roundWithOwnScales(const IntegerRange &range, const GroupTile &tile, QuantizedTile &result) {
  Lanes scale;
  loadScales(result, scale);
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

/// The extreme value becomes the end of the range: the largest integer, or the least one
/// where there is one more of these.
GEMMAC_INLINE void plainScale(const IntegerRange &range, const GroupTile *tiles, int64_t count, Lanes &scale) {
  Lanes extreme, magnitude;
  findExtremes(tiles, count, extreme, magnitude);
  if (!range.symmetric)
    scale = extreme / range.least;
  else
    scale = magnitude / range.largest;
}

/// For formats with one more negative integer: the trial of least squared error, each with the least-squares scale for
/// its integers. Extremes up to `smallest` give scale 0.
GEMMAC_INLINE void searchedScale(const IntegerRange &range, const SearchLevels &search, float smallest,
                                 const GroupTile *tiles, int64_t count, const float *importance, Lanes &scale) {
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
        Lanes weighted = importance ? rounded * importance[i * groupColumns + col] : rounded;
        cross += value * weighted;
        square += rounded * weighted;
      }
    // With scale = cross / square the squared error falls by cross^2 / square.
    Lanes fitted = square > 0.0f ? cross / square : Lanes{}, gain = fitted * cross;
    scale = gain > best ? fitted : scale;
    best = gain > best ? gain : best;
  }
}

GEMMAC_INLINE void findScale(const IntegerRange &range, const SearchLevels &search, float smallest,
                             const GroupTile *tiles, int64_t count, const ScaleChoice &choice, Lanes &scale) {
  if (!range.symmetric && !choice.plain)
    searchedScale(range, search, smallest, tiles, count, choice.importance, scale);
  else
    plainScale(range, tiles, count, scale);
}

} // namespace

GEMMAC_CLONES static bool quantizeLanes(const IntegerRange &range, const SearchLevels &search, const GroupTile &tile,
                                        const ScaleChoice &choice, QuantizedTile &result) {
  Lanes scale;
  findScale(range, search, leastMagnitude, &tile, 1, choice, scale);
  bool fits = roundScales(range, scale, result);
  roundWithOwnScales(range, tile, result);
  return fits;
}

GEMMAC_CLONES static void roundLanes(const IntegerRange &range, const GroupTile &tile, QuantizedTile &result) {
  roundWithOwnScales(range, tile, result);
}

GEMMAC_CLONES static bool quantizeRowLanes(const IntegerRange &range, const SearchLevels &search,
                                           const GroupTile *tiles, int64_t count, const ScaleChoice &choice,
                                           QuantizedTile *results, float *scales) {
  constexpr float smallest = 0x1p-100f; // beyond it, squares of values and inverses stay in range
  Lanes scale;
  findScale(range, search, smallest, tiles, count, choice, scale);
  scale = scale == 0.0f ? Lanes{} : scale; // no negative zero
  for (int64_t i = 0; i < count; ++i)
    roundValues(range, scale, tiles[i], results[i]);
  std::memcpy(scales, &scale, sizeof(scale));
  bool fits = true;
  for (int64_t lane = 0; lane < lanes; ++lane)
    fits &= (floatToBits(scale[lane]) & 0x7f800000) != 0x7f800000;
  return fits;
}

bool quantizeTile(Format format, const GroupTile &tile, QuantizedTile &result, const ScaleChoice &choice) {
  return quantizeLanes(IntegerRange(format), formatInfo(format).search, tile, choice, result);
}

void roundTile(Format format, const GroupTile &tile, QuantizedTile &result) {
  roundLanes(IntegerRange(format), tile, result);
}

bool quantizeRows(Format format, const GroupTile *tiles, int64_t count, QuantizedTile *results, float *scales,
                  const ScaleChoice &choice) {
  return quantizeRowLanes(IntegerRange(format), formatInfo(format).search, tiles, count, choice, results, scales);
}

} // namespace gemmac
