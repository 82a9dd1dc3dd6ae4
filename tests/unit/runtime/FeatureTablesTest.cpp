// Sizes and tables of runtime/src/features.
#include "features/Image.h"
#include "features/Mel.h"
#include "features/MelTables.h"
#include "features/Resample.h"
#include "features/ResampleFilter.h"
#include "features/ResizeTaps.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>

using namespace gemmac::runtime;

static ImageSize target(int64_t height, int64_t width, int64_t budget) {
  ImageSize size;
  EXPECT_TRUE(targetSize({height, width}, {}, budget, size).ok()) << width << " x " << height;
  return size;
}

TEST(ImageSize, ExamplesOfTheSpec) {
  EXPECT_EQ(target(170, 250, 280), (ImageSize{624, 960}));
  EXPECT_EQ(target(1000, 640, 280), (ImageSize{960, 624}));
  EXPECT_EQ(target(97, 401, 280), (ImageSize{384, 1632}));
  EXPECT_EQ(target(40, 1200, 280), (ImageSize{144, 4368}));
}

TEST(ImageSize, LongPicturesAreOneUnitHigh) {
  EXPECT_EQ(target(1, 1000, 70), (ImageSize{48, 70 * 48}));
  EXPECT_EQ(target(100000, 1, 1120), (ImageSize{1120 * 48, 48}));
}

TEST(ImageSize, Refusals) {
  ImageSize size;
  for (ImageSize bad : {ImageSize{0, 5}, ImageSize{5, -1}, ImageSize{131073, 1}, ImageSize{131072, 131072},
                        ImageSize{INT64_MAX, INT64_MAX}}) {
    Status status = targetSize(bad, {}, 280, size);
    EXPECT_EQ(status.code(), ExitCode::usage);
    EXPECT_NE(status.message().find("131072"), std::string::npos) << status.message();
  }
  EXPECT_EQ(targetSize({10, 10}, {}, 0, size).code(), ExitCode::usage);
  EXPECT_EQ(targetSize({10, 10}, {}, 1121, size).code(), ExitCode::usage);
  // Cells of thousands of pixels: the size is told.
  for (auto [grid, picture] : {std::pair(PatchGrid{256, 64}, ImageSize{10, 10}), {PatchGrid{256, 1}, {1, 1000}}}) {
    Status status = targetSize(picture, grid, 1120, size);
    EXPECT_EQ(status.code(), ExitCode::usage);
    EXPECT_NE(status.message().find("fewer soft tokens than 1120"), std::string::npos) << status.message();
  }
  EXPECT_TRUE(targetSize({1, 1000}, {256, 1}, 512, size).ok());
  EXPECT_EQ(size, (ImageSize{256, 131072}));
}

TEST(ResizeTaps, WeightsOfAWindowSumToOne) {
  for (auto [source, result] : {std::pair(1, 48), {3, 48}, {48, 48}, {50, 48}, {4000, 960}, {131072, 48}}) {
    const ResizeTaps taps = resizeTaps(source, result, 1, 2);
    EXPECT_EQ(taps.taps % 2, 0);
    ASSERT_EQ(taps.first.size(), static_cast<size_t>(result));
    ASSERT_EQ(taps.weights.size(), static_cast<size_t>(result * taps.taps));
    for (int64_t i = 0; i < result; ++i) {
      auto begin = taps.weights.begin() + i * taps.taps;
      EXPECT_NEAR(std::accumulate(begin, begin + taps.taps, 0.0), 1 << 22, static_cast<double>(taps.taps)) << i;
      EXPECT_GE(taps.first[static_cast<size_t>(i)], 0);
      EXPECT_LE(taps.first[static_cast<size_t>(i)] + taps.taps, std::max<int64_t>(source, taps.taps));
    }
  }
}

TEST(ResizeTaps, TheSameSizeChangesNothing) {
  const ResizeTaps taps = resizeTaps(100, 100, 1, 1);
  for (int64_t i = 0; i < 100; ++i)
    for (int64_t tap = 0; tap < taps.taps; ++tap)
      EXPECT_EQ(taps.weights[static_cast<size_t>(i * taps.taps + tap)],
                taps.first[static_cast<size_t>(i)] + tap == i ? 1 << 22 : 0);
}

TEST(MelSize, FramesAndValidity) {
  auto is = [](int64_t samples, int64_t frames, int64_t valid) {
    const MelSize size = melSize(samples);
    EXPECT_EQ(size.frames, frames) << samples;
    EXPECT_EQ(size.valid, valid) << samples;
  };
  is(0, 0, 0);
  is(128, 0, 0);
  is(129, 1, 0);
  is(160, 1, 0);
  is(161, 1, 1);
  is(16000, 99, 99);
  is(480000, 2999, 2999);
  is(480001, 2999, 2999);
}

TEST(MelTables, FilterZeroIsEmptyAndPeaksAreBelowOne) {
  const MelTables tables = melTables();
  for (size_t bin = 0; bin < MelTables::bins; ++bin)
    EXPECT_EQ(tables.filters[bin * melBins], 0);
  EXPECT_LE(*std::max_element(tables.filters.begin(), tables.filters.end()), 1);
  EXPECT_EQ(tables.transform[160 * 2 * MelTables::bins], 1); // the window's middle, the constant wave
}

TEST(ResampleFilter, PhasesOfRates) {
  auto is = [](int64_t from, int64_t period, int64_t step, int64_t phases, int64_t taps) {
    const ResampleFilter filter = resampleFilter(from, modelRate);
    EXPECT_EQ(filter.period, period) << from;
    EXPECT_EQ(filter.step, step) << from;
    EXPECT_EQ(filter.phases, phases) << from;
    EXPECT_EQ(filter.taps, taps) << from;
    EXPECT_EQ(filter.weights.size(), static_cast<size_t>((phases + 1) * taps)) << from;
  };
  is(48000, 1, 3, 1, 384);
  is(44100, 160, 441, 160, 360);
  is(8000, 2, 1, 2, 128);
  is(11025, 640, 441, 640, 128);
  is(44101, 16000, 44101, 512, 360);
}

TEST(ResampleFilter, EachPhaseKeepsTheMean) {
  const ResampleFilter filter = resampleFilter(44100, modelRate);
  for (int64_t phase = 0; phase <= filter.phases; ++phase) {
    auto begin = filter.weights.begin() + phase * filter.taps;
    EXPECT_NEAR(std::accumulate(begin, begin + filter.taps, 0.0), 1, 2e-5) << phase;
  }
}
