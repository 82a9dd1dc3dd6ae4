#include "encode/SoundParts.h"

#include "features/Mel.h"
#include "features/Resample.h"

#include <algorithm>
#include <span>

namespace gemmac::runtime {

static double energy(std::span<const float> samples) {
  double sum = 0;
  for (float sample : samples)
    sum += static_cast<double>(sample) * static_cast<double>(sample);
  return sum;
}

/// Samples of a part, of a rest that is longer than `most`.
static size_t quietestCut(std::span<const float> rest, size_t rate, size_t most) {
  const size_t step = std::max<size_t>(rate / 100, 1), first = most - std::min(most - 1, 2 * rate);
  size_t best = most;
  double least = -1, before = -1;
  for (size_t at = first; at + step <= most; at += step) {
    const double here = energy(rest.subspan(at, step));
    if (before >= 0 && (least < 0 || before + here <= least)) {
      least = before + here;
      best = at; // between the two
    }
    before = here;
  }
  return best;
}

std::vector<Sound> soundParts(const Sound &sound) {
  const auto most = static_cast<size_t>(mostMelSamples / modelRate * sound.rate);
  std::vector<Sound> parts;
  std::span<const float> rest = sound.samples;
  while (parts.empty() || resampledLength(static_cast<int64_t>(rest.size()), sound.rate) >= leastMelSamples) {
    const size_t count = rest.size() <= most ? rest.size() : quietestCut(rest, sound.rate, most);
    parts.push_back({sound.rate, std::vector<float>(rest.begin(), rest.begin() + static_cast<ptrdiff_t>(count)), ""});
    rest = rest.subspan(count);
  }
  return parts;
}

} // namespace gemmac::runtime
