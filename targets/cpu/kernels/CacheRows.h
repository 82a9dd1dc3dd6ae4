// How one position's keys and values get into a KV cache, and the rotation that surrounds rotated ones. The
// layout is told on gemma.kv_cache.
#ifndef GEMMAC_TARGETS_CPU_KERNELS_CACHEROWS_H
#define GEMMAC_TARGETS_CPU_KERNELS_CACHEROWS_H

#include "targets/cpu/kernels/Kernels.h"

namespace gemmac {

/// Emits work on rows of f32 that are as long as a stored key or as a value.
class CacheRows {
public:
  using Value = mlir::Value;
  static CacheRows keys(KernelBuilder &b, const CacheShape &cache) {
    return {b, cache, cache.paddedKey, storedKeyDim(cache.headDim, cache.turnedPairs), cache.keyExponent};
  }
  static CacheRows values(KernelBuilder &b, const CacheShape &cache) {
    return {b, cache, cache.padded, cache.headDim, cache.valueExponent};
  }

  /// Stores a row as the key (the value) of position `lane` of the block at `block`. Rotates and scales the
  /// row in place as the cache has it.
  void storeKey(Value row, Value block, Value lane);
  void storeValue(Value row, Value block, Value lane);

  /// The elements that RoPE turns of a whole head, `from`, as a row of a stored key.
  void takeTurned(Value from, Value to);
  /// Sets the same elements of a row of values to zero.
  void clearTurned(Value row);

  /// Whether what is stored differs from keys (values) by more than its format.
  bool changed() const { return cache.rotated || exponent != 0; }
  /// A query as what is stored wants it, in place.
  void adaptQuery(Value row);
  /// A sum of stored values as one of values, in place; padding becomes zero.
  void restore(Value row);

private:
  /// Group `group` of a row as a quantized cache holds it.
  struct Group {
    Value scale;                    ///< f16
    llvm::SmallVector<Value> bytes; ///< 16 each, element by element
  };

  CacheRows(KernelBuilder &b, const CacheShape &cache, int64_t padded, int64_t headDim, int64_t exponent)
      : b(b), cache(cache), padded(padded), headDim(headDim), exponent(exponent) {}

  KernelBuilder &b;
  const CacheShape &cache;
  int64_t padded, headDim; ///< of the rows
  int64_t exponent;        ///< rows are stored times 2^-exponent

  Value maskOf(int64_t first);
  void adaptStored(Value row);
  void transform(Value row, double factor);
  void multiply(Value row, double factor);
  void mixLanes(Value row);
  void mixVectors(Value row, int64_t vectors, double factor);
  void clearPadding(Value row);
  Group quantize(Value row, Value group);
  Value scaleOf(Value low, Value high);
  Value integersOf(Value values, Value inverse);
  void storeScale(const Group &quantized, Value target, Value lane);
};

/// Bytes of a query as attention over a cache uses it: of a stored key; then, where keys are
/// partly made of values, of a value.
inline int64_t queryRowBytes(const CacheShape &cache) {
  return (cache.paddedKey + (cache.turnedPairs ? cache.padded : 0)) * 4;
}

/// Makes such a query of `query`. `keyNorm` is read where the cache has turned pairs.
void prepareQuery(KernelBuilder &b, const CacheShape &cache, mlir::Value query, mlir::Value keyNorm, mlir::Value to);

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_KERNELS_CACHEROWS_H
