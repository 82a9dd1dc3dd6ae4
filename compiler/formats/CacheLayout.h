// How a KV cache lies in memory and in which pieces attention reads it: the dialect's verifiers, the planner, the kernels and
// the tests read only this. The layout is told on gemma.kv_cache, the reasons in docs/architecture.md, "Attention".
#ifndef GEMMAC_COMPILER_FORMATS_CACHELAYOUT_H
#define GEMMAC_COMPILER_FORMATS_CACHELAYOUT_H

#include "compiler/formats/WeightFormat.h"

namespace gemmac {

/// Positions whose keys, and whose values, lie together. Capacities are multiples, so that a ring never cuts a block.
inline constexpr int64_t cacheBlock = panelRows;

/// Positions whose softmax is taken at once, from a multiple of this on, whatever the call: threads take splits, and
/// results of splits are merged in their order.
inline constexpr int64_t cacheSplit = 256;
static_assert(cacheSplit % cacheBlock == 0);

/// Bytes of the keys, or the values, of one block of one head.
constexpr int64_t cacheBlockBytes(WeightFormat format, int64_t padded) {
  return padded / groupColumns * groupBytes(format, cacheBlock);
}

/// Bytes of keys and values of all heads.
constexpr int64_t cacheBytes(WeightFormat format, int64_t heads, int64_t capacity, int64_t padded) {
  return 2 * heads * (capacity / cacheBlock) * cacheBlockBytes(format, padded);
}

/// The largest number of splits that the keys of one row touch. `window` 0: all positions.
constexpr int64_t mostCacheSplits(int64_t window, int64_t capacity) {
  int64_t most = (capacity + cacheSplit - 1) / cacheSplit;
  if (window == 0 || capacity < window) // no conversation is longer than the capacity
    return most;
  return window == 1 ? 1 : (window - 2) / cacheSplit + 2;
}

/// Floats that attention leaves for each split of a row: `heads` weighted sums of `padded` values, then the largest scores and
/// the sums of the probabilities, `heads` each, both padded to 16.
constexpr int64_t splitResultWidth(int64_t heads, int64_t padded) {
  return heads * padded + 2 * roundUp(heads, panelRows);
}

} // namespace gemmac

#endif // GEMMAC_COMPILER_FORMATS_CACHELAYOUT_H
