// What --max-rss changes and refuses, with a planner that adds up invented sizes.
#include "compiler/choose/MemoryLimit.h"

#include "compiler/artifact/MemoryModel.h"
#include "compiler/base/Errors.h"
#include "dialects/formats/CacheLayout.h"

#include <gtest/gtest.h>

using namespace gemmac;

static int64_t bitsOf(Format format) { return formatInfo(format).bits; }

/// Matrices of 100,000 bytes a bit, embeddings of 10,000, a cache of a byte for each position and bit, and 10 bytes for
/// each row of a chunk.
static llvm::Expected<ProgramSummary> plan(const CompileOptions &options) {
  auto cache = options.plan.caches.format;
  if (!isCacheFormat(cache))
    return llvm::createStringError("no such cache");
  ProgramSummary summary;
  summary.context = options.plan.caches.context;
  int64_t embeddings = bitsOf(options.formats.embeddings.value_or(Format::Q8));
  summary.memory.weights = static_cast<uint64_t>(100'000 * bitsOf(options.formats.weights) + 10'000 * embeddings);
  summary.memory.whole_cache = static_cast<uint64_t>(options.plan.caches.context * bitsOf(cache));
  summary.memory.working = static_cast<uint64_t>(10 * options.plan.functions.chunk);
  if (options.plan.functions.encoders)
    summary.memory.media = static_cast<uint64_t>(100 * options.plan.functions.imageTokens);
  return summary;
}

static CompileOptions options(uint64_t limit, OpenOptions open = {true, true, true, true}) {
  CompileOptions result;
  result.plan.functions.chunk = 128;
  result.plan.functions.encoders = false;
  result.plan.caches.context = 1024;
  result.plan.caches.format = Format::F32;
  result.formats.weights = Format::Q8;
  result.maxResident = limit;
  result.open = open;
  return result;
}

// q8, q8, f32, 128: 800,000 + 80,000 + 32,768 + 1,280
static constexpr uint64_t everything = 914'048;

static std::string changes(const CompileOptions &asked) {
  llvm::Expected<MemoryFit> fit = fitMemoryLimit(asked, plan);
  if (!fit)
    return llvm::toString(fit.takeError());
  EXPECT_LE(residentBytes(*plan(fit->options)), asked.maxResident ? asked.maxResident : UINT64_MAX);
  return fit->changes;
}

TEST(MemoryLimit, WhatFitsStaysAsItIs) {
  EXPECT_EQ(changes(options(0)), "");
  EXPECT_EQ(changes(options(everything)), "");
}

TEST(MemoryLimit, TakesTheMildestChange) {
  EXPECT_EQ(changes(options(everything - 1)), "--chunk 64");
  EXPECT_EQ(changes(options(everything - 1000)), "--chunk 16");
}

// A narrower cache saves enough alone; the smaller chunk that was tried before is taken back.
TEST(MemoryLimit, TakesBackWhatIsNotNeeded) {
  EXPECT_EQ(changes(options(everything - 10'000)), "--cache f16");
  EXPECT_EQ(changes(options(everything - 17'000)), "--chunk 64 --cache f16");     // 16,384 + 640
  EXPECT_EQ(changes(options(everything - 25'000)), "--chunk 64 --cache q8");      // 24,576 + 640
  EXPECT_EQ(changes(options(everything - 40'000)), "--cache q8 --embeddings q6"); // 24,576 + 20,000
  EXPECT_EQ(changes(options(everything - 400'000)), "--weights q4");
}

static CompileOptions withPictures(uint64_t limit, bool open) {
  CompileOptions result = options(limit, {true, true, true, true, open});
  result.plan.functions.encoders = true;
  result.plan.functions.imageTokens = 1120;
  return result;
}

TEST(MemoryLimit, MakesPicturesSmallerBeforeFormatsChange) {
  constexpr uint64_t all = everything + 112'000;
  EXPECT_EQ(changes(withPictures(all, true)), "");
  EXPECT_EQ(changes(withPictures(all - 5'000, true)), "--image-tokens 560");
  EXPECT_EQ(changes(withPictures(all - 84'000, true)), "--image-tokens 280");
  EXPECT_EQ(changes(withPictures(all - 90'000, true)), "--image-tokens 280 --cache f16"); // no smaller ones unasked
  EXPECT_EQ(changes(withPictures(all - 5'000, false)), "--cache f16");
}

TEST(MemoryLimit, TellsWhatPicturesTake) {
  std::string error = changes(withPictures(1000, false));
  EXPECT_NE(error.find("; pictures and sounds 109 KiB: weights "), std::string::npos) << error;
  EXPECT_NE(error.find("\n  --without image,audio would take: "), std::string::npos) << error;
  EXPECT_NE(error.find("--image-tokens 280"), std::string::npos) << error;
}

/// Towers of 20,000 bytes a bit (pictures) and 10,000 (sounds), in q12 unless asked otherwise.
static llvm::Expected<ProgramSummary> planWithTowers(const CompileOptions &options) {
  llvm::Expected<ProgramSummary> summary = plan(options);
  if (!summary || !options.plan.functions.encoders)
    return summary;
  summary->memory.weights_image = static_cast<uint64_t>(20'000 * bitsOf(options.formats.vision.value_or(Format::Q12)));
  summary->memory.weights_audio = static_cast<uint64_t>(10'000 * bitsOf(options.formats.audio.value_or(Format::Q12)));
  return summary;
}

/// What is chosen for a limit that is so much below what was asked for, where chunk, cache and pictures stay.
static std::string changesOfTowers(uint64_t missing, OpenOptions open, std::optional<Format> vision = {}) {
  CompileOptions asked = withPictures(0, false);
  asked.open = open;
  asked.formats.vision = vision;
  asked.maxResident = residentBytes(*planWithTowers(asked)) - missing;
  llvm::Expected<MemoryFit> fit = fitMemoryLimit(asked, planWithTowers);
  return fit ? fit->changes : llvm::toString(fit.takeError());
}

// Before embeddings and weights: text is what every answer needs.
TEST(MemoryLimit, TakesFewerBitsForTowersBeforeText) {
  const OpenOptions open = {.embeddings = true, .weights = true, .visionWeights = true, .audioWeights = true};
  EXPECT_EQ(changesOfTowers(1, open), "--vision-weights q8 --audio-weights q8");
  EXPECT_EQ(changesOfTowers(120'001, open), "--vision-weights q6 --audio-weights q6");
  EXPECT_EQ(changesOfTowers(240'000, open), "--vision-weights q4 --audio-weights q4");
  EXPECT_EQ(changesOfTowers(240'001, open), "--vision-weights q4 --audio-weights q4 --embeddings q6"); // no fewer
  EXPECT_EQ(changesOfTowers(400'000, open), "--vision-weights q5 --audio-weights q5 --weights q6");
}

TEST(MemoryLimit, LeavesATowerThatWasAskedFor) {
  const OpenOptions sounds = {.audioWeights = true};
  EXPECT_EQ(changesOfTowers(1, sounds, Format::Q12), "--audio-weights q8");
  std::string error = changesOfTowers(100'000, sounds, Format::Q6);
  EXPECT_NE(error.find("\n  --weights q6 would fit: "), std::string::npos) << error;
  error = changesOfTowers(1, {}, Format::Q6);
  EXPECT_NE(error.find("\n  --audio-weights q8 would fit: "), std::string::npos) << error;
  EXPECT_NE(error.find("\n  --without image,audio would fit: "), std::string::npos) << error;
}

TEST(MemoryLimit, LeavesAloneWhatWasAskedFor) {
  EXPECT_EQ(changes(options(everything - 1, {false, true, true, true})), "--cache f16");
  EXPECT_EQ(changes(options(everything - 40'000, {true, true, false, true})), "--weights q6");
}

TEST(MemoryLimit, RefusesAndTellsWhatWouldFit) {
  std::string error = changes(options(everything - 400'000, {true, true, true, false}));
  EXPECT_EQ(error.find("--max-rss: error: the program would keep 893 KiB (914048 bytes) resident, more than 502 KiB "
                       "(514048 bytes): weights 859 KiB, KV cache 32.0 KiB, "),
            0u)
      << error;
  EXPECT_NE(error.find("\n  --weights q4 would fit: 502 KiB (514048 bytes)"), std::string::npos) << error;
  EXPECT_EQ(error.find("--context"), std::string::npos) << error;
}

TEST(MemoryLimit, OffersAShorterContext) {
  std::string error = changes(options(everything - 20'000, {false, false, false, false}));
  EXPECT_NE(error.find("\n  --context 256 would fit"), std::string::npos) << error;
  EXPECT_NE(error.find("\n  --embeddings q6 would fit"), std::string::npos) << error;
  EXPECT_NE(error.find("\n  --cache q8 would fit"), std::string::npos) << error;
}

TEST(MemoryLimit, TellsTheLeastThereIs) {
  llvm::Expected<MemoryFit> fit = fitMemoryLimit(options(1000), plan);
  ASSERT_FALSE(fit);
  EXPECT_TRUE(fit.errorIsA<UsageError>());
  std::string error = llvm::toString(fit.takeError());
  EXPECT_NE(error.find(" would be the least, and too much: "), std::string::npos) << error;
  EXPECT_NE(error.find("--chunk 16 --cache q4 --embeddings q"), std::string::npos) << error;
  EXPECT_NE(error.find("--context 256"), std::string::npos) << error;
}
