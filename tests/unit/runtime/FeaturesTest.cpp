// Front ends as they are called: threads, errors, where they read. Their numbers are compared with the references in
// tests/integration/test_features.py.
#include "features/Image.h"
#include "features/KernelCall.h"
#include "features/Mel.h"
#include "features/MelTables.h"
#include "features/Resample.h"

#include "engine/Cpu.h"
#include "gemmac/program.h"

#include <atomic>
#include <cmath>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <thread>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {
/// Threads of its own for every loop.
class ThreadedFor final : public ParallelFor {
public:
  explicit ThreadedFor(int threads) : threads(threads) {}
  void operator()(int64_t count, Task task, void *data) override {
    std::atomic<int64_t> next = 0;
    std::vector<std::thread> running;
    for (int i = 0; i < threads; ++i)
      running.emplace_back([&] {
        for (int64_t index = next++; index < count; index = next++)
          task(data, index);
      });
    for (std::thread &thread : running)
      thread.join();
  }

private:
  int threads;
};

std::vector<uint8_t> noise(ImageSize size) {
  std::vector<uint8_t> pixels(static_cast<size_t>(4 * size.height * size.width));
  uint32_t state = 1;
  for (uint8_t &value : pixels)
    value = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return pixels;
}

class Features : public testing::Test {
protected:
  void SetUp() override {
    if (!findFeatureKernels(cpuFeatures(), kernels).ok())
      GTEST_SKIP() << "this processor runs no program";
  }
  FeatureRunner runner() { return {*kernels, serial}; }

  const FeatureKernels *kernels = nullptr;
  SerialFor serial;
};
} // namespace

static ImageSize target(int64_t height, int64_t width, int64_t budget) {
  ImageSize size;
  EXPECT_TRUE(targetSize({height, width}, {}, budget, size).ok()) << width << " x " << height;
  return size;
}

TEST_F(Features, KernelsNeedTheirFeatures) {
  const FeatureKernels *none = nullptr;
  Status status = findFeatureKernels(0, none);
  EXPECT_EQ(status.code(), ExitCode::cpu);
  EXPECT_EQ(none, nullptr);
#if defined(__x86_64__)
  ASSERT_TRUE(findFeatureKernels(GEMMAC_CPU_X86_AVX2, none).ok());
  EXPECT_STREQ(none->level, "avx2");
  ASSERT_TRUE(findFeatureKernels(GEMMAC_CPU_X86_AVX2 | GEMMAC_CPU_X86_AVX512_VNNI, none).ok());
  EXPECT_STREQ(none->level, "avx512");
#endif
}

TEST_F(Features, ThreadsDoNotChangeTheBits) {
  ThreadedFor threaded(3);
  const FeatureRunner together{*kernels, threaded};
  const ImageSize from{331, 517}, to = target(331, 517, 280);
  const std::vector<uint8_t> pixels = noise(from);
  const PixelView picture{pixels.data(), from, 4 * from.width};
  for (PatchGrid grid : {PatchGrid{16, 3}, {48, 1}, {12, 4}}) {
    std::vector<float> one(static_cast<size_t>(3 * to.height * to.width)), many(one.size());
    std::vector<PatchPosition> positions(static_cast<size_t>(to.height / grid.patch * (to.width / grid.patch)));
    ASSERT_TRUE(patches(runner(), picture, to, grid, one, positions).ok());
    ASSERT_TRUE(patches(together, picture, to, grid, many, positions).ok());
    EXPECT_EQ(one, many);
    EXPECT_EQ(positions.back().x, to.width / grid.patch - 1);
    EXPECT_EQ(positions.back().y, to.height / grid.patch - 1);
  }
  std::vector<float> wave(50000);
  for (size_t i = 0; i < wave.size(); ++i)
    wave[i] = static_cast<float>(std::sin(0.001 * static_cast<double>(i * i % 7919)));
  std::vector<float> one(static_cast<size_t>(melSize(50000).frames * melBins)), many(one.size());
  ASSERT_TRUE(melFeatures(runner(), wave, one).ok());
  ASSERT_TRUE(melFeatures(together, wave, many).ok());
  EXPECT_EQ(one, many);
  one.resize(static_cast<size_t>(resampledLength(50000, 44100)));
  many.resize(one.size());
  ASSERT_TRUE(resample(runner(), wave, 44100, one).ok());
  ASSERT_TRUE(resample(together, wave, 44100, many).ok());
  EXPECT_EQ(one, many);
}

/// Patches hold the same values whether the kernel cuts them or not, and rows with room have zeros behind them.
TEST_F(Features, PatchesWithRoomBehind) {
  const std::vector<uint8_t> pixels = noise({70, 110});
  const PixelView picture{pixels.data(), {70, 110}, 440};
  const PatchGrid grid;
  const ImageSize to = target(70, 110, 20);
  std::vector<PatchPosition> positions(static_cast<size_t>(to.height / 16 * (to.width / 16)));
  const size_t values = static_cast<size_t>(grid.patchValues()), stride = values + 5;
  std::vector<float> dense(positions.size() * values), wide(positions.size() * stride, NAN);
  ASSERT_TRUE(patches(runner(), picture, to, grid, dense, positions).ok());
  ASSERT_TRUE(patches(runner(), picture, to, grid, wide, positions).ok());
  for (size_t i = 0; i < wide.size(); ++i)
    ASSERT_EQ(wide[i], i % stride < values ? dense[i / stride * values + i % stride] : 0.0f) << i;
}

TEST_F(Features, WrongRoomIsRefused) {
  const std::vector<uint8_t> pixels = noise({10, 10});
  const PixelView picture{pixels.data(), {10, 10}, 40};
  std::vector<float> out(3 * 48 * 48);
  std::vector<PatchPosition> positions(9);
  EXPECT_TRUE(patches(runner(), picture, {48, 48}, {}, out, positions).ok());
  EXPECT_EQ(patches(runner(), picture, {48, 96}, {}, out, positions).code(), ExitCode::internal);
  EXPECT_EQ(patches(runner(), picture, {48, 50}, {}, out, positions).code(), ExitCode::internal);
  EXPECT_EQ(patches(runner(), picture, {48, 48}, {16, 2}, out, positions).code(), ExitCode::internal);
  EXPECT_EQ(patches(runner(), picture, {48, 48}, {0, 3}, out, positions).code(), ExitCode::internal);
  EXPECT_EQ(patches(runner(), {pixels.data(), {10, 10}, 39}, {48, 48}, {}, out, positions).code(), ExitCode::internal);
  std::vector<uint8_t> frame(4 * 48 * 48 - 1);
  EXPECT_EQ(resizedFrame(runner(), picture, {48, 48}, frame).code(), ExitCode::internal);
  const std::vector<float> wave(200);
  EXPECT_EQ(melFeatures(runner(), wave, out).code(), ExitCode::internal);
  EXPECT_EQ(resample(runner(), wave, 8000, out).code(), ExitCode::internal);
}

TEST_F(Features, SoundsThatAreNone) {
  std::vector<float> out;
  Status status = melFeatures(runner(), std::vector<float>(160), out);
  EXPECT_EQ(status.code(), ExitCode::usage);
  EXPECT_NE(status.message().find("161"), std::string::npos) << status.message();
  for (int64_t rate : {int64_t(0), int64_t(-1), leastRate - 1, mostRate + 1, INT64_MAX})
    EXPECT_EQ(resample(runner(), std::vector<float>(8), rate, out).code(), ExitCode::usage) << rate;
  EXPECT_TRUE(resample(runner(), {}, 8000, out).ok());
}

// A picture at the very end of readable memory.
TEST_F(Features, NothingIsReadBehindAPicture) {
  const size_t page = 4096;
  for (ImageSize from : {ImageSize{1, 1}, {7, 3}, {64, 80}, {300, 1000}}) {
    const size_t bytes = static_cast<size_t>(4 * from.height * from.width), room = (bytes + page - 1) / page * page;
    void *memory = mmap(nullptr, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    auto *end = static_cast<uint8_t *>(memory) + room;
    ASSERT_EQ(mprotect(end, page, PROT_NONE), 0);
    const ImageSize to = target(from.height, from.width, 70);
    std::vector<uint8_t> frame(static_cast<size_t>(4 * to.height * to.width));
    EXPECT_TRUE(resizedFrame(runner(), {end - bytes, from, 4 * from.width}, to, frame).ok());
    munmap(memory, room + page);
  }
}

TEST(KernelCall, TheFirstErrorStaysAndEndsTheLoop) {
  SerialFor serial;
  KernelCall call(serial);
  auto task = [](void *context, int index, uint8_t *seen) {
    *seen = static_cast<uint8_t>(index);
    if (index < 12)
      return 0;
    static_cast<KernelCall *>(context)->fail(ExitCode::inputOutput, "first");
    static_cast<KernelCall *>(context)->fail(ExitCode::internal, "second");
    return -7;
  };
  uint8_t seen = 0;
  EXPECT_EQ(call.run(task, /*first=*/10, /*count=*/5, &seen), -7);
  EXPECT_EQ(seen, 12);
  EXPECT_EQ(call.status(-7, "work").code(), ExitCode::inputOutput);
  EXPECT_EQ(call.status(-7, "work").message(), "work: first");
  EXPECT_EQ(KernelCall(serial).status(0, "work").code(), ExitCode::success);
  EXPECT_EQ(KernelCall(serial).status(3, "work").code(), ExitCode::internal);
}

// What a wrong table would do: the function itself notices, and its first error becomes the status.
TEST_F(Features, ErrorsOfAKernelBecomeAStatus) {
  std::vector<float> wave(1000), transform(10), filters(melBins * MelTables::bins), out(melBins);
  KernelBuffer<float, 1> samples(wave.data(), {1000});
  KernelBuffer<float, 2> table(transform.data(), {10, 1}), triangles(filters.data(), {melBins, MelTables::bins});
  KernelBuffer<float, 2> result(out.data(), {melBins, 1});
  KernelCall call(serial);
  const int code = kernels->mel(&call, samples, table, triangles, 1, result);
  EXPECT_NE(code, 0);
  const Status status = call.status(code, "mel");
  EXPECT_EQ(status.code(), ExitCode::internal);
  EXPECT_NE(status.message().find("transform"), std::string::npos) << status.message();
}
