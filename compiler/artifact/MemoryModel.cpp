#include "compiler/artifact/MemoryModel.h"

#include "dialects/Gemma/GemmaDialect.h"

using namespace mlir;

namespace gemmac {

/// Code and constants that a program touches of itself, and its heap. Measured: 2.1 to 2.9 MiB.
static constexpr uint64_t programMemory = 3 << 20;
/// What the sampler takes for each token of the vocabulary when all of its options are used
/// (runtime/src/generate/Sampler.h).
static constexpr uint64_t samplerMemory = sizeof(uint8_t) + 2 * (sizeof(int32_t) + sizeof(float)) + sizeof(double);

/// Whether a conversation without pictures and sounds calls it.
static bool isForText(gemma::FunctionOp function) {
  return llvm::is_contained({GEMMAC_DECODE, GEMMAC_VERIFY, GEMMAC_PREFILL}, function.getSymName());
}

/// Arena, and table rows of the widest function: of all, or of those for text.
static uint64_t workingMemory(ModuleOp module, const ProgramSummary &summary, bool textAlone) {
  uint64_t arena = 0, rows = 0;
  for (auto function : module.getOps<gemma::FunctionOp>()) {
    if (textAlone && !isForText(function))
      continue;
    arena = std::max<uint64_t>(arena, function.getArenaBytes().value_or(0));
    rows = std::max<uint64_t>(rows, function.getMaxRows());
  }
  return arena + rows * static_cast<uint64_t>(summary.tableRowBytes);
}

/// Soft tokens that a program with towers keeps (runtime/src/encode/SoftRowsCache.h).
static uint64_t mediaCacheMemory(ModuleOp module, const ProgramSummary &summary) {
  const bool towers = llvm::any_of(module.getOps<gemma::FunctionOp>(), [](gemma::FunctionOp function) {
    return function.getSymName().starts_with(GEMMAC_ENCODE_IMAGE) || function.getSymName() == GEMMAC_ENCODE_AUDIO;
  });
  return towers ? GEMMAC_MEDIA_CACHE_ROWS * sizeof(float) * static_cast<uint64_t>(summary.hidden) : 0;
}

gemmac_memory memoryOf(ModuleOp module, const ProgramSummary &summary, int64_t stackBytes) {
  gemmac_memory memory = {};
  memory.program = programMemory + samplerMemory * static_cast<uint64_t>(summary.vocab);
  memory.weights = static_cast<uint64_t>(summary.mappedBytes);
  memory.working = workingMemory(module, summary, /*textAlone=*/true);
  memory.media = workingMemory(module, summary, /*textAlone=*/false) - memory.working;
  memory.media += mediaCacheMemory(module, summary);
  memory.thread = static_cast<uint64_t>(summary.scratchBytes + stackBytes);
  for (auto cache : module.getOps<gemma::KvCacheOp>()) {
    auto bytes = static_cast<uint64_t>(cache.getBytes().value_or(0)), capacity = cache.getCapacity().value_or(0);
    if (cache.getWindow() == 0 || static_cast<int64_t>(capacity) >= summary.context) {
      memory.whole_cache += bytes;
      continue;
    }
    memory.ring_cache += bytes;
    memory.ring_positions = std::max<uint64_t>(memory.ring_positions, capacity);
  }
  return memory;
}

uint64_t residentBytes(const ProgramSummary &summary) {
  auto context = static_cast<uint64_t>(summary.context);
  return gemmac_resident_bytes(&summary.memory, GEMMAC_CONTRACT_THREADS, static_cast<uint64_t>(summary.slots), context,
                               context) +
         summary.memory.media;
}

} // namespace gemmac
