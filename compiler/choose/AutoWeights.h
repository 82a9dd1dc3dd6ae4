// --weights auto: from the user's limits to budgets of the search, and from the mix that it finds to options; errors
// that say what would fit. The search itself is compiler/calibrate/FormatSearch.h.
#ifndef GEMMAC_COMPILER_CHOOSE_AUTOWEIGHTS_H
#define GEMMAC_COMPILER_CHOOSE_AUTOWEIGHTS_H

#include "compiler/calibrate/FormatSearch.h"
#include "compiler/choose/MemoryLimit.h"
#include "compiler/choose/SizeLimit.h"

namespace gemmac {

/// --max-rss where the matrices' formats are open: changes --chunk and --cache as for a program in q4; where that
/// cannot fit in q3, then in q2. Formats stay as they are: the search gets the memory that is left.
llvm::Expected<MemoryFit> fitMemoryForAuto(const CompileOptions &options, const Planner &planner);

class AutoWeights {
public:
  /// \param options with their limits, kept; `fused` must outlive this.
  AutoWeights(CompileOptions options, mlir::ModuleOp fused, Planner planner, uint64_t tokenizerBytes)
      : options(std::move(options)), fused(fused), planner(std::move(planner)), tokenizerBytes(tokenizerBytes) {}

  /// Finds the open matrices. An error when there are none, or when not even their narrowest formats keep the limits.
  llvm::Error plan();
  /// The formats of a program that can hold every mix, for MixProgram.
  QuantizeOptions widestFormats() const;
  /// The matrices of that program, to be compared with what was compiled.
  const OpenMatrices &matrices() const { return open; }

  /// Measures how much each matrix matters.
  llvm::Error learn(FormatMeter meter);

  struct Choice {
    std::map<std::string, Format> formats; ///< by weight
    FormatChoiceSummary summary;           ///< all but the row of the choice itself
    FormatTrial trial;                     ///< this row, as far as it is known: its quality is a MixProgram's
  };
  /// \param elfBytes of the program, with the room that it is given; as far as known.
  llvm::Expected<Choice> choose(uint64_t elfBytes);

  /// For a finished program whose measured divergence is more than options.maxDivergence.
  static llvm::Error tooFarOff(const CompileOptions &options, const ProgramQuality &quality);

private:
  llvm::Expected<MatrixFormats> uniform(Format format) const;
  llvm::Expected<uint64_t> residentOf(const MatrixFormats &formats) const;
  llvm::Expected<FormatBudget> budgetFor(const FileParts &parts) const;
  llvm::Expected<FormatMix> withinBytes(const FileParts &parts);
  llvm::Error tooLarge(const FileParts &parts) const;
  llvm::Error unreachable(const FormatMix &best) const;

  CompileOptions options;
  mlir::ModuleOp fused;
  Planner planner;
  uint64_t tokenizerBytes;
  OpenMatrices open;
  MatrixFormats likeQ4; ///< what --weights q4 would give
  FormatMeter meter;
  std::optional<FormatSearch> search;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_CHOOSE_AUTOWEIGHTS_H
