// gemma-plan-caches: format, capacity and place of every KV cache.
#include "dialects/formats/CacheLayout.h"
#include "gemmac/program.h"
#include "passes/plan/Passes.h"
#include "passes/plan/Symbols.h"

#include "mlir/IR/Builders.h"

#include <cmath>

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
    if (failed(positions) || failed(checkOptions(module)) || failed(checkFunctions(module)) ||
        failed(checkFormats(module)))
      return signalPassFailure();
    eraseUnused(module);
    int64_t offset = 0;
    llvm::DenseMap<StringAttr, int64_t> turnedPairs =
        foldKeys ? pairsOfFoldedKeys(module) : llvm::DenseMap<StringAttr, int64_t>();
    for (KvCacheOp cache : module.getOps<KvCacheOp>()) {
      if (int64_t pairs = turnedPairs.lookup(cache.getSymNameAttr()))
        cache.setTurnedPairs(pairs);
      offset += place(cache, *positions, mostRows(module), offset);
      if (failed(scale(cache)))
        return signalPassFailure();
    }
    makeProgram(module, *positions, offset);
  }

private:
  void makeProgram(ModuleOp module, int64_t positions, int64_t slotBytes) {
    for (ProgramOp old : llvm::make_early_inc_range(module.getOps<ProgramOp>()))
      old.erase();
    OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
    ProgramOp::create(builder, module.getLoc(), positions, int64_t(slots), slotBytes);
  }

  /// Of caches with a window.
  Format ringFormat() const { return slidingFormat.value_or(format); }

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
    if (slots < 1 || slots > mostSlots)
      return module.emitError("slots is ") << int64_t(slots) << ", expected 1 to " << mostSlots << " sequences";
    return success();
  }

  LogicalResult checkFormats(ModuleOp module) {
    for (auto [option, given] : {std::pair<StringRef, Format>("format", format), {"sliding-format", ringFormat()}})
      if (!isCacheFormat(given))
        return module.emitError(option) << " is '" << nameOf(given) << "', expected " << cacheFormatNames();
    return success();
  }

  /// Most rows that a function writes at once.
  int64_t mostRows(ModuleOp module) {
    auto block = module.lookupSymbol<func::FuncOp>(GEMMAC_PREFILL_BLOCK);
    auto rows = block ? block->getAttrOfType<IntegerAttr>("gemma.max_rows") : IntegerAttr();
    return std::max<int64_t>({chunk, verifyRows, rows ? rows.getInt() : 0});
  }

  /// A function that writes more rows at once than the rings were planned for would overwrite keys that it still reads.
  LogicalResult checkFunctions(ModuleOp module) {
    int64_t most = mostRows(module);
    for (func::FuncOp function : module.getOps<func::FuncOp>())
      if (auto rows = function->getAttrOfType<IntegerAttr>("gemma.max_rows");
          rows && rows.getInt() > most && !function.getOps<QkvOp>().empty())
        return function.emitError("function '@")
               << function.getName() << "' has up to " << rows.getInt() << " rows, but caches are planned for " << most
               << "; give chunk and verify-rows as to gemma-split-functions";
    return success();
  }

  void eraseUnused(ModuleOp module) {
    llvm::DenseSet<StringAttr> used = usedSymbols(module);
    for (KvCacheOp cache : llvm::make_early_inc_range(module.getOps<KvCacheOp>()))
      if (!used.contains(cache.getSymNameAttr()))
        cache.erase();
  }

  /// Caches whose keys are their values, normed and rotated, with the pairs that are turned,
  /// where leaving out the others saves.
  static llvm::DenseMap<StringAttr, int64_t> pairsOfFoldedKeys(ModuleOp module) {
    llvm::DenseMap<StringAttr, int64_t> result;
    module.walk([&](QkvOp qkv) {
      int64_t pairs = qkv.getRope().getPairs(), headDim = qkv.getHeadDim();
      bool keysAreValues = qkv.getKAttr() && !qkv.getVAttr() && !qkv.getRawValues();
      if (keysAreValues && pairs > 0 && paddedHeadDim(2 * pairs) < paddedHeadDim(headDim))
        result[qkv.getCacheAttr().getAttr()] = pairs;
    });
    return result;
  }

  /// Sets the planned attributes of one cache and returns its bytes.
  int64_t place(KvCacheOp cache, int64_t positions, int64_t rows, int64_t offset) {
    int64_t window = cache.getWindow();
    int64_t ring = window + rows - 1;
    int64_t capacity = roundUp(window == 0 ? positions : std::min(positions, ring), cacheBlock);
    Format storage = window == 0 ? format : ringFormat();
    int64_t bytes = cacheBytes(storage, cache.getHeads(), capacity, cache.getPaddedKeyDim(), cache.getPaddedHeadDim());
    cache.setFormat(storage);
    cache.setRotated(rotate && formatInfo(storage).quantized);
    cache.setCapacity(capacity);
    cache.setOffset(offset);
    cache.setBytes(bytes);
    return roundUp(bytes, bufferAlign);
  }

  /// Sets the exponents where f16 numbers could not hold what the bounds allow, or only as denormal numbers.
  LogicalResult scale(KvCacheOp cache) {
    if (*cache.getFormat() == Format::F32)
      return success();
    auto exponentOf = [&](std::optional<APFloat> bound, int64_t padded) {
      double most = bound ? bound->convertToDouble() : 1.0;
      // A rotated row has the length of the row, but may have it all in one element.
      return exponentFor(cache.getRotated() ? most * std::sqrt(static_cast<double>(padded)) : most);
    };
    int64_t key = exponentOf(cache.getKeyBound(), cache.getPaddedKeyDim());
    int64_t value = exponentOf(cache.getValueBound(), cache.getPaddedHeadDim());
    if (std::max(std::abs(key), std::abs(value)) > mostCacheExponent)
      return cache.emitError("keys or values may be as large as 2^")
             << std::max(key, value)
             << ", which no cache format holds: the weights of this layer are out of all proportion";
    if (key)
      cache.setKeyExponent(key);
    if (value)
      cache.setValueExponent(value);
    return success();
  }

  /// 0 for numbers of an ordinary size, so that ordinary models store keys and values as they are. f16 has its full
  /// precision from 2^-14 to 2^16; bounds are some ten times what occurs, and half of the range is left for rounding.
  static int64_t exponentFor(double bound) {
    constexpr int mostBits = 15, leastBits = 0, wantedBits = 10;
    int bits = static_cast<int>(std::ceil(std::log2(bound)));
    return bits > mostBits ? bits - mostBits : bits < leastBits ? bits - wantedBits : 0;
  }
};

} // namespace
} // namespace gemmac
