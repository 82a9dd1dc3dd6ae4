// How large a picture or sound may be. Whoever decodes checks this before memory is allocated for what a header claims.
#ifndef GEMMAC_RUNTIME_LIMITS_H
#define GEMMAC_RUNTIME_LIMITS_H

#include <cstdint>

namespace gemmac::runtime {

struct MediaLimits {
  uint64_t pixels = uint64_t{64} << 20;   ///< of one picture, 4 bytes each
  uint32_t side = 65535;                  ///< width and height, in pixels
  uint32_t scans = 32;                    ///< of a progressive JPEG; each goes over all pixels, and costs a few bytes
  uint32_t frames = 10000;                ///< of an animation in GIF or WebP
  uint32_t videoFrames = 1000000;         ///< of other videos
  uint64_t bytes = uint64_t{1} << 30;     ///< of a file that is held in memory
  uint32_t seconds = 3600;                ///< of a sound or video
  uint64_t samples = uint64_t{256} << 20; ///< of a sound, channels counted once; 4 bytes each
  uint32_t channels = 64;                 ///< of a sound
  uint32_t rate = 768000;                 ///< of a sound, in samples per second
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_LIMITS_H
