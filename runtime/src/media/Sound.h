// A decoded sound.
#ifndef GEMMAC_RUNTIME_SOUND_H
#define GEMMAC_RUNTIME_SOUND_H

#include <cstdint>
#include <string>
#include <vector>

namespace gemmac::runtime {

/// Mono at the rate of its file: full scale is -1 to 1, which floating-point files may exceed. Every sample is finite.
struct Sound {
  uint32_t rate = 0; ///< samples per second
  std::vector<float> samples;
  std::string note; ///< what people should know, such as that the file ends early; empty for most
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_SOUND_H
