#include "generate/Sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

using namespace gemmac::runtime;

static int32_t sampleOnce(std::vector<float> logits, SamplingOptions options, std::vector<int32_t> suppressed = {}) {
  return Sampler(static_cast<int64_t>(logits.size()), options, suppressed).sample(logits.data());
}

// How often each token comes up.
static std::map<int32_t, int> histogram(const std::vector<float> &logits, SamplingOptions options, int draws = 20000) {
  Sampler sampler(static_cast<int64_t>(logits.size()), options, {});
  std::map<int32_t, int> counts;
  for (int i = 0; i < draws; ++i)
    ++counts[sampler.sample(logits.data())];
  return counts;
}

TEST(Random, KnownNumbers) {
  // xoshiro256++ from the state that splitmix64 makes of seed 0: first outputs of the reference code.
  Random random(0);
  EXPECT_EQ(random.next(), 0x53175d61490b23dfu);
  EXPECT_EQ(random.next(), 0x61da6f3dc380d507u);
  EXPECT_EQ(random.next(), 0x5c0fdf91ec9a7bfcu);
}

TEST(Sampler, GreedyTakesTheLowestIdOfEquals) {
  EXPECT_EQ(sampleOnce({1, 3, 2, 3}, {}), 1);
  EXPECT_EQ(sampleOnce({-5, -4}, {}), 1);
}

TEST(Sampler, NoUsableLogit) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), none = -std::numeric_limits<float>::infinity();
  for (double temperature : {0.0, 1.0}) {
    EXPECT_EQ(sampleOnce({nan, nan}, {.temperature = temperature}), -1);
    EXPECT_EQ(sampleOnce({none, nan}, {.temperature = temperature, .topK = 1}), -1);
    EXPECT_EQ(sampleOnce({nan, 1, nan}, {.temperature = temperature}), 1);
  }
}

TEST(Sampler, Suppresses) {
  EXPECT_EQ(sampleOnce({1, 3, 2}, {}, {1}), 2);
  EXPECT_EQ(sampleOnce({1, 3, 2}, {.temperature = 1, .topK = 1}, {1, 2, 99, -1}), 0);
}

TEST(Sampler, SameSeedSameTokens) {
  std::vector<float> logits(1000);
  for (size_t i = 0; i < logits.size(); ++i)
    logits[i] = std::sin(static_cast<float>(i));
  for (double topP : {0.9, 1.0}) {
    const SamplingOptions options{.temperature = 1, .topK = 50, .topP = topP, .seed = 42};
    Sampler a(1000, options, {}), b(1000, options, {});
    std::set<int32_t> different;
    for (int i = 0; i < 200; ++i) {
      const int32_t token = a.sample(logits.data());
      EXPECT_EQ(token, b.sample(logits.data()));
      different.insert(token);
    }
    EXPECT_GT(different.size(), 10u);
  }
}

TEST(Sampler, FollowsTheDistribution) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f)};
  auto counts = histogram(logits, {.temperature = 1, .seed = 7});
  EXPECT_NEAR(counts[0], 10000, 300);
  EXPECT_NEAR(counts[1], 6000, 300);
  EXPECT_NEAR(counts[2], 4000, 300);
  // Temperature 2 takes square roots: 0.7071 : 0.5477 : 0.4472.
  counts = histogram(logits, {.temperature = 2, .seed = 7});
  EXPECT_NEAR(counts[0], 20000 * 0.4154, 300);
}

TEST(Sampler, TopKKeepsTheBest) {
  const std::vector<float> logits = {1, 4, 2, 5, 3, 5};
  auto counts = histogram(logits, {.temperature = 5, .topK = 3}, 2000);
  EXPECT_EQ(counts.size(), 3u);
  EXPECT_TRUE(counts.contains(1) && counts.contains(3) && counts.contains(5));
  // Of equals at the border the lower id stays.
  counts = histogram({2, 1, 1, 1}, {.temperature = 5, .topK = 2}, 2000);
  EXPECT_EQ(counts.size(), 2u);
  EXPECT_TRUE(counts.contains(0) && counts.contains(1));
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesIt) {
  const std::vector<float> logits = {std::log(0.2f), std::log(0.5f), std::log(0.3f)};
  EXPECT_EQ(histogram(logits, {.temperature = 1, .topP = 0.4}, 2000).size(), 1u);
  EXPECT_EQ(histogram(logits, {.temperature = 1, .topP = 0.6}, 2000).size(), 2u);
  EXPECT_EQ(histogram(logits, {.temperature = 1, .topP = 0.9}, 2000).size(), 3u);
  // Not even the first one "reaches" it; one token always stays.
  EXPECT_EQ(sampleOnce(logits, {.temperature = 1, .topP = 1e-9}), 1);
  EXPECT_EQ(sampleOnce(logits, {.temperature = 1, .topP = 0}), 1);
}

TEST(Sampler, TopPOverAFlatDistributionOfManyTokens) {
  const std::vector<float> logits(5000, 1.0f);
  auto counts = histogram(logits, {.temperature = 1, .topP = 0.5}, 2000);
  EXPECT_NEAR(static_cast<double>(counts.size()), 1377, 80); // 2500 (1 - e^-0.8) of the lower half
  EXPECT_LE(counts.rbegin()->first, 2501);
}

TEST(Sampler, MinPIsRelativeToTheBest) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f)};
  EXPECT_EQ(histogram(logits, {.temperature = 1, .minP = 0.5}, 2000).size(), 2u);
  EXPECT_EQ(histogram(logits, {.temperature = 1, .topP = 0.99, .minP = 0.5}, 2000).size(), 2u);
  EXPECT_EQ(histogram(logits, {.temperature = 1, .minP = 0.3}, 2000).size(), 3u);
  EXPECT_EQ(histogram(logits, {.temperature = 1, .minP = 1}, 2000).size(), 1u);
}

TEST(Sampler, RepetitionPenaltyWorksOnBothSigns) {
  const std::vector<float> logits = {3, 2, -1, -1.5f};
  Sampler sampler(4, {.repetitionPenalty = 2}, {});
  sampler.accept(0);
  sampler.accept(0); // counts once
  EXPECT_EQ(sampler.sample(logits.data()), 1);
  sampler.reset();
  EXPECT_EQ(sampler.sample(logits.data()), 0);
  Sampler negative(2, {.repetitionPenalty = 2}, {});
  negative.accept(0);
  const float below[] = {-1, -1.5f};
  EXPECT_EQ(negative.sample(below), 1);
}
