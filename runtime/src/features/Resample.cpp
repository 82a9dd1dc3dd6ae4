#include "features/Resample.h"

#include "base/Text.h"
#include "features/KernelCall.h"
#include "features/ResampleFilter.h"

#include <algorithm>
#include <vector>

namespace gemmac::runtime {

static constexpr int64_t mostSamples = int64_t(1) << 28;

int64_t resampledLength(int64_t samples, int64_t rate) {
  if (samples < 0 || samples > mostSamples || rate < leastRate || rate > mostRate)
    return 0;
  return (samples * modelRate + rate - 1) / rate;
}

Status checkResampling(int64_t samples, int64_t rate) {
  if (rate < leastRate || rate > mostRate)
    return {ExitCode::usage,
            format("a sound of %lld samples a second: expected %lld to %lld", static_cast<long long>(rate),
                   static_cast<long long>(leastRate), static_cast<long long>(mostRate))};
  const int64_t length = resampledLength(samples, rate);
  if (samples > mostSamples || length > mostSamples)
    return {ExitCode::usage,
            format("a sound of %lld samples at %lld Hz: at most %lld are taken, before and after "
                   "resampling; cut it",
                   static_cast<long long>(samples), static_cast<long long>(rate), static_cast<long long>(mostSamples))};
  return {};
}

static Status check(int64_t samples, int64_t rate, int64_t room) {
  if (Status status = checkResampling(samples, rate); !status.ok())
    return status;
  const int64_t length = resampledLength(samples, rate);
  if (room != length)
    return {ExitCode::internal, format("room for %lld resampled samples: expected %lld", static_cast<long long>(room),
                                       static_cast<long long>(length))};
  return {};
}

Status resample(const FeatureRunner &runner, std::span<const float> wave, int64_t rate, std::span<float> out) {
  const int64_t samples = static_cast<int64_t>(wave.size()), length = static_cast<int64_t>(out.size());
  if (Status status = check(samples, rate, length); !status.ok() || samples == 0)
    return status;
  if (rate == modelRate) {
    std::copy(wave.begin(), wave.end(), out.begin());
    return {};
  }
  const ResampleFilter filter = resampleFilter(rate, modelRate);
  // As many zeros in front that the first tap of a place has its number, and behind so that the last place has all.
  const int64_t last = (length - 1) * rate / modelRate;
  std::vector<float> padded(static_cast<size_t>(std::max(last + filter.taps, filter.before + samples)));
  std::copy(wave.begin(), wave.end(), padded.begin() + filter.before);
  KernelBuffer<float, 1> source(padded.data(), {static_cast<int64_t>(padded.size())});
  KernelBuffer<float, 2> weights(filter.weights.data(), {filter.taps, filter.phases + 1});
  KernelBuffer<int32_t, 1> first(filter.first.data(), {filter.period});
  KernelBuffer<int32_t, 1> phase(filter.phase.data(), {filter.period});
  KernelBuffer<float, 1> blend(filter.blend.data(), {filter.period});
  KernelBuffer<float, 1> result(out.data(), {length});
  KernelCall call(runner.threads);
  return call.status(
      runner.kernels.resample(&call, source, weights, first, phase, blend, static_cast<int32_t>(filter.step), result),
      "resampling a sound");
}

} // namespace gemmac::runtime
