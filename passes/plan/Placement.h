// Placing blocks of memory that live for known spans of time. Knows nothing of MLIR.
#ifndef GEMMAC_PASSES_PLAN_PLACEMENT_H
#define GEMMAC_PASSES_PLAN_PLACEMENT_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace gemmac {

/// One block: `bytes` in use at every time in [first, last].
struct Lifetime {
  int64_t bytes;
  int64_t first, last; ///< inclusive
  int64_t offset = -1; ///< set by placeByLiveness
};

/// Sets the offsets, multiples of `align`, so that blocks that live at one time never overlap. Each goes into the
/// smallest gap that holds it, else above all; largest first or longest-lived first, whichever needs less. Ties go to
/// the earlier block of the list, so that the result depends on the list alone.
/// \returns the bytes that hold all of them, a multiple of `align`; 0 for none.
int64_t placeByLiveness(llvm::MutableArrayRef<Lifetime> blocks, int64_t align);

} // namespace gemmac

#endif // GEMMAC_PASSES_PLAN_PLACEMENT_H
