// Sound of any rate brought to the 16 kHz that the models hear.
#ifndef GEMMAC_RUNTIME_RESAMPLE_H
#define GEMMAC_RUNTIME_RESAMPLE_H

#include "features/FeatureKernels.h"

#include <span>

namespace gemmac::runtime {

constexpr int64_t modelRate = 16000, leastRate = 1000, mostRate = 768000;

/// Samples at 16 kHz that `samples` at `rate` give: the quotient rounded up. 0 for rates that resample() refuses.
int64_t resampledLength(int64_t samples, int64_t rate);

/// Whether resample() takes so many samples at that rate. \returns usage where it does not.
Status checkResampling(int64_t samples, int64_t rate);

/// A low pass at both rates: a sinc in a Kaiser window (beta 10.06) of 64 periods of the lower rate to either side.
/// What lies above half of the lower rate is 100 dB down, what lies below 0.45 of it is kept; the sinc's own cut-off is
/// in the middle of the two. Outside of the sound there is silence. At 16 kHz the samples are copied.
/// \param wave  mono; \param rate in Hz, leastRate to mostRate.
/// \param out   resampledLength() samples.
/// Allocates 4 bytes for each sample of `wave` and the filter: at most 16 MiB.
/// \returns what checkResampling() says, which more than 2^28 samples on either side fail; internal when `out` has
/// another size.
Status resample(const FeatureRunner &runner, std::span<const float> wave, int64_t rate, std::span<float> out);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_RESAMPLE_H
