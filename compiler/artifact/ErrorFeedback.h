// Rounds panels of weights so that the error of each column is made good by later ones, as far as inputs go together
// (GPTQ). Writes the same formats as rounding each value by itself.
#ifndef GEMMAC_COMPILER_ARTIFACT_ERRORFEEDBACK_H
#define GEMMAC_COMPILER_ARTIFACT_ERRORFEEDBACK_H

#include "compiler/artifact/Lanes.h"
#include "compiler/artifact/PanelKernels.h"
#include "compiler/artifact/RoundingFactor.h"

#include <vector>

namespace gemmac {

/// Rounds one panel after the other; keeps its working memory. Rows do not depend on each other: a row's result is the
/// same in any panel, lane and thread.
class ErrorFeedback {
public:
  /// Fills `tiles`, one for each group of 32 columns. Of 13 scales for a group, each tried with the feedback inside the
  /// group, the one that costs least is taken. False when a scale is too large for f16.
  bool round(Format format, const PanelRows &rows, const RoundingFactor &factor,
             llvm::MutableArrayRef<QuantizedTile> tiles);

  /// What all errors since the beginning cost: the sum over rows of (w - q)^T H (w - q).
  double totalCost() const { return cost; }

private:
  double cost = 0;
  std::vector<Lanes> values, deviations; ///< per column: weights, weights less what they were rounded to
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_ERRORFEEDBACK_H
