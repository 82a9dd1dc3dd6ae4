// Number formats and the arithmetic of packing one panel.
#include "compiler/artifact/HalfFloat.h"
#include "compiler/artifact/PanelKernels.h"
#include "compiler/artifact/SourceKernels.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace gemmac;

TEST(HalfFloat, every_finite_half_round_trips) {
  for (uint32_t half = 0; half < 0x10000; ++half)
    if ((half & 0x7c00) != 0x7c00)
      ASSERT_EQ(floatToHalf(halfToFloat(static_cast<uint16_t>(half))), half);
}

TEST(HalfFloat, known_values) {
  EXPECT_EQ(halfToFloat(0x3c00), 1.0f);
  EXPECT_EQ(halfToFloat(0x0001), 0x1p-24f);
  EXPECT_EQ(halfToFloat(0x8001), -0x1p-24f);
  EXPECT_EQ(halfToFloat(0x7bff), 65504.0f);
  EXPECT_EQ(floatToHalf(65519.0f), 0x7bff);
  EXPECT_EQ(floatToHalf(65520.0f), 0x7c00);
  EXPECT_EQ(floatToHalf(-0.0f), 0x8000);
  EXPECT_EQ(floatToHalf(1.0f + 0x1p-11f), 0x3c00) << "a tie goes to the even neighbour";
  EXPECT_EQ(floatToHalf(1.0f + 3 * 0x1p-11f), 0x3c02);
  EXPECT_EQ(floatToHalf(0x1p-25f), 0x0000) << "a tie between 0 and the least subnormal";
  EXPECT_EQ(floatToHalf(0x1.8p-25f), 0x0001);
  EXPECT_EQ(floatToBFloat(1.0f + 0x1p-8f), 0x3f80);
  EXPECT_EQ(floatToBFloat(1.0f + 3 * 0x1p-8f), 0x3f82);
}

TEST(HalfFloat, rounds_to_the_nearest_half) {
  std::mt19937 random(3);
  for (int i = 0; i < 100000; ++i) {
    float value = std::ldexp(std::uniform_real_distribution<float>(-2, 2)(random),
                             std::uniform_int_distribution<int>(-26, 14)(random));
    float rounded = halfToFloat(floatToHalf(value));
    float step = std::max(std::ldexp(1.0f, std::ilogb(value) - 10), 0x1p-24f);
    ASSERT_LE(std::fabs(rounded - value), step / 2) << value;
  }
}

/// One row as its own panel. False when the format cannot hold it.
static bool packFloats(Format format, const std::vector<float> &values, uint8_t *result) {
  PackCounts counts;
  return packRow(format, {.values = values.data(), .padding = false}, static_cast<int64_t>(values.size()),
                 /*scaleBlocks=*/1, result, counts);
}

/// The error of quantizing `values` (32 of them) with one scale and the integers of `format`.
static double squaredError(Format format, const std::vector<float> &values, float scale) {
  const FormatInfo &info = formatInfo(format);
  double sum = 0;
  for (float value : values) {
    double rounded = scale == 0 ? 0
                                : std::clamp(std::nearbyint(value / scale), static_cast<float>(info.leastInteger()),
                                             static_cast<float>(info.largestInteger()));
    sum += (value - rounded * scale) * (value - rounded * scale);
  }
  return sum;
}

namespace {
struct SearchCase {
  Format format;
  double bound; ///< of the root mean square error on normal weights, relative to the plain scale
};
class ScaleSearch : public testing::TestWithParam<SearchCase> {};
} // namespace

// The search must beat the plain scale clearly over many groups. Other trials change the ratio; the present ones reach
// 0.927 (q6), 0.941 (q4), 0.931 (q3) and 0.922 (q2); bounds leave room for sampling.
TEST_P(ScaleSearch, beats_the_plain_scale) {
  auto [format, bound] = GetParam();
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  double found = 0, plain = 0;
  for (int group = 0; group < 4000; ++group) {
    std::vector<float> values(32);
    for (float &value : values)
      value = normal(random);
    uint8_t packed[34];
    ASSERT_TRUE(packFloats(format, values, packed));
    uint16_t half;
    std::memcpy(&half, packed + valueBytes(format, 1), 2);
    found += squaredError(format, values, halfToFloat(half));
    float extreme =
        *std::max_element(values.begin(), values.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); });
    plain += squaredError(format, values, extreme / static_cast<float>(formatInfo(format).leastInteger()));
  }
  EXPECT_LT(std::sqrt(found / plain), bound);
}

INSTANTIATE_TEST_SUITE_P(, ScaleSearch,
                         testing::Values(SearchCase{Format::Q6, 0.932}, SearchCase{Format::Q5, 0.94},
                                         SearchCase{Format::Q4, 0.945}, SearchCase{Format::Q3, 0.936},
                                         SearchCase{Format::Q2, 0.928}),
                         [](const auto &info) { return nameOf(info.param.format).str(); });

TEST(PanelKernels, q4_keeps_values_that_fit_exactly) {
  std::vector<float> values(32);
  for (int i = 0; i < 32; ++i)
    values[i] = 0.25f * static_cast<float>(i % 16 - 8);
  uint8_t packed[18];
  ASSERT_TRUE(packFloats(Format::Q4, values, packed));
  uint16_t half;
  std::memcpy(&half, packed + 16, 2);
  EXPECT_EQ(halfToFloat(half), 0.25f);
  for (int i = 0; i < 16; ++i)
    EXPECT_EQ(packed[i], i | i << 4) << i;
}

// f16 numbers have 11 bits and near zero fewer: a scale to nearest would clip extremes by up to half of themselves.
TEST(PanelKernels, q12_clips_no_extreme_of_small_groups) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (int exponent = 4; exponent > -16; --exponent)
    for (int trial = 0; trial < 100; ++trial) {
      std::vector<float> values(32);
      for (float &value : values)
        value = std::ldexp(uniform(random), exponent);
      uint8_t packed[50];
      ASSERT_TRUE(packFloats(Format::Q12, values, packed));
      uint16_t half;
      std::memcpy(&half, packed + 48, 2);
      const float scale = halfToFloat(half);
      float largest = 0;
      for (float value : values)
        largest = std::max(largest, std::fabs(value));
      EXPECT_GE(scale * 2047, largest * (1 - 0x1p-22f));
      EXPECT_LE(scale, std::max(largest / 2047 * (1 + 0x1p-10f), largest / 2047 + 0x1p-24f));
      for (int col = 0; col < 32; ++col) {
        int stored = packed[col] | (packed[32 + col % 16] >> (col < 16 ? 0 : 4) & 15) << 8;
        ASSERT_NEAR(static_cast<float>(stored - 2048) * scale, values[col], scale * 0.501f) << exponent << " " << col;
      }
    }
}

TEST(PanelKernels, zero_groups_have_scale_zero) {
  std::vector<float> zeros(64);
  for (float tiny : {0.0f, -0.0f, 0x1p-130f, -0x1p-26f}) {
    zeros[3] = tiny;
    uint8_t q6[52], q3[28], q2[20];
    ASSERT_TRUE(packFloats(Format::Q6, zeros, q6));
    ASSERT_TRUE(packFloats(Format::Q3, zeros, q3));
    ASSERT_TRUE(packFloats(Format::Q2, zeros, q2));
    for (int i = 0; i < 52; ++i) // 32: low bits 0, high bits 2
      EXPECT_EQ(q6[i], i % 26 < 16 ? 0 : i % 26 < 24 ? 0xaa : 0) << i << " " << tiny;
    for (int i = 0; i < 28; ++i) // 4: low bits 0, high bit 1
      EXPECT_EQ(q3[i], i % 14 < 8 ? 0 : i % 14 < 12 ? 0xff : 0) << i << " " << tiny;
    for (int i = 0; i < 20; ++i)
      EXPECT_EQ(q2[i], i % 10 < 8 ? 0xaa : 0) << i << " " << tiny;
    uint8_t q4[36], q8[68];
    ASSERT_TRUE(packFloats(Format::Q4, zeros, q4));
    ASSERT_TRUE(packFloats(Format::Q8, zeros, q8));
    for (int i = 0; i < 36; ++i)
      EXPECT_EQ(q4[i], i % 18 < 16 ? 0x88 : 0) << i << " " << tiny;
    for (int i = 0; i < 68; ++i)
      EXPECT_EQ(q8[i], 0) << i << " " << tiny;
  }
}

TEST(PanelKernels, refuses_what_16_bits_cannot_hold) {
  std::vector<float> row(32, 1.0f);
  uint8_t packed[128];
  row[5] = 1e6f;
  EXPECT_FALSE(packFloats(Format::F16, row, packed));
  EXPECT_FALSE(packFloats(Format::Q4, row, packed));
  EXPECT_TRUE(packFloats(Format::Q8, row, packed));
  EXPECT_TRUE(packFloats(Format::BF16, row, packed));
  EXPECT_TRUE(packFloats(Format::F32, row, packed));
  row[5] = 3.4e38f;
  EXPECT_FALSE(packFloats(Format::Q8, row, packed));
  EXPECT_FALSE(packFloats(Format::BF16, row, packed));
}

TEST(SourceKernels, finds_infinities_and_nans) {
  float result[3];
  uint16_t half[3] = {0x3c00, 0x7c00, 0}, nanHalf[3] = {0, 0, 0xfe00};
  uint16_t bfloat[3] = {0x3f80, 0x7f7f, 0xff80};
  float single[3] = {1, 3e38f, NAN};
  auto bytes = [](auto &array) { return reinterpret_cast<const uint8_t *>(array); };
  EXPECT_TRUE(decodeValues(Encoding::F16, bytes(half), 1, result));
  EXPECT_FALSE(decodeValues(Encoding::F16, bytes(half), 2, result));
  EXPECT_FALSE(decodeValues(Encoding::F16, bytes(nanHalf), 3, result));
  EXPECT_TRUE(decodeValues(Encoding::BF16, bytes(bfloat), 2, result));
  EXPECT_FALSE(decodeValues(Encoding::BF16, bytes(bfloat), 3, result));
  EXPECT_TRUE(decodeValues(Encoding::F32, bytes(single), 2, result));
  EXPECT_FALSE(decodeValues(Encoding::F32, bytes(single), 3, result));
}
