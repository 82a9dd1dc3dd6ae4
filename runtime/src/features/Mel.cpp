#include "features/Mel.h"

#include "base/Text.h"
#include "features/KernelCall.h"
#include "features/MelTables.h"

#include <algorithm>
#include <vector>

namespace gemmac::runtime {

namespace {
constexpr int64_t lead = 160, frameSpacing = 160, multiple = 128; // zeros in front; the end is padded to a multiple
constexpr int64_t cutWidth = 321;                                 // of which the last sample only tells validity
} // namespace

static int64_t paddedSamples(int64_t samples) { return lead + (samples + multiple - 1) / multiple * multiple; }

MelSize melSize(int64_t samples) {
  samples = std::clamp<int64_t>(samples, 0, mostMelSamples);
  MelSize size;
  if (paddedSamples(samples) >= cutWidth)
    size.frames = (paddedSamples(samples) - cutWidth) / frameSpacing + 1;
  size.valid = samples > 0 ? (samples - 1) / frameSpacing : 0;
  return size;
}

Status checkMelSamples(int64_t samples) {
  if (samples >= leastMelSamples)
    return {};
  return {ExitCode::usage, format("a sound of %lld samples: at least %lld are needed, 10 ms at 16 kHz",
                                  static_cast<long long>(samples), static_cast<long long>(leastMelSamples))};
}

Status melFeatures(const FeatureRunner &runner, std::span<const float> wave, std::span<float> out) {
  if (Status status = checkMelSamples(static_cast<int64_t>(wave.size())); !status.ok())
    return status;
  wave = wave.first(std::min(wave.size(), static_cast<size_t>(mostMelSamples)));
  const MelSize size = melSize(static_cast<int64_t>(wave.size()));
  if (static_cast<int64_t>(out.size()) != size.frames * melBins)
    return {ExitCode::internal, format("room for %zu mel values: expected %lld", out.size(),
                                       static_cast<long long>(size.frames * melBins))};
  std::vector<float> padded(static_cast<size_t>(paddedSamples(static_cast<int64_t>(wave.size()))));
  std::copy(wave.begin(), wave.end(), padded.begin() + lead);
  const MelTables tables = melTables();
  KernelBuffer<float, 1> samples(padded.data(), {static_cast<int64_t>(padded.size())});
  KernelBuffer<float, 2> transform(tables.transform.data(), {2 * MelTables::bins, MelTables::frame});
  KernelBuffer<float, 2> filters(tables.filters.data(), {melBins, MelTables::bins});
  KernelBuffer<float, 2> result(out.data(), {melBins, size.frames});
  KernelCall call(runner.threads);
  return call.status(runner.kernels.mel(&call, samples, transform, filters, static_cast<int32_t>(size.valid), result),
                     "mel features of a sound");
}

} // namespace gemmac::runtime
