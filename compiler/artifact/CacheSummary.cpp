#include "compiler/artifact/CacheSummary.h"

#include "dialects/Gemma/GemmaDialect.h"
#include "dialects/formats/CacheLayout.h"
#include "gemmac/program.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"

#include <tuple>

using namespace mlir;

namespace gemmac {

/// The cache that an attention step reads; empty for other ops.
static StringRef cacheReadBy(Operation &op) {
  auto step = dyn_cast<gemma::StepInterface>(op);
  std::optional<gemma::CacheUse> use = step ? step.getCacheUse() : std::nullopt;
  return use && use->access == gemma::CacheAccess::Read ? use->cache.getValue() : StringRef();
}

static CacheSummary rowOf(gemma::KvCacheOp cache) {
  CacheSummary row;
  row.format = cache.getFormat().value_or(Format::F16);
  row.heads = cache.getHeads();
  row.headDim = cache.getHeadDim();
  row.keyDim = storedKeyDim(cache.getHeadDim(), cache.getTurnedPairs().value_or(0));
  row.window = cache.getWindow();
  row.positions = cache.getCapacity().value_or(0);
  row.bytes = cache.getBytes().value_or(0);
  return row;
}

static bool alike(const CacheSummary &a, const CacheSummary &b) {
  auto key = [](const CacheSummary &row) {
    return std::tuple(row.format, row.heads, row.headDim, row.keyDim, row.window, row.positions, row.sharedFrom);
  };
  return key(a) == key(b);
}

std::vector<CacheSummary> readCaches(ModuleOp module) {
  SymbolTable symbols(module);
  llvm::DenseMap<StringRef, int64_t> owners;
  std::vector<CacheSummary> rows;
  int64_t layer = 0;
  for (auto function : module.getOps<gemma::FunctionOp>()) {
    if (function.getSymName() != GEMMAC_DECODE)
      continue;
    for (Operation &op : function.getBody().getOps()) {
      auto cache = symbols.lookup<gemma::KvCacheOp>(cacheReadBy(op));
      if (!cache)
        continue;
      CacheSummary row = rowOf(cache);
      auto [owner, isNew] = owners.try_emplace(cache.getSymName(), layer);
      if (!isNew) {
        row.sharedFrom = owner->second;
        row.bytes = 0;
      }
      auto same = llvm::find_if(rows, [&](const CacheSummary &other) { return alike(row, other); });
      if (same == rows.end()) {
        rows.push_back(row);
        same = std::prev(rows.end());
      } else {
        same->bytes += row.bytes;
      }
      same->layers.push_back(layer++);
    }
  }
  return rows;
}

std::string layersText(llvm::ArrayRef<int64_t> layers) {
  std::string text;
  for (size_t first = 0, end; first < layers.size(); first = end) {
    for (end = first + 1; end < layers.size() && layers[end] == layers[end - 1] + 1;)
      ++end;
    text += (text.empty() ? "" : ", ") + std::to_string(layers[first]);
    if (end > first + 1)
      text += "-" + std::to_string(layers[end - 1]);
  }
  return text;
}

std::string cacheFormatText(llvm::ArrayRef<CacheSummary> caches) {
  llvm::StringRef sliding, full;
  for (const CacheSummary &row : caches)
    (row.window ? sliding : full) = nameOf(row.format);
  if (sliding.empty() || full.empty() || sliding == full)
    return (full.empty() ? sliding : full).str();
  return ("sliding=" + sliding + ",full=" + full).str();
}

} // namespace gemmac
