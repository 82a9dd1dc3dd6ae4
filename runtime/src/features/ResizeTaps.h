// Weights of bicubic resizing with antialiasing, in the fixed point of spec 4.2.
#ifndef GEMMAC_RUNTIME_RESIZETAPS_H
#define GEMMAC_RUNTIME_RESIZETAPS_H

#include <cstdint>
#include <vector>

namespace gemmac::runtime {

/// For each pixel along one direction of the result, which of the source's it sees, and with what weights.
struct ResizeTaps {
  int64_t taps = 0;             ///< of each pixel, those with weight 0 included
  std::vector<int32_t> first;   ///< the first pixel of the source; first + taps <= max(source, taps)
  std::vector<int32_t> weights; ///< [result, taps, copies], times 2^22
};

/// \param source, result  pixels in this direction, at least 1.
/// \param copies          how many times each weight is written.
/// \param multiple        the taps are a multiple of it.
ResizeTaps resizeTaps(int64_t source, int64_t result, int64_t copies, int64_t multiple);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_RESIZETAPS_H
