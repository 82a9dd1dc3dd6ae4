// Long sounds in parts.
#include "encode/SoundParts.h"

#include <gtest/gtest.h>

using namespace gemmac::runtime;

static std::vector<size_t> lengths(const Sound &sound) {
  std::vector<size_t> result;
  for (const Sound &part : soundParts(sound)) {
    EXPECT_EQ(part.rate, sound.rate);
    result.push_back(part.samples.size());
  }
  return result;
}

TEST(SoundPartsTest, AreCutWhereItIsQuiet) {
  Sound sound{1000, std::vector<float>(70000, 0.5f), ""};
  std::fill(sound.samples.begin() + 28700, sound.samples.begin() + 28720, 0.0f);
  std::fill(sound.samples.begin() + 27000, sound.samples.begin() + 27500, 0.0f); // too far before the end
  EXPECT_EQ(lengths(sound), (std::vector<size_t>{28710, 29990, 11300}));
  std::vector<float> joined;
  for (const Sound &part : soundParts(sound))
    joined.insert(joined.end(), part.samples.begin(), part.samples.end());
  EXPECT_EQ(joined, sound.samples);
}

TEST(SoundPartsTest, ShortSoundsAreOne) {
  EXPECT_EQ(lengths({16000, std::vector<float>(480000), ""}), (std::vector<size_t>{480000}));
  EXPECT_EQ(lengths({16000, std::vector<float>(3), ""}), (std::vector<size_t>{3}));
}

// What is left is too short for the model to hear.
TEST(SoundPartsTest, ATailOfFewSamplesIsLeftOut) {
  Sound sound{16000, std::vector<float>(480000 + 100, 1.0f), ""};
  sound.samples[479840 - 1] = 0; // the quietest blocks meet before it and behind it; the latest counts
  const std::vector<size_t> parts = lengths(sound);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0] + parts[1], sound.samples.size());
  sound.samples.assign(480000 - 160 + 100, 1.0f);
  EXPECT_EQ(lengths(sound), (std::vector<size_t>{sound.samples.size()}));
}
