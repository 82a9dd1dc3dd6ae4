// The programs that run while another one is compiled: what weights are rounded by, formats
// chosen by, and quality known by.
#ifndef GEMMAC_COMPILER_DRIVER_MEASUREMENT_H
#define GEMMAC_COMPILER_DRIVER_MEASUREMENT_H

#include "compiler/artifact/ProgramFile.h"
#include "compiler/artifact/ScratchDirectory.h"
#include "compiler/calibrate/Calibration.h"
#include "compiler/calibrate/MeasuringTarget.h"
#include "compiler/driver/AutoWeights.h"

namespace gemmac {

/// A finished program of this machine and what its compilation knows of it.
struct BuiltProgram {
  ProgramSummary summary;
  MomentPlaces moments; ///< of an observing program
  DataSection section;
  ProgramFileInfo file;
};

class Measurement {
public:
  /// Compiles a program. \param guide what weights are rounded by; may be null.
  using Build =
      std::function<llvm::Expected<BuiltProgram>(CompileOptions options, int64_t context, RoundingGuide *guide)>;
  using Stage = std::function<void(const std::string &name)>; ///< another part of the work begins

  /// `options` are those of the compilation that this serves. They and the checkpoint must outlive it.
  Measurement(const CompileOptions &options, const Checkpoint &checkpoint, Build build, Stage stage)
      : options(options), checkpoint(checkpoint), build(std::move(build)), stage(std::move(stage)),
        nativeTarget(measuringTarget(*options.native)) {}

  /// Compiles the checkpoint unquantized for this machine and lets the program tell what its matrices
  /// see. Nothing below works before.
  llvm::Error calibrate();
  RoundingGuide &guide() { return calibration->guide(); }
  /// What programs that run meanwhile are compiled for.
  const TargetBackend &target() const { return *nativeTarget; }
  std::string file(llvm::StringRef name) const { return scratch->file(name); }
  /// Compares a program with the unquantized one.
  llvm::Expected<ProgramQuality> measure(const std::string &program) const;

  /// Compiles the program in which mixes of formats are measured.
  llvm::Error makeMixProgram(const AutoWeights &autoWeights);
  /// Judges mixes of formats by that program; valid as long as this.
  FormatMeter meter();
  uint64_t mixElfBytes() const { return mixElf; }
  /// Frees its space on disk; nothing is measured with the meter any more.
  void removeMixProgram();

private:
  CompileOptions optionsFor(llvm::StringRef file, QuantizeOptions formats, PlanOptions plan) const;
  int64_t context() const;
  Format unquantizedFormat() const;

  const CompileOptions &options;
  const Checkpoint &checkpoint;
  Build build;
  Stage stage;
  std::unique_ptr<TargetBackend> nativeTarget;
  std::optional<ScratchDirectory> scratch;
  std::optional<Calibration> calibration;
  std::optional<MixProgram> mixProgram;
  uint64_t mixElf = 0;
  int64_t mixMultiplyAdds = 0;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_DRIVER_MEASUREMENT_H
