// What all ways of rounding share: trials of scales, scales and integers as they are stored.
#ifndef GEMMAC_COMPILER_ARTIFACT_SCALESEARCH_H
#define GEMMAC_COMPILER_ARTIFACT_SCALESEARCH_H

#include "compiler/artifact/Lanes.h"

namespace gemmac {

/// How many levels of a format's SearchLevels are tried.
inline constexpr int scaleTrials = 13;
/// Below this the scale of most formats rounds to zero in f16, and so does the group.
inline constexpr float leastMagnitude = 0x1p-22f;

/// Stores `scale` as f16, rounded to nearest; those of fine integers, all positive, are rounded up. False on overflow.
GEMMAC_INLINE bool roundScales(const IntegerRange &range, const Lanes &scale, QuantizedTile &result) {
  bool fits = true;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    uint16_t half = floatToHalf(scale[lane]);
    half = half == 0x8000 ? 0 : half; // no negative zero: equal weights give equal bytes
    half += range.fine && halfToFloat(half) < scale[lane];
    fits &= (half & 0x7c00) != 0x7c00;
    result.scales[lane] = half;
  }
  return fits;
}

GEMMAC_INLINE void loadScales(const QuantizedTile &tile, Lanes &scale) {
  for (int64_t lane = 0; lane < lanes; ++lane)
    scale[lane] = halfToFloat(tile.scales[lane]);
}

/// Stores one column of rounded integers.
GEMMAC_INLINE void storeInteger(const IntegerRange &range, const Lanes &integer, int64_t col, QuantizedTile &result) {
  Lanes stored = integer + range.zeroPoint;
  for (int64_t lane = 0; lane < lanes; ++lane)
    result.stored[col][lane] = static_cast<uint16_t>(static_cast<int32_t>(stored[lane]));
}

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_SCALESEARCH_H
