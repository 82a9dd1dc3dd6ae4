#include "features/ResampleFilter.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

namespace gemmac::runtime {

namespace {
constexpr double pi = std::numbers::pi;
constexpr int64_t halfWidth = 64;   // periods of the lower rate
constexpr double stopBand = 100;    // dB
constexpr int64_t mostPhases = 640; // 11025 Hz needs as many
constexpr int64_t blended = 512;    // phases, where more would be needed: a line between two is off by 106 dB at most

/// Kaiser's design: from the attenuation and the length to the window's parameter and the width of the transition.
const double beta = 0.1102 * (stopBand - 8.7);
const double transition = (stopBand - 7.95) / (2.285 * 2 * pi * 2 * halfWidth); // of the lower rate
} // namespace

/// The modified Bessel function of order 0, by its power series.
static double bessel(double x) {
  double sum = 1, term = 1;
  for (int k = 1; term > sum * 1e-17; ++k) {
    term *= (x / 2 / k) * (x / 2 / k);
    sum += term;
  }
  return sum;
}

/// The filter at a distance in samples of the source. \param lower the lower rate, as a share of the source's.
static double weightAt(double distance, double lower, double scale) {
  const double reach = static_cast<double>(halfWidth) / lower, inWindow = distance / reach;
  if (std::fabs(inWindow) >= 1)
    return 0;
  const double cutOff = (1 - transition) * lower; // twice the frequency: the transition ends at half of the lower rate
  const double angle = pi * cutOff * distance;
  const double sinc = distance == 0 ? 1 : std::sin(angle) / angle;
  return cutOff * sinc * bessel(beta * std::sqrt(1 - inWindow * inWindow)) / scale;
}

ResampleFilter resampleFilter(int64_t from, int64_t to) {
  const int64_t divisor = std::gcd(from, to);
  ResampleFilter filter;
  filter.period = to / divisor;
  filter.step = from / divisor;
  filter.phases = filter.period <= mostPhases ? filter.period : blended;
  const double lower = std::min(1.0, static_cast<double>(to) / static_cast<double>(from));
  const int64_t half = (static_cast<int64_t>(std::ceil(static_cast<double>(halfWidth) / lower)) + 3) / 4 * 4;
  filter.taps = 2 * half;
  filter.before = half - 1;
  const double scale = bessel(beta);
  filter.weights.reserve(static_cast<size_t>((filter.phases + 1) * filter.taps));
  for (int64_t phase = 0; phase <= filter.phases; ++phase)
    for (int64_t tap = 0; tap < filter.taps; ++tap) {
      const double place = static_cast<double>(phase) / static_cast<double>(filter.phases);
      const double distance = place + static_cast<double>(filter.before - tap);
      filter.weights.push_back(static_cast<float>(weightAt(distance, lower, scale)));
    }
  for (int64_t i = 0; i < filter.period; ++i) {
    const int64_t rest = i * filter.step % filter.period * filter.phases;
    filter.first.push_back(static_cast<int32_t>(i * filter.step / filter.period));
    filter.phase.push_back(static_cast<int32_t>(rest / filter.period));
    filter.blend.push_back(static_cast<float>(rest % filter.period) / static_cast<float>(filter.period));
  }
  return filter;
}

} // namespace gemmac::runtime
