// Memory of KV caches: what is forgotten, copied and kept is the same bit for bit, and nothing else is touched.
#include "engine/CacheMemory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <sys/mman.h>

using namespace gemmac::runtime;

namespace {
/// Two stretches of memory that begin and end inside of pages, with bytes around them.
struct CacheMemory : testing::Test {
  static constexpr size_t bytes = 10 * 4096 + 1000, begin = 100, room = 32 * 4096;
  uint8_t *all =
      static_cast<uint8_t *>(mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  std::span<uint8_t> one{all + begin, bytes}, other{all + begin + bytes, bytes};

  ~CacheMemory() override { munmap(all, room); }
  static bool zero(std::span<const uint8_t> memory) {
    return std::ranges::all_of(memory, [](uint8_t byte) { return byte == 0; });
  }
  static void write(std::span<uint8_t> memory) {
    memory.front() = 1;
    memory[3 * 4096 + 5] = 2;
    memory.back() = 3;
  }
};
} // namespace

TEST_F(CacheMemory, WhatIsReleasedIsZeroAndItsNeighboursStay) {
  memset(all, 7, room);
  releaseMemory(one);
  EXPECT_TRUE(zero(one));
  EXPECT_EQ(one.data()[-1], 7);
  EXPECT_EQ(one.data()[bytes], 7);
  const std::span<uint8_t> little(all, 10); // inside of a page
  releaseMemory(little);
  EXPECT_TRUE(zero(little));
  EXPECT_EQ(all[10], 7);
}

TEST_F(CacheMemory, CopiesAreEqual) {
  write(one);
  memset(other.data(), 9, bytes); // what was there before is gone
  copyMemory(one, other);
  EXPECT_TRUE(std::ranges::equal(one, other));
  EXPECT_TRUE(zero({other.data() + bytes, 4096}));
}

TEST_F(CacheMemory, WhatWasKeptComesBack) {
  write(one);
  const std::vector<uint8_t> packed = packMemory(one, 5);
  EXPECT_LT(packed.size(), 3 * (4096 + 8) + 16u); // the last block is shorter
  memset(other.data(), 9, bytes);
  ASSERT_TRUE(unpackMemory(packed, other, 5));
  EXPECT_TRUE(std::ranges::equal(one, other));
}

TEST_F(CacheMemory, WhatIsNoPackedMemoryChangesNothing) {
  write(one);
  std::vector<uint8_t> packed = packMemory(one, 5);
  memset(other.data(), 9, bytes);
  auto refused = [&](std::span<const uint8_t> what, std::span<uint8_t> to) {
    return !unpackMemory(what, to, 5) && to.front() == 9 && to.back() == 9;
  };
  EXPECT_TRUE(refused({}, other));
  EXPECT_TRUE(refused(std::span(packed).first(packed.size() - 1), other));
  EXPECT_TRUE(refused(std::span(packed).first(12), other));
  EXPECT_TRUE(refused(std::span(packed).first(20), other));
  EXPECT_TRUE(refused(packMemory(one, 6), other)); // as long, of another program
  EXPECT_TRUE(refused(packed, other.first(bytes - 4096)));
  packed[16] = 200; // a block beyond the end
  EXPECT_TRUE(refused(packed, other));
}
