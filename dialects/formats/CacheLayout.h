// How a KV cache lies in memory and in which pieces attention reads it: the dialect's verifiers, the planner, the
// kernels and the tests read only this. The layout is told on gemma.kv_cache, the reasons in
// docs/architecture.md, "Attention".
#ifndef GEMMAC_DIALECTS_FORMATS_CACHELAYOUT_H
#define GEMMAC_DIALECTS_FORMATS_CACHELAYOUT_H

#include "dialects/formats/Format.h"

#include <cmath>

namespace gemmac {

/// Positions whose keys, and whose values, lie together. Capacities are multiples, so that a ring never cuts a block.
inline constexpr int64_t cacheBlock = panelRows;

/// Positions whose softmax is taken at once, from a multiple of this on, whatever the call: threads take splits, and
/// results of splits are merged in their order.
inline constexpr int64_t cacheSplit = 128;
static_assert(cacheSplit % cacheBlock == 0);

/// The formats that keys and values may have, from most bits to fewest. The quantized ones share the sizes of the
/// weight formats of their names, an f16 scale for 32 elements of a position included, but not the order of their bits.
inline constexpr Format cacheFormats[] = {Format::F32, Format::F16, Format::Q8, Format::Q4};

inline bool isCacheFormat(Format format) {
  for (Format known : cacheFormats)
    if (known == format)
      return true;
  return false;
}

/// "f32, f16, q8 or q4"
inline std::string cacheFormatNames() {
  std::string names;
  for (const Format &format : cacheFormats) {
    const bool last = &format == std::end(cacheFormats) - 1;
    names += (names.empty() ? "" : last ? " or " : ", ") + nameOf(format).str();
  }
  return names;
}

/// Elements of a position that share a byte of a quantized cache: element i of 32 and, where
/// there is room, element i + 16.
constexpr int64_t cacheValuesPerByte(Format format) { return 8 / formatInfo(format).bits; }

/// Elements of a head that a rotated cache mixes with each other, from a multiple of this on: the largest power of two
/// that divides the padded head size.
constexpr int64_t cacheRotation(int64_t padded) { return padded & -padded; }

/// Rotated caches hold H x times this, and queries and results are multiplied by the other: powers of two, so that
/// nothing is rounded, which together make H H = size * identity an identity.
constexpr double rotationOfStored(int64_t size) { return size < 4 ? 1.0 : 0.5 * rotationOfStored(size / 4); }
constexpr double rotationOfOthers(int64_t size) { return 1.0 / static_cast<double>(size) / rotationOfStored(size); }

/// Sequences that one program may hold at once.
inline constexpr int64_t mostSlots = 256;

/// Keys and values may be stored times 2^-exponent; no exponent is larger. f32 products with
/// queries stay far from its ends.
inline constexpr int64_t mostCacheExponent = 100;

/// Bytes of the keys, or the values, of one block of one head.
constexpr int64_t cacheBlockBytes(Format format, int64_t padded) {
  return padded / groupColumns * groupBytes(format, cacheBlock);
}

/// Elements of a stored key. Where keys are the values times a weight and rotated, a cache may keep only the 2 *
/// `turnedPairs` elements of them that RoPE turns, laid out as a head of that size; 0: all.
constexpr int64_t storedKeyDim(int64_t headDim, int64_t turnedPairs) { return turnedPairs ? 2 * turnedPairs : headDim; }

/// Bytes of keys and values of all heads, of so many padded elements.
constexpr int64_t cacheBytes(Format format, int64_t heads, int64_t capacity, int64_t paddedKey, int64_t padded) {
  return heads * (capacity / cacheBlock) * (cacheBlockBytes(format, paddedKey) + cacheBlockBytes(format, padded));
}

/// Rows that a picture's keys and values have room for. Of f32 they lie as in a cache; in `words`, int16, values of 32
/// rows are multiplied at once.
constexpr int64_t encoderMemoryRows(int64_t rows, bool words) {
  return roundUp(rows, words ? groupColumns : cacheBlock);
}

/// Elements of a row of them, of 4 bytes: a key and a value for each head; in words also a scale, once more for values,
/// so that keys and values of a head take the same room.
constexpr int64_t encoderMemoryWidth(int64_t kvHeads, int64_t padded, bool words) {
  return words ? roundUp(kvHeads * (padded + 2), groupColumns) : 2 * kvHeads * padded;
}

/// Integers of an encoder's attention: a query or a key has this length, so that no sum of products reaches 2^31;
/// powers and values are at most so large, so that 32 products do not either.
inline constexpr float encoderRowLength = 32512.0F;
inline constexpr float encoderPowerMost = 4095.0F, encoderValueMost = 16383.0F;
/// 4095 * 2^f for -1/2 <= f <= 1/2 as a polynomial of f, from its constant on; 3e-6 of it off.
inline constexpr float encoderPowerTerms[] = {encoderPowerMost, 2838.343505859375F, 983.786865234375F,
                                              228.93682861328125F, 39.24177169799805F};
/// Binary exponents below this give powers that round to 0.
inline constexpr float encoderLeastExponent = -30.0F;

/// Elements of a normed head are at most the root of its size. \returns what makes integers of them.
inline float encoderValueFactor(int64_t headDim) {
  return static_cast<float>(encoderValueMost / std::sqrt(static_cast<double>(headDim)));
}
/// The inverse.
inline float encoderValueScale(int64_t headDim) {
  return static_cast<float>(std::sqrt(static_cast<double>(headDim)) / encoderValueMost);
}

/// The largest number of splits that the keys of one row touch. `window` 0: all positions.
constexpr int64_t mostCacheSplits(int64_t window, int64_t capacity) {
  int64_t most = (capacity + cacheSplit - 1) / cacheSplit;
  if (window == 0 || capacity < window) // no conversation is longer than the capacity
    return most;
  return window == 1 ? 1 : (window - 2) / cacheSplit + 2;
}

/// Floats that attention leaves for each split of a row: `heads` weighted sums of `padded` values, then the largest
/// scores and the sums of the probabilities, `heads` each, both padded to 16.
constexpr int64_t splitResultWidth(int64_t heads, int64_t padded) {
  return heads * padded + 2 * roundUp(heads, panelRows);
}

} // namespace gemmac

#endif // GEMMAC_DIALECTS_FORMATS_CACHELAYOUT_H
