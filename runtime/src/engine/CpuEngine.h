// The engine of processors: emitted machine code, run by a group of threads over memory of this process.
#ifndef GEMMAC_RUNTIME_CPUENGINE_H
#define GEMMAC_RUNTIME_CPUENGINE_H

#include "engine/Engine.h"
#include "engine/Processors.h"
#include "engine/StepTimes.h"
#include "engine/ThreadPlan.h"
#include "program/ProgramFile.h"

#include <optional>

namespace gemmac::runtime {

/// All memory is one reservation made by open(); pages are only touched as they are used.
class CpuEngine final : public Engine {
public:
  CpuEngine() = default;
  ~CpuEngine() override;
  CpuEngine(const CpuEngine &) = delete;
  CpuEngine &operator=(const CpuEngine &) = delete;

  /// Chooses the ISA level, starts the threads, maps the weights, reserves memory.
  Status open(const gemmac_program &program, const ProgramFile &file, const EngineOptions &options) override;

  const gemmac_program &program() const override { return *compiled; }
  const TextFunctions &functions() const override { return *textFunctions; }
  int64_t slots() const override { return compiled->slots; }
  int64_t context() const override { return contextLimit; }
  int64_t maxRows(const gemmac_function &function) const override;
  Status run(const gemmac_function &function, std::span<const gemmac_row> rows, Logits &logits,
             const Cancel *cancel = nullptr, Progress *progress = nullptr) override;
  void announce(std::span<const int32_t> tokens) const override;
  /// The sums of an observing program stay.
  void clear(int64_t slot) override;
  void copy(int64_t from, int64_t to) override;
  Snapshot save(int64_t slot) const override;
  Status restore(int64_t slot, const Snapshot &snapshot) override;
  void occupy(int64_t slot) override;
  EngineMemory memory() const override;
  std::string describe() const override;

  // What only processors have, for reports and measurements.

  const gemmac_code &level() const { return *chosenLevel; }
  const Processors &processors() const { return found; }
  const ThreadPlan &threads() const { return *plan; }
  ThreadPool &threadPool() { return pool; }
  /// The packed weights, as emitted code reads them.
  std::span<const uint8_t> mappedWeights() const {
    return {weights.data(), static_cast<size_t>(compiled->mapped_bytes)};
  }
  /// Second moments that an observing program has added up since open(); empty for others.
  std::span<const uint8_t> moments() const { return {caches + compiled->moments.offset, compiled->moments.bytes}; }
  /// Counts the steps of all calls from now on in `times`, which must outlive them; null: no longer.
  void countSteps(StepTimes *times) { stepTimes = times; }

private:
  ValueRows rowsOf(const gemmac_value &value) const override;
  Status startThreads(const EngineOptions &options);
  Status checkOptions(const EngineOptions &options);
  Status reserve();
  Status readTableRows(std::span<const gemmac_row> rows);
  bool callFunction(const gemmac_function &function, std::span<const gemmac_row> rows, CallWatch *watch);
  Logits logitsOf(const gemmac_function &function) const;
  void findRuns(std::span<const gemmac_row> rows);
  std::span<uint8_t> cacheOf(int64_t slot) const;
  uint64_t cacheOrigin() const;

  const gemmac_program *compiled = nullptr;
  std::optional<TextFunctions> textFunctions;
  const ProgramFile *programFile = nullptr;
  const gemmac_code *chosenLevel = nullptr;
  Processors found;
  std::optional<ThreadPlan> plan;
  ThreadPool pool;
  Mapping weights;
  StepTimes *stepTimes = nullptr;
  int64_t chunk = 0, contextLimit = 0;
  void *memoryBegin = nullptr;
  size_t memoryBytes = 0;
  uint8_t *arena = nullptr, *scratch = nullptr, *caches = nullptr, *tableRows = nullptr; // parts of it
  std::vector<gemmac_run> runs;                                                          // of a call
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_CPUENGINE_H
