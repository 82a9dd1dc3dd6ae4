// The programs that run while another one is compiled: what weights are rounded by, formats
// chosen by, and quality known by.
#ifndef GEMMAC_COMPILER_COMPILE_MEASUREMENT_H
#define GEMMAC_COMPILER_COMPILE_MEASUREMENT_H

#include "compiler/artifact/ScratchDirectory.h"
#include "compiler/calibrate/Calibration.h"
#include "compiler/calibrate/MeasuringTarget.h"
#include "compiler/choose/AutoWeights.h"
#include "compiler/compile/Back.h"

namespace gemmac {

/// What is known of a finished program that runs while another one is compiled.
struct BuiltProgram {
  PlannedProgram program;
  ProgramFileInfo file;
};

class Measurement {
public:
  /// `options` are those of the compilation that this serves. They, `front` and `progress` must outlive it.
  Measurement(const CompileOptions &options, const Front &front, Progress &progress)
      : options(options), front(front), progress(progress), nativeTarget(measuringTarget(*options.native)) {}

  /// Compiles the checkpoint unquantized for this machine and lets the program tell what its matrices
  /// see. Nothing below works before.
  llvm::Error calibrate();
  RoundingGuide &guide() { return calibration->guide(); }
  /// What programs that run meanwhile are compiled for.
  const TargetBackend &target() const { return *nativeTarget; }
  std::string file(llvm::StringRef name) const { return scratch->file(name); }
  /// The ELF of the same program for this machine: its plan and its code anew, its weights are the same bytes.
  llvm::Expected<std::string> nativeTwin(Decided decided) const;
  /// Compares a program with the unquantized one.
  llvm::Expected<ProgramQuality> measure(const std::string &program) const;

  /// Compiles the program in which mixes of formats are measured. \param plan of the program that they are for.
  llvm::Error makeMixProgram(const AutoWeights &autoWeights, const PlanOptions &plan);
  /// Judges mixes of formats by that program; valid as long as this.
  FormatMeter meter();
  uint64_t mixElfBytes() const { return mixElf; }
  /// Frees its space on disk; nothing is measured with the meter any more.
  void removeMixProgram();

private:
  CompileOptions optionsFor(llvm::StringRef file, QuantizeOptions formats, PlanOptions plan) const;
  llvm::Expected<BuiltProgram> build(CompileOptions options, RoundingGuide *guide) const;
  Format unquantizedFormat() const;

  const CompileOptions &options;
  const Front &front;
  Progress &progress;
  std::unique_ptr<TargetBackend> nativeTarget;
  std::optional<ScratchDirectory> scratch;
  std::optional<Calibration> calibration;
  std::optional<MixProgram> mixProgram;
  uint64_t mixElf = 0;
  int64_t mixMultiplyAdds = 0;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_COMPILE_MEASUREMENT_H
