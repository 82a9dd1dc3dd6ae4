// Which layers keep which keys and values: the table that `PROG info` prints.
#ifndef GEMMAC_COMPILER_ARTIFACT_CACHESUMMARY_H
#define GEMMAC_COMPILER_ARTIFACT_CACHESUMMARY_H

#include "dialects/formats/Format.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"

#include <string>
#include <vector>

namespace gemmac {

/// Layers whose KV caches are alike, or that read the cache of one and the same layer.
struct CacheSummary {
  std::vector<int64_t> layers; ///< ascending
  Format format = Format::F16;
  int64_t heads = 0, headDim = 0;
  /// Elements of a key that are stored; fewer than headDim where the others are made of the values.
  int64_t keyDim = 0;
  int64_t window = 0;      ///< 0: the whole context
  int64_t positions = 0;   ///< that one cache has room for
  int64_t bytes = 0;       ///< of all these layers together; 0 where they read another's
  int64_t sharedFrom = -1; ///< the layer whose cache they read; -1: each has its own
};

/// The rows for a planned module, by first layer. Layers are counted by the attention steps of the function decode; a
/// cache belongs to the first of them that reads it.
std::vector<CacheSummary> readCaches(mlir::ModuleOp module);

/// "0-3, 5, 7-9"
std::string layersText(llvm::ArrayRef<int64_t> layers);

/// The format of all caches, or "sliding=q8,full=q4" where those with a window have another than the others: a word for
/// --cache.
std::string cacheFormatText(llvm::ArrayRef<CacheSummary> caches);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_CACHESUMMARY_H
