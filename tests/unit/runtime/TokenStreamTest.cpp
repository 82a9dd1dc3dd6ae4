#include "text/TokenStream.h"

#include "TokenizerTable.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <random>
#include <unistd.h>

using namespace gemmac;
using namespace gemmac::runtime;
using Ids = std::vector<int32_t>;

namespace {
struct Built {
  std::vector<uint64_t> table;
  Tokenizer tokenizer;

  explicit Built(const test::Vocabulary &v) : table(test::TableWriter().write(v)) {
    EXPECT_TRUE(tokenizer
                    .open(reinterpret_cast<const uint8_t *>(table.data()), table.size() * 8,
                          static_cast<int64_t>(v.tokens.size()))
                    .ok());
  }
};

/// Standard input is a pipe that holds `text`.
struct PipedInput {
  int saved = dup(STDIN_FILENO);
  explicit PipedInput(const std::string &text) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
  }
  ~PipedInput() {
    dup2(saved, STDIN_FILENO);
    close(saved);
  }
};
} // namespace

static test::Vocabulary vocabularyWith(bool byteFallback, bool unknown, bool namedBytes) {
  test::Vocabulary v;
  v.add("<bos>", GEMMAC_TOKEN_CONTROL);
  if (unknown)
    v.unknown = v.add("<unk>", GEMMAC_TOKEN_CONTROL);
  v.byteFallback = byteFallback;
  v.add("\n\n", GEMMAC_TOKEN_TEXT, /*added=*/true);
  v.add("b a", GEMMAC_TOKEN_TEXT, /*added=*/true);
  v.addAllBytes();
  for (const char *c : {"\n", "\xe2\x96\x81", "a", "b", "c", "<", ">", "o", "s", "\xc3\xa9", "\xe4\xb8\x80"})
    v.add(c);
  v.addWord("abc");
  auto join = [&](const std::string &left, const std::string &right) {
    v.add(left + right);
    v.merges.emplace_back(v.id(left), v.id(right));
  };
  join("\xe2\x96\x81", "a");
  join("\xe2\x96\x81", "\xe2\x96\x81");
  join("\xc3\xa9", "\xe4\xb8\x80");
  if (namedBytes)
    v.add("<0x0A>a"); // as the result of a merge that knows a byte token would be spelled
  return v;
}

static std::string randomText(std::mt19937 &random, size_t bytes) {
  static const char *const parts[] = {"a",
                                      "b",
                                      "c",
                                      " ",
                                      "  ",
                                      "\n",
                                      "\n\n",
                                      "b a",
                                      "abc",
                                      "é",
                                      "一",
                                      "é一",
                                      "x",
                                      "\xe2\x96\x81",
                                      "<bos>",
                                      "\xff",
                                      "\x80\x80\x80\x80\x80",
                                      "\0",
                                      "\xe2\x96",
                                      "z",
                                      "\xe2\x80\x9c",
                                      "a\xe2\x96\x81"};
  std::string text;
  while (text.size() < bytes)
    text += parts[random() % std::size(parts)];
  return text;
}

/// Pushed in parts of any size, a text has the ids that it has as a whole, and little of it is held back.
TEST(TokenStream, IdsAreThoseOfTheWhole) {
  std::mt19937 random(7);
  for (int kind = 0; kind < 6; ++kind) {
    Built built(vocabularyWith(/*byteFallback=*/kind < 2 || kind == 5, kind % 2 == 1, kind == 5));
    for (int round = 0; round < 4; ++round) {
      const std::string text = randomText(random, 60000);
      const bool control = round % 2;
      Ids whole, streamed;
      const Segment segment{text, control};
      built.tokenizer.encode({&segment, 1}, whole);
      TokenStream stream(built.tokenizer);
      size_t early = 0;
      for (size_t at = 0; at < text.size();) {
        const size_t part = std::min<size_t>(random() % 9000, text.size() - at);
        stream.push({std::string_view(text).substr(at, part), control}, streamed);
        at += part;
        early = streamed.size();
      }
      stream.finish(streamed);
      ASSERT_EQ(streamed, whole) << kind;
      EXPECT_GT(early, whole.size() / 3) << kind;
    }
  }
}

TEST(TokenStream, ControlTokensOnlyWhereAllowed) {
  Built built(vocabularyWith(true, false, false));
  const std::string filler(20000, 'x');
  Ids whole, streamed;
  const std::vector<Segment> segments = {
      {"<bos>", true}, {filler, false}, {"<bos>", false}, {filler, false}, {"<bos>", true}};
  built.tokenizer.encode(segments, whole);
  TokenStream stream(built.tokenizer);
  for (const Segment &segment : segments)
    stream.push(segment, streamed);
  stream.finish(streamed);
  EXPECT_EQ(streamed, whole);
  EXPECT_EQ(std::count(streamed.begin(), streamed.end(), 0), 2);
}

TEST(TokenStream, WhatCannotBeCutIsRefusedInTime) {
  Built built(vocabularyWith(true, false, false));
  TokenStream stream(built.tokenizer);
  Ids ids;
  const std::string spaces(1 << 20, ' ');
  for (int i = 0; i < 4; ++i) {
    stream.push({spaces, false}, ids);
    EXPECT_TRUE(stream.check("x").ok());
  }
  EXPECT_TRUE(ids.empty());
  EXPECT_GE(stream.leastPending(), 4 * spaces.size() / 5); // no token has more than five bytes
  stream.push({spaces, false}, ids);
  EXPECT_EQ(stream.check("x").code(), ExitCode::inputOutput);
}

TEST(IdReader, WordsLinesAndLimits) {
  const std::string many(3000, '7');
  PipedInput input("1, 2\t3\n0004 5\n\n6");
  IdReader reader(10);
  ASSERT_TRUE(reader.open("-").ok());
  Ids ids;
  ASSERT_TRUE(reader.read(ids, 100, /*line=*/true).ok());
  EXPECT_EQ(ids, (Ids{1, 2, 3}));
  ASSERT_TRUE(reader.read(ids, 4).ok());
  EXPECT_EQ(ids.back(), 4);
  EXPECT_FALSE(reader.ended());
  ASSERT_TRUE(reader.read(ids, 100).ok());
  EXPECT_EQ(ids, (Ids{1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(reader.ended());
}

TEST(IdReader, WhatIsNoIdIsNamed) {
  for (const char *bad : {"1 10", "1 -1", "1 x", "1 1x", "1 \x1b[31m"}) {
    PipedInput input(bad);
    IdReader reader(10);
    ASSERT_TRUE(reader.open("-").ok());
    Ids ids;
    Status status = reader.read(ids, 100);
    EXPECT_EQ(status.code(), ExitCode::usage);
    EXPECT_NE(status.message().find("standard input: token 2 is '"), std::string::npos) << status.message();
    EXPECT_EQ(status.message().find('\x1b'), std::string::npos);
  }
  PipedInput endless(std::string(60000, '1')); // a word without end: no need to read on
  IdReader reader(10);
  ASSERT_TRUE(reader.open("-").ok());
  Ids ids;
  EXPECT_EQ(reader.read(ids, 100).code(), ExitCode::usage);
}
