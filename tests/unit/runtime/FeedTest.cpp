// Feed: tokens with soft rows between them, and how they are cut into calls.
#include "engine/Feed.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace gemmac::runtime;

namespace {
std::shared_ptr<const SoftRows> rows(std::vector<float> values, bool block = false) {
  return std::make_shared<const SoftRows>(SoftRows{2, std::move(values), block});
}

/// Three tokens, a block of three rows, a token, two rows that are none, a token.
SoftPrompt somePrompt() {
  SoftPrompt prompt;
  prompt.tokens = {5, 6, 7};
  prompt.append(rows({1, 2, 3, 4, 5, 6}, true));
  prompt.tokens.push_back(8);
  prompt.append(rows({7, 8, 9, 10}));
  prompt.tokens.push_back(9);
  return prompt;
}

void expectPiece(Feed::Piece piece, size_t count, bool block) {
  EXPECT_EQ(piece.rows, count);
  EXPECT_EQ(piece.block, block);
}
} // namespace

TEST(Feed, IdsTellRowsApart) {
  const std::vector<int32_t> one = rows({1, 2, 3, 4})->ids(), same = rows({1, 2, 3, 4})->ids();
  EXPECT_EQ(one, same);
  EXPECT_EQ(one.size(), 2u);
  EXPECT_NE(one[0], one[1]);
  EXPECT_TRUE(std::ranges::all_of(one, [](int32_t id) { return id < 0; }));
  const std::vector<std::shared_ptr<const SoftRows>> others = {rows({1, 2, 3, 5}), rows({1, 2, 3, 4}, true),
                                                               rows({1, 2}), rows({-1, 2, 3, 4}), rows({2, 1, 3, 4})};
  for (const std::shared_ptr<const SoftRows> &other : others)
    EXPECT_NE(other->ids()[0], one[0]);
}

TEST(Feed, RowsStayWithTheirTokens) {
  const SoftPrompt prompt = somePrompt();
  ASSERT_EQ(prompt.size(), 10u);
  const Feed feed(prompt);
  EXPECT_TRUE(feed.row(2).empty());
  EXPECT_EQ(feed.row(3)[0], 1);
  EXPECT_EQ(feed.row(5)[1], 6);
  EXPECT_TRUE(feed.row(6).empty());
  EXPECT_EQ(feed.row(8)[0], 9);
  const Feed part = feed.subspan(2).first(5).subspan(2);
  EXPECT_EQ(part.size(), 3u);
  EXPECT_EQ(part.row(0)[0], 3);
  EXPECT_EQ(part[2], 8);
  EXPECT_TRUE(Feed(std::vector<int32_t>{-4}).row(0).empty());
}

TEST(Feed, BlocksGoWholeIntoOneCall) {
  const SoftPrompt prompt = somePrompt();
  const Feed feed(prompt);
  expectPiece(feed.piece(0, 2), 2, false);
  expectPiece(feed.piece(0, 100), 3, false);
  expectPiece(feed.piece(3, 1), 3, true);
  expectPiece(feed.piece(6, 100), 4, false);
  expectPiece(feed.subspan(4).piece(0, 1), 2, true);
  expectPiece(feed.first(5).piece(3, 100), 2, true);
  expectPiece(feed.subspan(2).piece(1, 100), 3, true);
}

TEST(Feed, WhatIsKeptEndsWithWholeBlocks) {
  const SoftPrompt prompt = somePrompt();
  const Feed feed(prompt);
  for (size_t count : {0, 3, 6, 7, 8, 10})
    EXPECT_EQ(feed.wholeBlocks(count), count);
  EXPECT_EQ(feed.wholeBlocks(4), 3u);
  EXPECT_EQ(feed.wholeBlocks(5), 3u);
  EXPECT_EQ(feed.subspan(4).wholeBlocks(1), 0u);
}
