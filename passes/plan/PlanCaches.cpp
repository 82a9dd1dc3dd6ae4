// gemma-plan-caches: format, capacity and place of every KV cache.
#include "compiler/formats/CacheLayout.h"
#include "passes/plan/Passes.h"
#include "passes/plan/Symbols.h"

#include "mlir/IR/Builders.h"

namespace gemmac {
#define GEN_PASS_DEF_PLANCACHES
#include "passes/plan/Passes.h.inc"

using namespace mlir;
using namespace gemma;

namespace {

struct PlanCaches : impl::PlanCachesBase<PlanCaches> {
  using PlanCachesBase::PlanCachesBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<int64_t> positions = contextOf(module);
    if (failed(positions) || failed(checkOptions(module)) || failed(checkPhases(module)) ||
        failed(readFormats(module)))
      return signalPassFailure();
    eraseUnused(module);
    int64_t offset = 0;
    for (KvCacheOp cache : module.getOps<KvCacheOp>())
      offset += place(cache, *positions, offset);
    Builder builder(module.getContext());
    module->setAttr("gemma.context", builder.getI64IntegerAttr(*positions));
    module->setAttr("gemma.cache_bytes", builder.getI64IntegerAttr(offset));
  }

private:
  Format wholeFormat = Format::F16, ringFormat = Format::F16; ///< of caches without and with a window

  // Options are cast where they are printed: a diagnostic takes an Option<int64_t> for a character.

  /// Positions to plan for: the option, checked against the model's maximum, or that maximum.
  FailureOr<int64_t> contextOf(ModuleOp module) {
    IntegerAttr most;
    if (auto model = module->getAttrOfType<DictionaryAttr>("gemma.model"))
      most = model.getAs<IntegerAttr>("context");
    if (context < 0)
      return module.emitError("context is ")
             << int64_t(context) << ", expected a number of positions, or 0 for the model's maximum";
    if (context == 0 && !most)
      return module.emitError("no context was given and the module has no 'gemma.model' with a 'context'; give one");
    if (most && context > most.getInt())
      return module.emitError("context is ")
             << int64_t(context) << ", but the model was made for at most " << most.getInt() << " positions; give less";
    return context > 0 ? int64_t(context) : most.getInt();
  }

  LogicalResult checkOptions(ModuleOp module) {
    if (chunk < 1)
      return module.emitError("chunk is ") << int64_t(chunk) << ", expected at least 1 row";
    if (verifyRows < 1)
      return module.emitError("verify-rows is ") << int64_t(verifyRows) << ", expected at least 1 row";
    return success();
  }

  LogicalResult readFormats(ModuleOp module) {
    StringRef whole = format.getValue(), ring = slidingFormat.getValue();
    if (failed(readFormat(module, "format", whole, wholeFormat)))
      return failure();
    return readFormat(module, "sliding-format", ring.empty() ? whole : ring, ringFormat);
  }

  static LogicalResult readFormat(ModuleOp module, StringRef option, StringRef name, Format &result) {
    std::optional<Format> known = symbolizeFormat(name);
    if (!known || !isCacheFormat(static_cast<WeightFormat>(*known)))
      return module.emitError(option) << " is '" << name << "', expected " << cacheFormatNames();
    result = *known;
    return success();
  }

  /// A phase that writes more rows at once than the rings were planned for would overwrite keys that it still reads.
  LogicalResult checkPhases(ModuleOp module) {
    int64_t most = std::max<int64_t>(chunk, verifyRows);
    for (func::FuncOp function : module.getOps<func::FuncOp>())
      if (auto rows = function->getAttrOfType<IntegerAttr>("gemma.max_rows"); rows && rows.getInt() > most)
        return function.emitError("phase '@")
               << function.getName() << "' has up to " << rows.getInt() << " rows, but caches are planned for " << most
               << "; give chunk and verify-rows as to gemma-split-phases";
    return success();
  }

  void eraseUnused(ModuleOp module) {
    llvm::DenseSet<StringAttr> used = usedSymbols(module);
    for (KvCacheOp cache : llvm::make_early_inc_range(module.getOps<KvCacheOp>()))
      if (!used.contains(cache.getSymNameAttr()))
        cache.erase();
  }

  /// Sets the planned attributes of one cache and returns its bytes.
  int64_t place(KvCacheOp cache, int64_t positions, int64_t offset) {
    int64_t window = cache.getWindow();
    int64_t ring = window + std::max<int64_t>(chunk, verifyRows) - 1;
    int64_t capacity = roundUp(window == 0 ? positions : std::min(positions, ring), cacheBlock);
    Format stored = window == 0 ? wholeFormat : ringFormat;
    auto storage = static_cast<WeightFormat>(stored);
    int64_t bytes = cacheBytes(storage, cache.getHeads(), capacity, cache.getPaddedHeadDim());
    cache.setFormat(stored);
    cache.setRotated(rotate && formatInfo(storage).quantized);
    cache.setCapacity(capacity);
    cache.setOffset(offset);
    cache.setBytes(bytes);
    return roundUp(bytes, bufferAlign);
  }
};

} // namespace
} // namespace gemmac
