// Sounds as the audio tower takes them: logarithms of mel magnitudes (spec 5.1).
#ifndef GEMMAC_RUNTIME_MEL_H
#define GEMMAC_RUNTIME_MEL_H

#include "features/FeatureKernels.h"

#include <span>

namespace gemmac::runtime {

constexpr int64_t melBins = 128;
constexpr int64_t mostMelSamples = 480000; ///< 30 s; what comes behind is cut
constexpr int64_t leastMelSamples = 161;   ///< fewer have no valid frame

struct MelSize {
  int64_t frames = 0; ///< those of the padded sound
  int64_t valid = 0;  ///< the first of them, whose samples are real; the others are zero
};

/// What a sound of this many samples at 16 kHz gives.
MelSize melSize(int64_t samples);

/// \returns usage where they are too few for a frame.
Status checkMelSamples(int64_t samples);

/// \param wave  mono at 16 kHz, in -1 to 1.
/// \param out   [frames, melBins].
/// Allocates 4 bytes for each sample and 1 MiB. The bits do not depend on the threads.
/// \returns usage when the sound is shorter than leastMelSamples; internal when `out` has another size.
Status melFeatures(const FeatureRunner &runner, std::span<const float> wave, std::span<float> out);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MEL_H
