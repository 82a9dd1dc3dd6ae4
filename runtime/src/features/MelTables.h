// The two matrices of mel features (spec 5.1).
#ifndef GEMMAC_RUNTIME_MELTABLES_H
#define GEMMAC_RUNTIME_MELTABLES_H

#include <cstdint>
#include <vector>

namespace gemmac::runtime {

struct MelTables {
  static constexpr int64_t frame = 320; ///< samples of a frame
  static constexpr int64_t bins = 272;  ///< 257 bins of a transform of 512 samples, and zeros

  std::vector<float> transform; ///< [frame, 2 * bins]: the window times cosines, then times sines
  std::vector<float> filters;   ///< [bins, 128]: triangles of the HTK scale
};

MelTables melTables();

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MELTABLES_H
