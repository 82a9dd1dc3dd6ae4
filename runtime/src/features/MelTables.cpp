#include "features/MelTables.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

namespace gemmac::runtime {

namespace {
constexpr int64_t length = 512, used = length / 2 + 1, mels = 128;
constexpr double rate = 16000;
} // namespace

static std::vector<float> transformTable() {
  std::array<double, length> cosines;
  for (int64_t i = 0; i < length; ++i)
    cosines[static_cast<size_t>(i)] = std::cos(2 * std::numbers::pi * static_cast<double>(i) / length);
  auto cosine = [&](int64_t turn) { return cosines[static_cast<size_t>(turn % length)]; };
  std::vector<float> table(static_cast<size_t>(MelTables::frame * 2 * MelTables::bins));
  for (int64_t i = 0; i < MelTables::frame; ++i) {
    const double turn = 2 * std::numbers::pi * static_cast<double>(i) / MelTables::frame;
    const float window = static_cast<float>(0.5 - 0.5 * std::cos(turn)); // rounded, as the reference's is
    float *row = table.data() + i * 2 * MelTables::bins;
    for (int64_t bin = 0; bin < used; ++bin) {
      row[bin] = static_cast<float>(window * cosine(bin * i));
      row[MelTables::bins + bin] = static_cast<float>(window * cosine(bin * i + 3 * length / 4)); // the sine
    }
  }
  return table;
}

static std::vector<float> filterTable() {
  const double top = 2595.0 * std::log10(1.0 + rate / 2 / 700.0);
  std::array<double, mels + 2> edges;
  for (size_t i = 0; i < edges.size(); ++i)
    edges[i] = 700.0 * (std::pow(10.0, top * static_cast<double>(i) / (mels + 1) / 2595.0) - 1.0);
  std::vector<float> table(static_cast<size_t>(MelTables::bins * mels));
  for (int64_t bin = 0; bin < used; ++bin) {
    const double hertz = static_cast<double>(bin) * rate / length;
    for (size_t mel = 0; mel < mels; ++mel) {
      const double rising = (hertz - edges[mel]) / (edges[mel + 1] - edges[mel]);
      const double falling = (edges[mel + 2] - hertz) / (edges[mel + 2] - edges[mel + 1]);
      table[static_cast<size_t>(bin * mels) + mel] = static_cast<float>(std::max(0.0, std::min(rising, falling)));
    }
  }
  return table;
}

MelTables melTables() { return {transformTable(), filterTable()}; }

} // namespace gemmac::runtime
