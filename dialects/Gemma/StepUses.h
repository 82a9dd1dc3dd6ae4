// What a step tells of the weights and the cache that it uses (StepInterface).
#ifndef GEMMAC_DIALECTS_GEMMA_STEPUSES_H
#define GEMMAC_DIALECTS_GEMMA_STEPUSES_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Value.h"

namespace gemmac::gemma {

enum class WeightRole {
  Product, ///< rows are multiplied with the matrix
  Lookup,  ///< one row of the table is read for each row of the call
  Vector   ///< all of it is read for each row: a norm, scales
};

struct WeightUse {
  mlir::FlatSymbolRefAttr weight; ///< a gemma.packed
  WeightRole role;
  mlir::Value input = {}; ///< of a product: the rows that are multiplied
  /// Of a product with a batch of matrices of which each sees rows of its own: which rows; null where all see the same.
  mlir::Value picks = {};
  int64_t entries = 1; ///< entries of the batch that are read for one row
};

enum class CacheAccess {
  Read,
  Write,
  Shape ///< how the cache is divided is asked, not what it holds
};

struct CacheUse {
  mlir::FlatSymbolRefAttr cache; ///< a gemma.kv_cache
  CacheAccess access;
};

} // namespace gemmac::gemma

#endif // GEMMAC_DIALECTS_GEMMA_STEPUSES_H
