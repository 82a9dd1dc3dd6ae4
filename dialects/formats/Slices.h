// In which slices the sum of a product of a matrix with a row is taken: docs/spec/numerics.md states the order, and
// every target and the tests' references read the sizes here.
#ifndef GEMMAC_DIALECTS_FORMATS_SLICES_H
#define GEMMAC_DIALECTS_FORMATS_SLICES_H

#include <cstdint>

namespace gemmac {

/// A sum over `groups` groups of 32 columns, at least one, is cut into slices of neighbouring groups, so that a wide
/// machine can take them at the same time. Each slice is summed from 0 group by group; then slices are added as a
/// binary counter adds them, neighbours first: ((0+1)+(2+3))+((4+5)+(6+7)), and what is missing is left out.
struct Slices {
  int64_t groups;
  int64_t most = 8; ///< slices of a sum; 1 for one that is exact in any order

  constexpr int64_t per() const { return (groups + most - 1) / most; } ///< groups of a slice; the last may have fewer
  constexpr int64_t count() const { return (groups + per() - 1) / per(); }
};

} // namespace gemmac

#endif // GEMMAC_DIALECTS_FORMATS_SLICES_H
