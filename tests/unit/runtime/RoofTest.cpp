// Roof: every way of reading gives a speed, for sizes that are no multiple of anything.
#include "engine/Roof.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

using namespace gemmac::runtime;

TEST(Roof, ReadsAnySizeWithAnyThreads) {
  const size_t bytes = (1 << 20) + 192;
  auto *data = static_cast<uint8_t *>(std::aligned_alloc(64, bytes));
  std::fill(data, data + bytes, 1);
  for (int64_t threads : {1, 3}) {
    ThreadPool pool;
    ASSERT_TRUE(pool.start(threads).ok());
    for (int64_t size : {int64_t{0}, int64_t{63}, int64_t{64}, int64_t{1000}, static_cast<int64_t>(bytes)}) {
      const double speed = readBandwidth(pool, data, size);
      EXPECT_EQ(speed > 0, size >= 64) << size << " bytes, " << threads << " threads";
      EXPECT_LT(speed, 1e13);
    }
  }
  std::free(data);
}
