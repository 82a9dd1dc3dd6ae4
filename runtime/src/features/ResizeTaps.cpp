#include "features/ResizeTaps.h"

#include <algorithm>
#include <cmath>

// Products and sums round one by one, as the reference's do, on every architecture.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

namespace gemmac::runtime {

namespace {
/// The pixels [first, first + weights.size()) of the source that a pixel of the result sees.
struct Window {
  int64_t first = 0;
  std::vector<double> weights;
};
} // namespace

/// The weight of a pixel at a distance, the parameter a being -0.5.
static double cubic(double distance) {
  constexpr double a = -0.5;
  const double x = std::fabs(distance);
  if (x < 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

static Window windowOf(int64_t pixel, double scale, int64_t source) {
  const double widened = std::max(scale, 1.0), support = 2.0 * widened; // shrinking widens the filter
  const double center = (static_cast<double>(pixel) + 0.5) * scale;
  Window window;
  window.first = std::max<int64_t>(static_cast<int64_t>(center - support + 0.5), 0);
  const int64_t end = std::min<int64_t>(static_cast<int64_t>(center + support + 0.5), source);
  double sum = 0;
  for (int64_t i = window.first; i < end; ++i) {
    window.weights.push_back(cubic((static_cast<double>(i) - center + 0.5) / widened));
    sum += window.weights.back();
  }
  for (double &weight : window.weights)
    weight /= sum;
  return window;
}

static int32_t fixedPoint(double weight) {
  const double scaled = weight * (1 << 22);
  return static_cast<int32_t>(weight < 0 ? std::ceil(scaled - 0.5) : std::floor(scaled + 0.5));
}

ResizeTaps resizeTaps(int64_t source, int64_t result, int64_t copies, int64_t multiple) {
  const double scale = static_cast<double>(source) / static_cast<double>(result);
  ResizeTaps table;
  std::vector<Window> windows;
  windows.reserve(static_cast<size_t>(result));
  for (int64_t pixel = 0; pixel < result; ++pixel) {
    windows.push_back(windowOf(pixel, scale, source));
    table.taps = std::max(table.taps, static_cast<int64_t>(windows.back().weights.size()));
  }
  table.taps = (table.taps + multiple - 1) / multiple * multiple;
  table.weights.resize(static_cast<size_t>(result * table.taps * copies));
  const int64_t last = std::max<int64_t>(source - table.taps, 0);
  for (int64_t pixel = 0; pixel < result; ++pixel) {
    // All windows are equally long: at the end of the source one begins earlier, with weights of zero.
    const Window &window = windows[static_cast<size_t>(pixel)];
    const int64_t first = std::min(window.first, last);
    table.first.push_back(static_cast<int32_t>(first));
    int32_t *to = table.weights.data() + (pixel * table.taps + window.first - first) * copies;
    for (double weight : window.weights)
      to = std::fill_n(to, copies, fixedPoint(weight));
  }
  return table;
}

} // namespace gemmac::runtime
