// How one position's keys and values get into a KV cache, and the rotation that surrounds rotated ones. The layout is told on
// gemma.kv_cache.
#ifndef GEMMAC_PASSES_LOWER_CACHEROWS_H
#define GEMMAC_PASSES_LOWER_CACHEROWS_H

#include "passes/lower/Kernels.h"

namespace gemmac {

/// Emits work on rows of `padded` f32: a head's key, value, query or result.
class CacheRows {
public:
  using Value = mlir::Value;
  CacheRows(KernelBuilder &b, const CacheShape &cache) : b(b), cache(cache) {}

  /// Store a row as the keys or the values of position `lane` of the block at `block`. Rotates the row in place where the
  /// cache is rotated.
  void storeKeys(Value row, Value block, Value lane);
  void storeValues(Value row, Value block, Value lane);

  /// A query as the stored keys want it, in place. Nothing where the cache is not rotated.
  void rotateQuery(Value row);
  /// A sum of stored values as one of values, in place; padding becomes zero. Nothing where the cache is not rotated.
  void rotateBack(Value row);

private:
  /// Group `group` of a row as a quantized cache holds it.
  struct Group {
    Value scale;                   ///< f16
    llvm::SmallVector<Value> bytes; ///< 16 each, element by element
  };

  KernelBuilder &b;
  const CacheShape &cache;

  void transform(Value row, double factor);
  void mixLanes(Value row);
  void mixVectors(Value row, int64_t vectors, double factor);
  void clearPadding(Value row);
  Group quantize(Value row, Value group);
  Value scaleOf(Value low, Value high);
  Value integersOf(Value values, Value inverse);
  void storeScale(const Group &quantized, Value target, Value lane);
};

} // namespace gemmac

#endif // GEMMAC_PASSES_LOWER_CACHEROWS_H
