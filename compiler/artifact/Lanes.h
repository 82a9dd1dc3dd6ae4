// Arithmetic on 16 groups at once: vectors with one lane a group. Functions are forced inline and hand vectors out by
// reference, so that they work inside a caller of any ISA level.
#ifndef GEMMAC_COMPILER_ARTIFACT_LANES_H
#define GEMMAC_COMPILER_ARTIFACT_LANES_H

#include "compiler/artifact/GroupQuantizer.h"
#include "compiler/artifact/HalfFloat.h"

#include <cstring>

namespace gemmac {

inline constexpr int64_t lanes = panelRows;
using Lanes = float __attribute__((vector_size(lanes * sizeof(float))));
using LaneBits = int32_t __attribute__((vector_size(lanes * sizeof(int32_t)))); ///< also masks: 0 or -1

/// The format's integers as floats. Made outside of functions with clones: what only those call, clang does not emit.
struct IntegerRange {
  float least, largest, zeroPoint;
  bool symmetric; ///< as many negative integers as positive ones
  bool fine;      ///< an f16 scale has no more bits than the integers: one that is too small would clip the extremes
  explicit IntegerRange(Format format)
      : least(static_cast<float>(formatInfo(format).leastInteger())),
        largest(static_cast<float>(formatInfo(format).largestInteger())),
        zeroPoint(static_cast<float>(formatInfo(format).zeroPoint)), symmetric(least == -largest),
        fine(largest > 1024.0f) {}
};

GEMMAC_INLINE void loadLanes(const GroupTile &tile, int64_t col, Lanes &value) {
  std::memcpy(&value, tile.values[col], sizeof(value));
}

/// Rounds to the nearest integer, ties to even, and clamps. |value| < 2^22.
GEMMAC_INLINE void roundTo(Lanes &value, const IntegerRange &range) {
  value = (value + 12582912.0f) - 12582912.0f; // 1.5 * 2^23: the sum has no fraction bits
  value = value < range.least ? Lanes{} + range.least : value;
  value = value > range.largest ? Lanes{} + range.largest : value;
}

/// Makes `value` the extreme where its magnitude is larger.
GEMMAC_INLINE void takeExtreme(const Lanes &value, Lanes &extreme, Lanes &magnitude) {
  Lanes absolute = value < 0.0f ? -value : value;
  extreme = absolute > magnitude ? value : extreme;
  magnitude = absolute > magnitude ? absolute : magnitude;
}

/// The value of largest magnitude of each lane, sign kept; of equal ones the first.
GEMMAC_INLINE void findExtreme(const GroupTile &tile, Lanes &extreme, Lanes &magnitude) {
  extreme = Lanes{};
  magnitude = Lanes{};
  for (int64_t col = 0; col < groupColumns; ++col) {
    Lanes value;
    loadLanes(tile, col, value);
    takeExtreme(value, extreme, magnitude);
  }
}

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_LANES_H
