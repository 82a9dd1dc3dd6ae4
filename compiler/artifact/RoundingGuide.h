// How weights are rounded to quantized formats, and who tells what their matrices are multiplied with.
#ifndef GEMMAC_COMPILER_ARTIFACT_ROUNDINGGUIDE_H
#define GEMMAC_COMPILER_ARTIFACT_ROUNDINGGUIDE_H

#include "compiler/artifact/PackedMatrix.h"
#include "compiler/artifact/RoundingFactor.h"

#include <memory>

namespace gemmac {

/// docs/quantization.md compares them. The last two need a guide; where it knows nothing of a matrix they search.
enum class Rounding {
  plain,    ///< the extreme value of a group stands for the end of the range
  search,   ///< the scale of least squared error
  weighted, ///< the same, columns weighted by how active their inputs are
  feedback, ///< each column makes good what earlier ones lost
};

/// In the order of Rounding; "feedback" is called by its usual name.
inline constexpr llvm::StringLiteral roundingNames[] = {"plain", "search", "weighted", "gptq"};
constexpr llvm::StringRef roundingName(Rounding rounding) { return roundingNames[static_cast<size_t>(rounding)]; }

class RoundingGuide {
public:
  virtual ~RoundingGuide() = default;
  /// What is known of the inputs of entry `batch` of a matrix; null for nothing. Called from any thread.
  virtual llvm::Expected<std::shared_ptr<const RoundingFactor>> factor(const PackedMatrix &matrix, int64_t batch) = 0;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_ROUNDINGGUIDE_H
