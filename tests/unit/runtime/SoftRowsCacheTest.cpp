// SoftRowsCache: what it keeps, and what others keep for it.
#include "encode/SoftRowsCache.h"

#include <gtest/gtest.h>

using namespace gemmac::runtime;

static MediaKey key(int64_t number) { return {nullptr, {number}, {}}; }

static std::shared_ptr<const SoftRows> rowsOf(size_t count) {
  auto rows = std::make_shared<SoftRows>();
  rows->width = 2;
  rows->values.resize(count * 2);
  return rows;
}

TEST(SoftRowsCache, KeepsWhatWasUsedLast) {
  SoftRowsCache cache(10);
  for (int64_t number : {1, 2, 3})
    cache.add(key(number), rowsOf(3));
  EXPECT_EQ(cache.heldRows(), 9u);
  EXPECT_TRUE(cache.find(key(1))); // now the last that was used
  cache.add(key(4), rowsOf(3));
  EXPECT_EQ(cache.heldRows(), 9u);
  EXPECT_FALSE(cache.find(key(2)));
  EXPECT_TRUE(cache.find(key(1)) && cache.find(key(3)) && cache.find(key(4)));
}

TEST(SoftRowsCache, FindsWhatOthersHold) {
  SoftRowsCache cache(4);
  std::shared_ptr<const SoftRows> shown = rowsOf(3);
  cache.add(key(1), shown);
  cache.add(key(2), rowsOf(4));
  EXPECT_EQ(cache.heldRows(), 4u);
  EXPECT_EQ(cache.find(key(1)), shown); // and is kept again
  EXPECT_FALSE(cache.find(key(2)));
  EXPECT_EQ(cache.heldRows(), 3u);
  shown.reset();
  EXPECT_TRUE(cache.find(key(1)));
}

TEST(SoftRowsCache, HoldsNothingBeyondItsBound) {
  SoftRowsCache cache(4);
  cache.add(key(1), rowsOf(3));
  cache.add(key(2), rowsOf(5)); // while these are in use, there is room for no others
  EXPECT_FALSE(cache.find(key(2)));
  EXPECT_FALSE(cache.find(key(1)));
  SoftRowsCache none(0);
  none.add(key(1), rowsOf(1));
  EXPECT_FALSE(none.find(key(1)));
  cache.clear();
  EXPECT_FALSE(cache.find(key(1)));
}

// What others hold is part of the bound, and so is what is about to be made.
TEST(SoftRowsCache, KeepsWhatOthersLeave) {
  SoftRowsCache cache(10);
  std::shared_ptr<const SoftRows> shown = rowsOf(6);
  cache.add(key(1), shown);
  cache.add(key(2), rowsOf(3));
  cache.add(key(3), rowsOf(1));
  EXPECT_EQ(cache.usedRows(), 6u);
  EXPECT_EQ(cache.heldRows(), 10u);
  cache.makeRoom(1);
  EXPECT_EQ(cache.heldRows(), 7u); // the one used longest ago went
  EXPECT_FALSE(cache.find(key(2)));
  EXPECT_TRUE(cache.find(key(1)) && cache.find(key(3)));
  cache.makeRoom(5); // more than there is
  EXPECT_EQ(cache.heldRows(), 6u);
  EXPECT_EQ(cache.find(key(1)), shown);
  shown.reset();
  EXPECT_EQ(cache.usedRows(), 0u);
  cache.makeRoom(5);
  EXPECT_EQ(cache.heldRows(), 0u);
  EXPECT_FALSE(cache.find(key(1)));
}

TEST(SoftRowsCache, HashesAreOfAllBytes) {
  const std::vector<uint8_t> one(1000, 7);
  std::vector<uint8_t> other = one;
  EXPECT_EQ(hashOf(one), hashOf(other));
  other.back() = 8;
  EXPECT_NE(hashOf(one), hashOf(other));
  EXPECT_NE(hashOf(one), hashOf(std::span(one).first(999)));
}
