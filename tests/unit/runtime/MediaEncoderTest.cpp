// MediaEncoder: what the functions of towers get, and who gets what they give. The towers here write their inputs out.
#include "encode/MediaEncoder.h"
#include "FakeProgram.h"
#include "base/Cancel.h"
#include "encode/MediaPlan.h"
#include "engine/CpuEngine.h"
#include "engine/MemoryLimit.h"
#include "features/Image.h"
#include "features/Mel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <optional>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {
constexpr int64_t hidden = 32, elements = 768, most = 1120, outputBytes = hidden * 4;
constexpr int64_t patchesAt = 1 << 16, positionsAt = patchesAt + most * 9 * elements * 4,
                  outputAt = positionsAt + most * 9 * 128, arenaBytes = outputAt + most * outputBytes;

/// How often a tower ran.
int calls;

/// [sum of the values of all patches, then column and row of each].
void encodeImage(const gemmac_call *call, int64_t thread) {
  calls += thread == 0;
  for (int meeting = 0; meeting < 3; ++meeting)
    gemmac_barrier(call, thread);
  for (int64_t row = 0; thread == 0 && row < call->row_count; ++row) {
    auto *out = reinterpret_cast<float *>(call->arena + outputAt + row * outputBytes);
    out[0] = 0;
    for (int64_t i = 0; i < 9 * elements; ++i)
      out[0] += reinterpret_cast<const float *>(call->arena + patchesAt)[row * 9 * elements + i];
    for (int64_t patch = 0; patch < 9; ++patch)
      for (int64_t axis = 0; axis < 2; ++axis)
        out[1 + patch * 2 + axis] = static_cast<float>(
            reinterpret_cast<const int32_t *>(call->arena + positionsAt + (row * 9 + patch) * 128)[axis]);
  }
}

/// [valid frames, sum of what they hold, sum of what the others hold].
void encodeAudio(const gemmac_call *call, int64_t thread) {
  calls += thread == 0;
  for (int64_t row = 0; thread == 0 && row < call->row_count; ++row) {
    auto *out = reinterpret_cast<float *>(call->arena + outputAt + row * outputBytes);
    out[0] = out[1] = out[2] = 0;
    for (int64_t frame = row * 4; frame < row * 4 + 4; ++frame) {
      const bool valid = reinterpret_cast<const int32_t *>(call->arena + positionsAt + frame * 128)[0];
      out[0] += static_cast<float>(valid);
      for (int64_t i = 0; i < melBins; ++i)
        out[valid ? 1 : 2] += reinterpret_cast<const float *>(call->arena + patchesAt)[frame * melBins + i];
    }
  }
}

constexpr int64_t pixels = 9 * elements, frame = 640;

/// Without an encoder: [sum of the values of the patch, its column and row].
void embedPatch(const gemmac_call *call, int64_t thread) {
  for (int64_t row = 0; thread == 0 && row < call->row_count; ++row) {
    auto *out = reinterpret_cast<float *>(call->arena + outputAt + row * outputBytes);
    const auto *values = reinterpret_cast<const float *>(call->arena + patchesAt) + row * pixels;
    const auto *place = reinterpret_cast<const int32_t *>(call->arena + positionsAt + row * 128);
    out[0] = std::accumulate(values, values + pixels, 0.0f);
    out[1] = static_cast<float>(place[0]);
    out[2] = static_cast<float>(place[1]);
  }
}

/// [first sample, last sample, rows of the call].
void embedSamples(const gemmac_call *call, int64_t thread) {
  for (int64_t row = 0; thread == 0 && row < call->row_count; ++row) {
    auto *out = reinterpret_cast<float *>(call->arena + outputAt + row * outputBytes);
    const auto *values = reinterpret_cast<const float *>(call->arena + patchesAt) + row * frame;
    out[0] = values[0];
    out[1] = values[frame - 1];
    out[2] = static_cast<float>(call->row_count);
  }
}

constexpr gemmac_value patchInputs[] = {{"patches", patchesAt, pixels * 4, pixels, 1, GEMMAC_F32},
                                        {GEMMAC_PLACES, positionsAt, 128, 32, 1, GEMMAC_I32}},
                       sampleInput = {GEMMAC_SAMPLES, patchesAt, frame * 4, frame, 1, GEMMAC_F32};

constexpr gemmac_value imageInputs[] = {{"patches", patchesAt, elements * 4, elements, 9, GEMMAC_F32},
                                        {GEMMAC_PLACES, positionsAt, 128, 32, 9, GEMMAC_I32}},
                       audioInputs[] = {{"mel", patchesAt, melBins * 4, melBins, 4, GEMMAC_F32},
                                        {"valid", positionsAt, 128, 32, 4, GEMMAC_I32}},
                       output = {GEMMAC_SOFT_TOKENS, outputAt, outputBytes, hidden, 1, GEMMAC_F32};

struct MediaEncoderTest : testing::Test {
  std::vector<gemmac_function> functions{test::fakeFunctions.begin(), test::fakeFunctions.end()};
  std::vector<gemmac_function_fn> runs;
  gemmac_code code = {"base", GEMMAC_CODE_CPU, 0, nullptr};
  gemmac_program program = test::fakeProgram();
  ProgramFile file;
  CpuEngine engine;
  Cancel cancel;
  Progress *progress = nullptr;
  std::optional<MediaEncoder> encoder;
  std::shared_ptr<const SoftRows> rows;

  /// A program whose pictures and sounds have no encoders.
  void openUnified() {
    functions.push_back({"encode_image_70", 70, 2, patchInputs, 1, &output, 0, 0, 0, {}});
    functions.push_back({"encode_audio", 8, 1, &sampleInput, 1, &output, 0, 0, 0, {}});
    program.media = {3, 4, 5, 6, 7, 8, 48, 1, 80, 70, 9, frame};
    openWith({embedPatch, embedSamples});
  }
  void open(bool towers = true) {
    program.media = {3, 4, 5, 6, 7, 8, 16, 3, 1024, 70, -1, 0};
    if (!towers)
      return openWith({});
    for (auto [name, most] : {std::pair{"encode_image_280", 280}, {"encode_image_70", 70}})
      functions.push_back({name, most, 2, imageInputs, 1, &output, 0, 0, 3, {}});
    functions.push_back({"encode_audio", 750, 2, audioInputs, 1, &output, 0, 0, 0, {}});
    openWith({encodeImage, encodeImage, encodeAudio});
  }
  void openWith(std::initializer_list<gemmac_function_fn> towers) {
    runs.assign(program.code->run, program.code->run + 3);
    runs.insert(runs.end(), towers);
    code.run = runs.data();
    program.functions = functions.data();
    program.function_count = static_cast<int64_t>(functions.size());
    program.code = &code;
    program.code_count = 1;
    program.hidden = hidden - 2;
    program.arena_bytes = arenaBytes;
    ASSERT_TRUE(engine.open(program, file, {.threads = 2, .isa = "", .chunk = 0, .context = 0}).ok());
    encoder.emplace(engine, engine.threadPool(), &cancel, progress);
    calls = 0;
  }
  Status image(uint32_t width, uint32_t height, int64_t budget, uint8_t first = 0) {
    Picture picture{width, height, {}};
    picture.pixels.reset(static_cast<uint8_t *>(malloc(picture.rowBytes() * height)));
    for (size_t i = 0; i < picture.rowBytes() * height; ++i)
      picture.pixels[i] = static_cast<uint8_t>(i * 7919 >> 4);
    picture.pixels[0] = first;
    return encoder->image(std::move(picture), budget, rows);
  }
  Status audio(size_t samples, uint32_t rate = 16000) {
    Sound sound{rate, std::vector<float>(samples), ""};
    for (size_t i = 0; i < samples; ++i)
      sound.samples[i] = std::sin(static_cast<float>(i) * 0.3f);
    return encoder->audio(sound, rows);
  }
};
} // namespace

TEST_F(MediaEncoderTest, PatchesOfACellStandTogether) {
  open();
  const Status status = image(200, 100, 0);
  ASSERT_TRUE(status.ok()) << status.message();
  ImageSize size;
  ASSERT_TRUE(targetSize({100, 200}, {}, 70, size).ok());
  const auto across = static_cast<size_t>(size.width / 48), down = static_cast<size_t>(size.height / 48);
  EXPECT_EQ(rows->width, hidden - 2);
  ASSERT_EQ(rows->count(), across * down);
  EXPECT_FALSE(rows->block);
  double sum = 0;
  for (size_t cell = 0; cell < rows->count(); ++cell) {
    const std::span<const float> row = rows->row(cell);
    sum += row[0];
    for (size_t patch = 0; patch < 9; ++patch) {
      EXPECT_EQ(row[1 + patch * 2], static_cast<float>(cell % across * 3 + patch % 3)) << cell;
      EXPECT_EQ(row[2 + patch * 2], static_cast<float>(cell / across * 3 + patch / 3)) << cell;
    }
  }
  const double mean = sum / static_cast<double>(rows->count() * 9 * elements);
  EXPECT_NEAR(mean, 0.5, 0.1);
}

TEST_F(MediaEncoderTest, TheSmallestTowerThatTakesTheBudget) {
  open();
  ASSERT_TRUE(image(300, 300, 70).ok());
  EXPECT_EQ(rows->count(), 64u);
  ASSERT_TRUE(image(300, 300, 100).ok());
  EXPECT_EQ(rows->count(), 100u);
  EXPECT_EQ(image(300, 300, 560).message(), "560 soft tokens for a picture: this program was compiled for at most 280");
}

TEST_F(MediaEncoderTest, FourFramesOfASoundAreASoftToken) {
  open();
  ASSERT_TRUE(audio(16000).ok());
  EXPECT_EQ(melSize(16000).valid, 99);
  ASSERT_EQ(rows->count(), 25u);
  for (size_t i = 0; i < rows->count(); ++i) {
    EXPECT_EQ(rows->row(i)[0], i + 1 < rows->count() ? 4 : 3);
    EXPECT_NE(rows->row(i)[1], 0);
    EXPECT_EQ(rows->row(i)[2], 0);
  }
  ASSERT_TRUE(audio(8000, 8000).ok());
  EXPECT_EQ(rows->count(), 25u);
  ASSERT_TRUE(audio(40 * 16000).ok());
  EXPECT_EQ(rows->count(), 750u);
  EXPECT_EQ(audio(10).code(), ExitCode::usage);
}

TEST_F(MediaEncoderTest, WithoutAnEncoderAPatchIsASoftToken) {
  openUnified();
  const Status status = image(200, 100, 0);
  ASSERT_TRUE(status.ok()) << status.message();
  ImageSize size;
  ASSERT_TRUE(targetSize({100, 200}, {}, 70, size).ok());
  const auto across = static_cast<size_t>(size.width / 48);
  ASSERT_EQ(rows->count(), across * static_cast<size_t>(size.height / 48));
  for (size_t i = 0; i < rows->count(); ++i) {
    EXPECT_NEAR(rows->row(i)[0] / pixels, 0.5, 0.2);
    EXPECT_EQ(rows->row(i)[1], static_cast<float>(i % across));
    EXPECT_EQ(rows->row(i)[2], static_cast<float>(i / across));
  }
}

TEST_F(MediaEncoderTest, WithoutAnEncoderSoundsAreCutIntoCalls) {
  openUnified();
  ASSERT_TRUE(audio(20 * frame + 1).ok());
  ASSERT_EQ(rows->count(), 21u);
  auto sample = [](size_t i) { return std::sin(static_cast<float>(i) * 0.3f); };
  for (size_t i = 0; i < 21; ++i) {
    EXPECT_EQ(rows->row(i)[0], sample(i * frame));
    EXPECT_EQ(rows->row(i)[1], i < 20 ? sample(i * frame + frame - 1) : 0.0f);
    EXPECT_EQ(rows->row(i)[2], i < 16 ? 8 : 5); // rows of its call
  }
  ASSERT_TRUE(audio(1).ok());
  EXPECT_EQ(rows->count(), 1u);
  EXPECT_EQ(audio(0).code(), ExitCode::usage);
  const auto most = static_cast<size_t>(test::fakeContext);
  EXPECT_TRUE(audio(most * frame).ok());
  const Status tooLong = audio(most * frame + 1);
  EXPECT_EQ(tooLong.code(), ExitCode::usage);
  EXPECT_NE(tooLong.message().find("soft tokens, more than the context of"), std::string::npos);
}

TEST_F(MediaEncoderTest, ProgramsWithoutTowersSaySo) {
  open(/*towers=*/false);
  EXPECT_EQ(image(100, 100, 70).message(), "this program was compiled without a vision tower; it reads no pictures");
  EXPECT_EQ(audio(16000).message(), "this program was compiled without an audio tower; it hears no sounds");
}

TEST_F(MediaEncoderTest, TowersThatTakeOtherThingsAreRefused) {
  gemmac_value narrow[] = {imageInputs[0], imageInputs[1]};
  narrow[0].per_row = 4;
  open();
  for (gemmac_function &function : functions)
    if (function.inputs == imageInputs)
      function.inputs = narrow;
  EXPECT_EQ(image(100, 100, 70).code(), ExitCode::internal);
}

TEST_F(MediaEncoderTest, WhatWasSeenIsNotEncodedAgain) {
  open();
  ASSERT_TRUE(image(200, 100, 70).ok());
  const std::shared_ptr<const SoftRows> first = rows;
  EXPECT_FALSE(encoder->reused());
  EXPECT_GT(encoder->times().encode, 0);
  ASSERT_TRUE(image(200, 100, 70).ok());
  EXPECT_EQ(rows, first);
  EXPECT_TRUE(encoder->reused());
  EXPECT_EQ(encoder->times().encode, 0);
  EXPECT_EQ(calls, 1);
  ASSERT_TRUE(image(200, 100, 70, /*first=*/1).ok()); // one byte differs
  ASSERT_TRUE(image(100, 200, 70).ok());              // the same bytes in another shape
  ASSERT_TRUE(image(200, 100, 280).ok());             // another budget
  ASSERT_TRUE(audio(16000).ok());
  EXPECT_EQ(calls, 5);
  ASSERT_TRUE(audio(16000).ok());
  EXPECT_EQ(calls, 5);
  ASSERT_TRUE(audio(16000, 8000).ok()); // the same samples, at another rate
  EXPECT_EQ(calls, 6);
  encoder->forget();
  ASSERT_TRUE(image(200, 100, 70).ok());
  EXPECT_EQ(calls, 7);
}

// What is held, by whomever, is bounded: by the context, and where the program has a limit by what that leaves.
TEST_F(MediaEncoderTest, NoMoreIsHeldThanFits) {
  open();
  std::vector<std::shared_ptr<const SoftRows>> shown;
  uint8_t different = 0;
  auto show = [&] {
    const Status status = image(300, 300, 280, ++different);
    if (status.ok())
      shown.push_back(rows);
    rows.reset();
    return status;
  };
  auto held = [&] {
    size_t count = 0;
    for (const auto &one : shown)
      count += one->count();
    return count;
  };
  ASSERT_TRUE(show().ok());
  const size_t each = held(), most = GEMMAC_MEDIA_CACHE_ROWS / each; // the context of this program is smaller
  for (size_t i = 1; i < most; ++i)
    ASSERT_TRUE(show().ok()) << i;
  const Status full = show();
  EXPECT_EQ(full.code(), ExitCode::context);
  EXPECT_EQ(full.message(), "256 soft tokens do not fit in beside the 1024 of what is shown already: at most 1120 are "
                            "held, for a context of 64; show less at once, begin a new conversation, or compile with "
                            "a larger --context");
  ASSERT_TRUE(image(300, 300, 280, 1).ok()); // what is shown already takes nothing
  shown.pop_back();
  rows.reset();
  EXPECT_TRUE(show().ok());
  // A limit that leaves room for two more, in a context that would hold many.
  shown.clear();
  program.context = 100000;
  program.memory.limit = 2 * each * static_cast<size_t>(program.hidden) * sizeof(float) + 1000;
  EXPECT_EQ(softRowsWithinMemory(program, 2, 4096), 1120 + 2 * static_cast<int64_t>(each) + 8);
  EXPECT_EQ(softRowsWithinMemory(program, 2, 1200), 1200);
  program.memory.working = 2000;
  EXPECT_EQ(softRowsWithinMemory(program, 2, 4096), 1120 + 2 * static_cast<int64_t>(each) - 9);
  program.memory.working = 1000000;
  EXPECT_EQ(softRowsWithinMemory(program, 2, 4096), 1120);
}

TEST_F(MediaEncoderTest, CancellingLeavesTheTower) {
  struct Stopper : Progress {
    Cancel *cancel;
    std::vector<std::pair<int64_t, int64_t>> heard;
    bool over = false;
    void reached(int64_t done, int64_t all) override {
      heard.emplace_back(done, all);
      if (done == 2)
        cancel->request();
    }
    void ended() override { over = true; }
  } stopper;
  stopper.cancel = &cancel;
  progress = &stopper;
  open();
  EXPECT_EQ(image(200, 100, 70).code(), ExitCode::interrupted);
  EXPECT_EQ(stopper.heard, (std::vector<std::pair<int64_t, int64_t>>{{1, 3}, {2, 3}}));
  EXPECT_TRUE(stopper.over);
  EXPECT_EQ(image(200, 100, 70).code(), ExitCode::interrupted); // not begun
  EXPECT_EQ(calls, 1);
  cancel.clear();
  encoder.emplace(engine, engine.threadPool(), &cancel);
  ASSERT_TRUE(image(200, 100, 70).ok()); // the engine is as good as before
  EXPECT_EQ(calls, 2);
}

TEST_F(MediaEncoderTest, PlansSayWhatTowersWillSee) {
  open();
  ImagePlan image;
  ASSERT_TRUE(planImage(program, {100, 200}, 280, image).ok());
  EXPECT_EQ(image.tokens * 9, image.columns * image.rows);
  EXPECT_EQ((ImageSize{image.rows * 16, image.columns * 16}), image.size);
  EXPECT_EQ(image.function->max_rows, 280);
  EXPECT_EQ(planImage(program, {16, 60000}, 0, image).code(), ExitCode::success);
  program.media.places = 100;
  EXPECT_EQ(planImage(program, {16, 60000}, 0, image).code(), ExitCode::usage);
  AudioPlan audio;
  ASSERT_TRUE(planAudio(program, 31 * 8000, 8000, audio).ok());
  EXPECT_TRUE(audio.cut);
  EXPECT_EQ(audio.tokens, 750);
  EXPECT_EQ(planAudio(program, 8000, 10, audio).code(), ExitCode::usage);
  EXPECT_EQ(planAudio(program, 10, 16000, audio).code(), ExitCode::usage);
  EXPECT_TRUE(takes(program, MediaKind::picture) && takes(program, MediaKind::sound));
  EXPECT_FALSE(takes(test::fakeProgram(), MediaKind::picture) || takes(test::fakeProgram(), MediaKind::sound));
}
