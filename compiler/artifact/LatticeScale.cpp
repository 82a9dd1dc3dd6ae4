// For each integer that the extreme value may stand for, every other value confines the scale to an
// interval: what would round to that value. The intervals' intersection holds a few f16 numbers at most, and
// each of these is tried on all values.
#include "compiler/artifact/LatticeScale.h"

#include "compiler/artifact/Clones.h"
#include "compiler/artifact/Lanes.h"

#pragma STDC FP_CONTRACT OFF

namespace gemmac {

namespace {

/// Half the distance of neighbours of type `stored`, as a difference of f32 bit patterns (f16: for normal numbers).
constexpr int32_t halfStep(Encoding stored) {
  return stored == Encoding::BF16 ? 0x8000 : stored == Encoding::F16 ? 0x1000 : 0;
}

GEMMAC_INLINE bool any(const LaneBits &mask) {
  int32_t found = 0;
  for (int64_t lane = 0; lane < lanes; ++lane)
    found |= mask[lane];
  return found != 0;
}

/// Rounds to type `stored`, to nearest, ties to even.
GEMMAC_INLINE void roundToStored(Encoding stored, Lanes &value) {
  if (stored == Encoding::BF16) {
    LaneBits bits = reinterpret_cast<LaneBits>(value);
    bits += 0x7fff + ((bits >> 16) & 1);
    value = reinterpret_cast<Lanes>(bits & ~0xffff);
  } else if (stored == Encoding::F16) {
    for (int64_t lane = 0; lane < lanes; ++lane)
      value[lane] = halfToFloat(floatToHalf(value[lane]));
  }
}

/// Scales by magnitude that may give the lane's values when the extreme one stands for the integer of magnitude
/// `level`; an empty interval when there is none. Stops early once all lanes of `open` are empty.
GEMMAC_INLINE void confineScale(const GroupTile &tile, Encoding stored, const Lanes &unit, const LaneBits &open,
                                Lanes &least, Lanes &largest) {
  least = Lanes{};
  largest = Lanes{} + 65504.0f;
  const int32_t half = halfStep(stored);
  // f16 below 2^-14 has fixed steps of 2^-24.
  const float fixedHalf = stored == Encoding::F16 ? 0x1p-25f : 0.0f;
  for (int64_t col = 0; col < groupColumns; ++col) {
    Lanes value;
    loadLanes(tile, col, value);
    value = value < 0.0f ? -value : value;
    Lanes number = (value * unit + 12582912.0f) - 12582912.0f; // rounds: 1.5 * 2^23
    LaneBits bits = reinterpret_cast<LaneBits>(value);
    Lanes below = reinterpret_cast<Lanes>(bits - half), above = reinterpret_cast<Lanes>(bits + half);
    below = value - fixedHalf < below ? value - fixedHalf : below;
    above = value + fixedHalf > above ? value + fixedHalf : above;
    // The divisions round, so that the interval is made a little wider than it is.
    Lanes low = below * (1.0f - 0x1p-21f) / number, high = above * (1.0f + 0x1p-21f) / number;
    LaneBits isZero = value == 0.0f, inside = number > 0.0f;
    least = (inside & ~isZero & (low > least)) ? low : least;
    largest = (inside & ~isZero & (high < largest)) ? high : largest;
    largest = (~inside & ~isZero) ? Lanes{} - 1.0f : largest; // a weight that is not zero cannot become 0
    if (col % 4 == 3 && !any(open & (least <= largest)))
      return;
  }
}

/// Tries the scale of each lane whose `tried` is set: rounds with it and compares every product. Leaves the lanes that
/// are reproduced in `tried` and the squared error of their products before they are rounded to the stored type.
GEMMAC_INLINE void reproduces(const IntegerRange &range, Encoding stored, const GroupTile &tile, const Lanes &scale,
                              LaneBits &tried, Lanes &error) {
  Lanes inverse = tried ? 1.0f / scale : Lanes{};
  error = Lanes{};
  for (int64_t col = 0; col < groupColumns; ++col) {
    Lanes value;
    loadLanes(tile, col, value);
    Lanes number = value * inverse;
    roundTo(number, range);
    Lanes product = number * scale, rounded = product;
    roundToStored(stored, rounded);
    tried &= rounded == value;
    error += (product - value) * (product - value);
    if (col % 8 == 7 && !any(tried))
      return;
  }
}

/// The scales of the lanes that have one.
struct Found {
  LaneBits lanesFound = {};
  uint16_t scales[lanes] = {};
};

/// Tries every `stride`-th f16 number from `first` to `last` of each lane in `open`; of several that work
/// the one of least error is kept.
GEMMAC_INLINE void tryScales(const IntegerRange &range, Encoding stored, const GroupTile &tile, const Lanes &sign,
                             const LaneBits &first, const LaneBits &last, int32_t stride, const LaneBits &open,
                             Found &found) {
  Lanes best = Lanes{} + 3e38f;
  for (LaneBits half = (first + (stride - 1)) & -stride;; half += stride) {
    LaneBits tried = open & (half <= last);
    if (!any(tried))
      return;
    Lanes scale, error;
    for (int64_t lane = 0; lane < lanes; ++lane)
      scale[lane] = halfToFloat(static_cast<uint16_t>(half[lane]));
    scale *= sign;
    reproduces(range, stored, tile, scale, tried, error);
    LaneBits better = tried & (error < best), bits = half | (sign < 0.0f ? LaneBits{} + 0x8000 : LaneBits{});
    best = better ? error : best;
    found.lanesFound |= better;
    for (int64_t lane = 0; lane < lanes; ++lane)
      found.scales[lane] = better[lane] ? static_cast<uint16_t>(bits[lane]) : found.scales[lane];
  }
}

/// Tries the f16 numbers between `least` and `largest` of the lanes `open`, bf16 numbers among them first:
/// quantization-aware training keeps its scales in bf16.
GEMMAC_INLINE void searchInterval(const IntegerRange &range, Encoding stored, const GroupTile &tile, const Lanes &sign,
                                  const Lanes &least, const Lanes &largest, const LaneBits &open, Found &found) {
  LaneBits first, last;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    uint16_t low = floatToHalf(least[lane]), high = floatToHalf(largest[lane] < 0.0f ? 0.0f : largest[lane]);
    low += halfToFloat(low) < least[lane];
    high -= high > 0 && halfToFloat(high) > largest[lane];
    first[lane] = low == 0 ? 1 : low;
    last[lane] = high;
  }
  constexpr int32_t bf16Stride = 8; // a bf16 number has three bits less
  tryScales(range, stored, tile, sign, first, last, bf16Stride, open, found);
  tryScales(range, stored, tile, sign, first, last, 1, open & ~found.lanesFound, found);
}

/// Magnitudes of the integers that the extreme value may stand for: `most` down to `least`, then `narrow` down to 1.
struct Levels {
  int64_t most, least, narrow;
};

/// All that there are, up to five bits. Of more bits only what the format's own quantizer gives the extreme value, and
/// what weights trained for four bits have. Of more than a byte only the latter: bf16 numbers lie further apart than
/// such integers, so that many a scale would give them, and few of them as exactly as the quantizer's.
constexpr Levels levelsOf(Format format) {
  int64_t most = formatInfo(format).largest;
  constexpr int64_t fiveBits = 16;
  if (formatInfo(format).inWords())
    return {fiveBits, 1, 0};
  return most <= fiveBits ? Levels{most, 1, 0} : Levels{most, formatInfo(format).largestInteger(), fiveBits};
}

} // namespace

GEMMAC_CLONES static void findScales(const IntegerRange &range, const Levels &levels, Encoding stored,
                                     const GroupTile &tile, Found &found) {
  Lanes extreme, magnitude;
  findExtreme(tile, extreme, magnitude);
  found.lanesFound = magnitude == 0.0f; // all zeros: scale 0
  // Where there is one more negative integer the extreme value stands for one: the positive ones are the same with
  // -scale.
  LaneBits turned = !range.symmetric ? extreme > 0.0f : LaneBits{};
  Lanes sign = turned ? Lanes{} - 1.0f : Lanes{} + 1.0f;
  for (int64_t level = levels.most; level >= 1; level = level == levels.least ? levels.narrow : level - 1) {
    LaneBits open = ~found.lanesFound;
    if (!any(open))
      break;
    Lanes least, largest, unit = magnitude > 0x1p-100f ? static_cast<float>(level) / magnitude : Lanes{};
    confineScale(tile, stored, unit, open, least, largest);
    open &= least <= largest;
    if (any(open))
      searchInterval(range, stored, tile, sign, least, largest, open, found);
  }
}

uint32_t findLattice(Format format, Encoding stored, const GroupTile &tile, QuantizedTile &result) {
  Found found;
  findScales(IntegerRange(format), levelsOf(format), stored, tile, found);
  QuantizedTile exact;
  std::memcpy(exact.scales, found.scales, sizeof(exact.scales));
  roundTile(format, tile, exact);
  uint32_t lanesFound = 0;
  for (int64_t lane = 0; lane < lanes; ++lane)
    if (found.lanesFound[lane]) {
      lanesFound |= 1u << lane;
      result.scales[lane] = exact.scales[lane];
      for (int64_t col = 0; col < groupColumns; ++col)
        result.stored[col][lane] = exact.stored[col][lane];
    }
  return lanesFound;
}

} // namespace gemmac
