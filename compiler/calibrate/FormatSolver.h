// Which format each matrix gets, given what each costs in bytes and in quality. Knows nothing of matrices themselves.
#ifndef GEMMAC_COMPILER_CALIBRATE_FORMATSOLVER_H
#define GEMMAC_COMPILER_CALIBRATE_FORMATSOLVER_H

#include "dialects/formats/Format.h"

#include "llvm/ADT/ArrayRef.h"

#include <optional>
#include <string>
#include <vector>

namespace gemmac {

struct FormatOption {
  Format format = Format::F32;
  int64_t bytes = 0;     ///< in the program
  int64_t resident = 0;  ///< in memory while it runs: none for tables that are read by row
  double divergence = 0; ///< that it adds
};

struct FormatItem {
  std::string shape;                 ///< items of one shape share their kernels, one for each format
  std::vector<FormatOption> options; ///< at least one
};

/// What all items together may take; empty: any amount.
struct FormatBudget {
  std::optional<int64_t> bytes = {}, resident = {};
  std::optional<double> divergence = {};
};

struct FormatSolution {
  std::vector<size_t> chosen; ///< per item, index of its option
  int64_t bytes = 0, resident = 0;
  double divergence = 0;
  bool fits(const FormatBudget &budget) const;
};

enum class FormatGoal { leastDivergence, fewestBytes };

/// The solution that serves the goal best among those within the budget, with at most `formatsPerShape` formats among
/// the items of one shape. Greedy steps where a unit of the goal buys most of the budget, then exchanges between two
/// items as long as one helps: exact enough where no item dominates (compared with all choices in tests).
/// Deterministic; of equal steps the first item's. When nothing fits, the solution nearest to the budget: ask fits().
FormatSolution solveFormats(llvm::ArrayRef<FormatItem> items, FormatGoal goal, const FormatBudget &budget,
                            size_t formatsPerShape);

/// What given options add up to.
FormatSolution sumUp(llvm::ArrayRef<FormatItem> items, std::vector<size_t> chosen);

} // namespace gemmac

#endif // GEMMAC_COMPILER_CALIBRATE_FORMATSOLVER_H
