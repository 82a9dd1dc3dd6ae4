// What a checkpoint's unquantized program tells about itself: which inputs its matrices see, and what it answers.
#ifndef GEMMAC_COMPILER_CALIBRATE_CALIBRATION_H
#define GEMMAC_COMPILER_CALIBRATE_CALIBRATION_H

#include "compiler/artifact/ProgramSummary.h"
#include "compiler/calibrate/CalibrationText.h"
#include "compiler/calibrate/Moments.h"
#include "compiler/calibrate/ProgramRunner.h"
#include "compiler/import/Model.h"

#include <functional>

namespace gemmac {

/// An observing program of this machine and what its compilation knows of it.
struct ObservingProgram {
  std::string path;
  ProgramSummary summary;
  MomentPlaces moments;
};

/// Called when another part of the work begins.
using CalibrationStage = std::function<void(llvm::StringRef name)>;

/// How much is read and written; from the costs of the program, so that large models take minutes, not hours.
struct CalibrationBudget {
  int64_t read = 0;      ///< tokens of text
  int64_t generated = 0; ///< tokens that the model writes itself
  int64_t measured = 0;  ///< of all these, tokens kept for comparing programs
  explicit CalibrationBudget(const ProgramSummary &summary);
};

/// Feeds text, and text that the model itself writes, through the observing program. One window of tokens in four is
/// kept aside: nothing is rounded by it, programs are compared on it.
class Calibration {
public:
  /// The program may be removed afterwards. Deterministic: the same program and text give the same moments and windows.
  static llvm::Expected<Calibration> run(const ProgramRunner &runner, const ObservingProgram &program,
                                         const Checkpoint &checkpoint, const CalibrationText &text,
                                         const CalibrationStage &stage);

  RoundingGuide &guide() { return *moments; }
  /// Compares a program of the same checkpoint with the unquantized one.
  llvm::Expected<ProgramQuality> measure(const ProgramRunner &runner, const std::string &program) const;

private:
  Calibration() = default;
  std::unique_ptr<Moments> moments;
  std::string measuredIds; ///< as `score --ids --lines` reads them
  std::string logits;      ///< file of the unquantized program's answer to them
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_CALIBRATE_CALIBRATION_H
