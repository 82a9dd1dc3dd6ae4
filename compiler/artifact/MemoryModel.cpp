#include "compiler/artifact/MemoryModel.h"

#include "dialects/Gemma/GemmaDialect.h"
#include "dialects/formats/Format.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace gemmac {

/// Code and constants that a program touches of itself, and its heap. Measured: 2.1 to 2.9 MiB.
static constexpr uint64_t programMemory = 3 << 20;
/// What the sampler takes for each token of the vocabulary when all of its options are used
/// (runtime/src/generate/Sampler.h).
static constexpr uint64_t samplerMemory = sizeof(uint8_t) + 2 * (sizeof(int32_t) + sizeof(float)) + sizeof(double);

namespace {
/// What grows with the functions that are called.
struct FunctionMemory {
  uint64_t arena = 0, rows = 0, scratch = 0;

  void add(gemma::FunctionOp function) {
    arena = std::max<uint64_t>(arena, function.getArenaBytes().value_or(0));
    if (function.isForText() || function.getSymName() == GEMMAC_PREFILL_BLOCK) // others read no tables by row
      rows = std::max<uint64_t>(rows, function.getMaxRows());
    scratch = std::max<uint64_t>(scratch, function.getScratchBytes().value_or(0));
  }
  /// Arena, and table rows of the widest function.
  uint64_t working(const ProgramSummary &summary) const {
    return arena + rows * static_cast<uint64_t>(summary.tableRowBytes);
  }
};
} // namespace

WeightsBesideText weightsBesideText(ModuleOp module) {
  WeightsBesideText weights;
  auto functions = module.getOps<gemma::FunctionOp>();
  if (llvm::all_of(functions, [](gemma::FunctionOp function) { return function.isForText(); }))
    return weights;
  llvm::DenseSet<Attribute> readByText, readForPictures;
  for (gemma::FunctionOp function : functions)
    for (auto step : function.getBody().getOps<gemma::StepInterface>())
      for (const gemma::WeightUse &use : step.getWeightUses())
        if (function.isForText())
          readByText.insert(use.weight.getAttr());
        else if (function.getSymName().starts_with(GEMMAC_ENCODE_IMAGE))
          readForPictures.insert(use.weight.getAttr());
  for (auto packed : module.getOps<gemma::PackedOp>())
    if (packed.getLayout() != Layout::Table && !readByText.contains(packed.getSymNameAttr()))
      (readForPictures.contains(packed.getSymNameAttr()) ? weights.image : weights.audio).push_back(packed);
  return weights;
}

static uint64_t bytesOf(llvm::ArrayRef<gemma::PackedOp> weights) {
  uint64_t bytes = 0;
  for (gemma::PackedOp packed : weights)
    bytes += static_cast<uint64_t>(roundUp(packed.getBytes(), bufferAlign));
  return bytes;
}

/// Soft tokens that a program with towers keeps (runtime/src/encode/SoftRowsCache.h).
static uint64_t mediaCacheMemory(ModuleOp module, const ProgramSummary &summary) {
  auto functions = module.getOps<gemma::FunctionOp>();
  const bool towers = llvm::any_of(functions, [](gemma::FunctionOp function) { return function.isEncoder(); });
  return towers ? GEMMAC_MEDIA_CACHE_ROWS * sizeof(float) * static_cast<uint64_t>(summary.hidden) : 0;
}

gemmac_memory memoryOf(ModuleOp module, const ProgramSummary &summary, StackBytes stack) {
  FunctionMemory text, all;
  for (auto function : module.getOps<gemma::FunctionOp>()) {
    all.add(function);
    if (function.isForText())
      text.add(function);
  }
  gemmac_memory memory = {};
  memory.program = programMemory + samplerMemory * static_cast<uint64_t>(summary.vocab);
  memory.weights = static_cast<uint64_t>(summary.mappedBytes);
  const WeightsBesideText towers = weightsBesideText(module);
  memory.weights_image = bytesOf(towers.image);
  memory.weights_audio = bytesOf(towers.audio);
  memory.weights -= memory.weights_image + memory.weights_audio;
  memory.working = text.working(summary);
  memory.media = all.working(summary) - memory.working + mediaCacheMemory(module, summary);
  memory.thread = text.scratch + static_cast<uint64_t>(stack.text);
  memory.thread_media = all.scratch + static_cast<uint64_t>(stack.all) - memory.thread;
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
         gemmac_media_bytes(&summary.memory, GEMMAC_CONTRACT_THREADS, /*image=*/1, /*audio=*/1);
}

} // namespace gemmac
