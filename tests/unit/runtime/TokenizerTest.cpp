#include "text/Tokenizer.h"

#include "TokenizerTable.h"

#include <gtest/gtest.h>

#include <random>

using namespace gemmac;
using namespace gemmac::runtime;
using Ids = std::vector<int32_t>;

namespace {
/// A tokenizer over a table that it owns.
struct Built {
  test::Vocabulary vocabulary;
  std::vector<uint64_t> table;
  Tokenizer tokenizer;

  explicit Built(test::Vocabulary v) : vocabulary(std::move(v)), table(test::TableWriter().write(vocabulary)) {
    EXPECT_TRUE(open().ok());
  }
  Status open() {
    tokenizer = Tokenizer();
    return tokenizer.open(bytes(), table.size() * 8, static_cast<int64_t>(vocabulary.tokens.size()));
  }
  uint8_t *bytes() { return reinterpret_cast<uint8_t *>(table.data()); }
  gemmac_tokenizer &header() { return *reinterpret_cast<gemmac_tokenizer *>(table.data()); }

  Ids encode(std::vector<Segment> segments) const {
    Ids ids;
    tokenizer.encode(segments, ids);
    return ids;
  }
  Ids encode(std::string_view text) const { return encode({{text, false}}); }
  int32_t id(const std::string &text) const { return static_cast<int32_t>(vocabulary.id(text)); }
  /// Texts of the ids, with '|' between.
  std::string pieces(std::string_view text) const {
    std::string joined;
    for (int32_t id : encode(text))
      joined += (joined.empty() ? "" : "|") + std::string(tokenizer.text(id));
    return joined;
  }
};
} // namespace

static test::Vocabulary small() {
  test::Vocabulary v;
  v.add("<bos>", GEMMAC_TOKEN_CONTROL);
  v.add("<turn|>", GEMMAC_TOKEN_CONTROL);
  v.unknown = v.add("<unk>", GEMMAC_TOKEN_CONTROL);
  v.add("\n\n", GEMMAC_TOKEN_TEXT, /*added=*/true);
  v.add("\n\n\n", GEMMAC_TOKEN_TEXT, /*added=*/true);
  v.add("a b", GEMMAC_TOKEN_TEXT, /*added=*/true);
  v.addAllBytes();
  for (const char *c : {"\n", "\xe2\x96\x81", "a", "b", "c", "d", "<", ">", "t", "u", "r", "n", "|", "\xc3\xa9"})
    v.add(c);
  v.addWord("abc"); // ab, abc
  v.add("bc");
  v.merges.emplace_back(v.id("b"), v.id("c"));
  return v;
}

TEST(Tokenizer, LowestRankFirstLeftmostOnTies) {
  Built built(small());
  EXPECT_EQ(built.pieces("abc"), "abc");
  EXPECT_EQ(built.pieces("bcabc"), "bc|abc");
  test::Vocabulary v;
  v.add("a");
  v.addWord("aa");
  EXPECT_EQ(Built(v).pieces("aaaaa"), "aa|aa|a");
}

TEST(Tokenizer, SpacesBecomeTheirSymbol) {
  Built built(small());
  EXPECT_EQ(built.encode("b a"), (Ids{built.id("b"), built.id("\xe2\x96\x81"), built.id("a")}));
  EXPECT_EQ(built.pieces("b a"), "b| |a");
  EXPECT_EQ(built.encode("\xe2\x96\x81"), (Ids{built.id("\xe2\x96\x81")})); // itself, spelled out
}

TEST(Tokenizer, AddedTokensAreMatchedLongestFirst) {
  Built built(small());
  EXPECT_EQ(built.encode("a\n\n\n\nb"), (Ids{built.id("a"), built.id("\n\n\n"), built.id("\n"), built.id("b")}));
  // Raw text: a space in an added token is a space in the input, and matches before spaces become their symbol.
  EXPECT_EQ(built.encode("aa bb"), (Ids{built.id("a"), built.id("a b"), built.id("b")}));
}

TEST(Tokenizer, ControlTokensOnlyWhereAllowed) {
  Built built(small());
  const int32_t close = built.id("<turn|>");
  EXPECT_EQ(built.encode({{"a<turn|>b", true}}), (Ids{built.id("a"), close, built.id("b")}));
  EXPECT_EQ(built.pieces("a<turn|>b"), "a|<|t|u|r|n|||>|b");
  // Not across the border to a segment that forbids them, from either side.
  EXPECT_EQ(built.encode({{"<tu", false}, {"rn|>", true}}), built.encode("<turn|>"));
  EXPECT_EQ(built.encode({{"<tu", true}, {"rn|>", false}}), built.encode("<turn|>"));
  EXPECT_EQ(built.encode({{"<tu", true}, {"", false}, {"rn|>", true}}), (Ids{close}));
  EXPECT_EQ(built.encode({{"<turn|>", true}, {"<turn|>", false}, {"<turn|>", true}}).size(), 9u);
}

TEST(Tokenizer, SegmentBordersDoNotChangeTheResult) {
  Built built(small());
  const Ids whole = built.encode("abc\n\nab \xc3\xa9");
  const std::string text = "abc\n\nab \xc3\xa9";
  for (size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(
        built.encode({{std::string_view(text).substr(0, cut), true}, {std::string_view(text).substr(cut), false}}),
        whole);
}

TEST(Tokenizer, ByteFallback) {
  Built built(small());
  const auto byte = [&](int value) { return static_cast<int32_t>(built.header().byte_ids[value]); };
  EXPECT_EQ(built.encode("\xc3\xa9"), (Ids{built.id("\xc3\xa9")}));
  EXPECT_EQ(built.encode("\xf0\x9f\x98\x80"), (Ids{byte(0xf0), byte(0x9f), byte(0x98), byte(0x80)}));
  EXPECT_EQ(built.encode("\xff\xc3"), (Ids{byte(0xff), byte(0xc3)})); // no UTF-8, nothing lost
  EXPECT_EQ(built.encode(std::string_view("\0", 1)), (Ids{byte(0)}));
}

TEST(Tokenizer, UnknownCharactersWithoutBytes) {
  test::Vocabulary v = small();
  v.byteFallback = false;
  EXPECT_EQ(Built(v).encode("xyza"), (Ids{2, Built(v).id("a")}));
  v.fuseUnknown = false;
  EXPECT_EQ(Built(v).encode("xyz"), (Ids{2, 2, 2}));
  v.unknown = GEMMAC_NO_TOKEN;
  EXPECT_EQ(Built(v).encode("xaz"), (Ids{Built(v).id("a")}));
}

TEST(Tokenizer, SingleToken) {
  Built built(small());
  EXPECT_EQ(built.tokenizer.single("<turn|>"), built.id("<turn|>"));
  EXPECT_EQ(built.tokenizer.single("<turn|>\n"), -1);
  EXPECT_EQ(built.tokenizer.single(""), -1);
}

// The definition, word by word: scan for the best pair, merge it, start again.
static Ids slowMerge(const test::Vocabulary &v, Ids symbols) {
  for (;;) {
    size_t best = v.merges.size(), place = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i)
      for (size_t rank = 0; rank < best; ++rank)
        if (v.merges[rank] == std::pair(static_cast<uint32_t>(symbols[i]), static_cast<uint32_t>(symbols[i + 1]))) {
          best = rank;
          place = i;
        }
    if (best == v.merges.size())
      return symbols;
    auto [left, right] = v.merges[best];
    symbols[place] = static_cast<int32_t>(v.id(v.tokens[left].text + v.tokens[right].text));
    symbols.erase(symbols.begin() + static_cast<ptrdiff_t>(place) + 1);
  }
}

TEST(Tokenizer, AgreesWithTheSlowDefinition) {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    test::Vocabulary v;
    for (char c = 'a'; c <= 'd'; ++c)
      v.add(std::string(1, c));
    for (int i = 0; i < 25; ++i) { // random merges of what is there already
      const uint32_t left = random() % v.tokens.size(), right = random() % v.tokens.size();
      const std::string text = v.tokens[left].text + v.tokens[right].text;
      const std::pair pair(left, right);
      if (text.size() > 8 || std::find(v.merges.begin(), v.merges.end(), pair) != v.merges.end())
        continue;
      if (v.id(text) == GEMMAC_NO_TOKEN)
        v.add(text);
      v.merges.push_back(pair);
    }
    Built built(v);
    for (int sample = 0; sample < 20; ++sample) {
      std::string text;
      Ids symbols;
      for (size_t i = 0, length = random() % 60; i < length; ++i) {
        symbols.push_back(static_cast<int32_t>(random() % 4));
        text += static_cast<char>('a' + symbols.back());
      }
      ASSERT_EQ(built.encode(text), slowMerge(v, symbols)) << text;
    }
  }
}

TEST(Tokenizer, LongTextTakesNoQuadraticTime) {
  Built built(small());
  EXPECT_EQ(built.encode(std::string(300000, 'a')).size(), 300000u);
  std::string text;
  for (int i = 0; i < 100000; ++i)
    text += "abc";
  EXPECT_EQ(built.encode(text).size(), 100000u);
}

TEST(Tokenizer, RefusesTablesThatLeaveTheirSpan) {
  const Built good(small());
  auto codeAfter = [&](auto change) {
    Built built(small());
    change(built.header());
    return built.open().code();
  };
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &) {}), ExitCode::success);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.magic ^= 1; }), ExitCode::damagedProgram);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.vocab += 1; }), ExitCode::damagedProgram);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.merge_slots = 0; }), ExitCode::damagedProgram);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.pilot_count = UINT32_MAX; }), ExitCode::damagedProgram);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.joins_log2 = 32; }), ExitCode::damagedProgram);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.joins_log2 = 5; }), ExitCode::damagedProgram);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.joins_log2 = 70; }), ExitCode::damagedProgram);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.added_texts = UINT64_MAX - 7; }), ExitCode::damagedProgram);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.merge_slots = 1u << 31; }), ExitCode::damagedProgram);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.char_count = UINT32_MAX; }), ExitCode::damagedProgram);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.added_count = UINT32_MAX; }), ExitCode::damagedProgram);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.chars = UINT64_MAX - 7; }), ExitCode::damagedProgram);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.merges += 4; }), ExitCode::damagedProgram);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.texts = UINT64_MAX; }), ExitCode::damagedProgram);
  EXPECT_EQ(codeAfter([](gemmac_tokenizer &t) { t.space = UINT32_MAX; }), ExitCode::damagedProgram);
  Built built(small());
  for (uint64_t bytes = 0; bytes < sizeof(gemmac_tokenizer); bytes += 8)
    EXPECT_FALSE(Tokenizer().open(built.bytes(), bytes, static_cast<int64_t>(built.vocabulary.tokens.size())).ok());
}

TEST(Tokenizer, DamagedContentsNeverCrashNorLeaveTheVocabulary) {
  std::mt19937 random(2);
  const std::string text = "abc <turn|>\n\n\n a\xc3\xa9\xf0\x9f\x98\x80 bcbcab";
  for (int round = 0; round < 3000; ++round) {
    Built built(small());
    for (int i = 0; i < 20; ++i)
      built.bytes()[random() % (built.table.size() * 8)] = static_cast<uint8_t>(random());
    if (!built.open().ok())
      continue;
    Ids ids;
    const Segment segment{text, true};
    built.tokenizer.encode({&segment, 1}, ids);
    for (int32_t id : ids) {
      ASSERT_GE(id, 0);
      ASSERT_LT(static_cast<size_t>(id), built.vocabulary.tokens.size());
      built.tokenizer.text(id);
      built.tokenizer.kind(id);
    }
  }
}
