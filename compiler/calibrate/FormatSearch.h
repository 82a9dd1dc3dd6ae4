// The search behind --weights auto: how much each matrix matters is measured, then a solver chooses formats, and what
// it chose is measured. docs/quantization.md tells the method.
#ifndef GEMMAC_COMPILER_CALIBRATE_FORMATSEARCH_H
#define GEMMAC_COMPILER_CALIBRATE_FORMATSEARCH_H

#include "compiler/calibrate/FormatSolver.h"
#include "compiler/calibrate/OpenMatrices.h"

#include <functional>

namespace gemmac {

/// How matrices and mixes of formats are judged.
struct FormatMeter {
  /// roundingLoss of a matrix; called from several threads.
  std::function<llvm::Expected<std::vector<double>>(const PackedMatrix &, llvm::ArrayRef<Format>)> loss;
  /// Runs a program whose matrices have these formats.
  std::function<llvm::Expected<ProgramQuality>(const MatrixFormats &)> measure;
  std::function<void(const std::string &)> stage; ///< another part of the work begins
  unsigned threads = 1;
  int64_t multiplyAdds = 0; ///< of the program, for a token: bounds how many mixes are measured
};

/// What the search found.
struct FormatMix {
  MatrixFormats formats;
  bool fits = false;
  double predicted = 0; ///< KL divergence of the whole program
  std::optional<ProgramQuality> measured = {};
};

class FormatSearch {
public:
  /// Matrices of one shape have at most so many formats: each is a kernel of its own, for every function and ISA level.
  static constexpr size_t formatsPerShape = 2;

  /// Both must outlive it.
  FormatSearch(const OpenMatrices &open, const FormatMeter &meter) : open(open), meter(meter) {}

  /// Measures the losses of every item and format, the widest mix, and for one group of items after the other what a
  /// lower format of the group costs. Nothing below works before.
  llvm::Error learn();
  /// Measures a mix for the report, which leastDivergence prefers to a worse one of the solver's.
  llvm::Error tryMix(const std::string &name, const MatrixFormats &formats);

  /// What the solver chooses, not measured. The budget is that of the whole program's matrices and divergence.
  FormatMix solve(FormatGoal goal, const FormatBudget &budget) const;
  /// The mix of least divergence within the budget, measured; where nothing fits, the nearest one, not measured.
  llvm::Expected<FormatMix> leastDivergence(const FormatBudget &budget);
  /// The mix of fewest bytes whose measured divergence is at most `limit`: predictions are corrected by what was
  /// measured, in a few rounds. Where nothing fits, the widest, measured.
  llvm::Expected<FormatMix> fewestBytes(double limit);

  /// What was measured for the report. The first is the widest mix, by the name of its format: --weights q8 gives it.
  const std::vector<FormatTrial> &trials() const { return rows; }

private:
  llvm::Error measureLosses();
  size_t probedOption(size_t item) const;
  std::vector<std::vector<size_t>> groups() const;
  llvm::Error probe(llvm::ArrayRef<size_t> group);
  llvm::Expected<ProgramQuality> measure(const MatrixFormats &formats);
  std::vector<FormatItem> solverItems() const;
  double predict(double increase) const;
  double predict(const MatrixFormats &formats) const;

  const OpenMatrices &open;
  const FormatMeter &meter;
  std::vector<std::vector<double>> losses; ///< by item and format
  std::vector<double> scales;              ///< by item: divergence that a loss of 1 would cause
  ProgramQuality base;                     ///< of the widest mix
  double correction = 1;                   ///< of predicted increases over the base, from mixes that were measured
  std::vector<std::pair<MatrixFormats, ProgramQuality>> known;
  std::vector<FormatTrial> rows;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_CALIBRATE_FORMATSEARCH_H
