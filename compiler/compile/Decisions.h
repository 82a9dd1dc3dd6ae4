// The stage of a compilation in which gemmac decides what the user left to it. It has an input, the fused module and
// the options that were asked for, and an output, options of which nothing is open.
#ifndef GEMMAC_COMPILER_COMPILE_DECISIONS_H
#define GEMMAC_COMPILER_COMPILE_DECISIONS_H

#include "compiler/choose/AutoWeights.h"
#include "compiler/compile/Decided.h"
#include "compiler/compile/Measurement.h"

namespace gemmac {

class Decisions {
public:
  /// `front`, which is built, and `progress` must outlive it.
  Decisions(const Front &front, CompileOptions asked, Progress &progress)
      : front(front), asked(std::move(asked)), progress(progress) {}

  /// In this order: what --max-rss demands of chunk, caches and formats; calibration, where something is measured;
  /// the formats of --weights auto. Errors: UsageError when a limit cannot be kept.
  llvm::Expected<Decided> decide();

  /// --weights auto once more, for a program whose code takes more than was known when formats were chosen: a mix of
  /// formats has more kernels than the program that was measured.
  llvm::Expected<Decided> decideAgain(uint64_t elfBytes);
  bool canDecideAgain() const { return autoWeights.has_value(); }

  /// Space for the ELF of a program: what is measured is linked again, with a longer report.
  uint64_t elfRoom(uint64_t elfBytes) const;
  /// Plans the fused module with other options.
  Planner planner() const;
  /// The programs that run meanwhile; null where none does.
  Measurement *measuring() { return measurement ? &*measurement : nullptr; }

private:
  llvm::Error keepMemoryLimit();
  llvm::Error measureFormats();

  const Front &front;
  CompileOptions asked;
  Progress &progress;
  Decided decided; ///< formats of --weights auto apart
  std::optional<Measurement> measurement;
  std::optional<AutoWeights> autoWeights;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_COMPILE_DECISIONS_H
