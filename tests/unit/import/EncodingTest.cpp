// Compiled tokenizers in the runtime's hands against the definition, word by word: all merges of the vocabulary, the
// best pair looked for anew each time, no cuts.
#include "ImportTest.h"
#include "compiler/import/MergeTable.h"
#include "compiler/import/TokenizerReader.h"
#include "text/Tokenizer.h"

#include <ctime>
#include <random>

using namespace gemmac;
using namespace gemmac::test;

namespace {

constexpr llvm::StringLiteral mark = "\xe2\x96\x81";

/// A vocabulary as the readers make it.
struct Builder {
  Vocabulary vocabulary;

  Builder() {
    vocabulary.byteFallback = true;
    vocabulary.fuseUnknown = true;
  }
  uint32_t add(const std::string &text) {
    auto [known, isNew] = vocabulary.ids.try_emplace(text, vocabulary.size);
    if (isNew) {
      vocabulary.texts.push_back(text);
      ++vocabulary.size;
    }
    return known->second;
  }
  void addBytes() {
    for (unsigned byte = 0; byte < 256; ++byte) {
      char text[8];
      snprintf(text, sizeof text, "<0x%02X>", byte);
      add(text);
    }
  }
  void merge(uint32_t left, uint32_t right, uint32_t rank) {
    const uint32_t merged = add(*vocabulary.texts[left] + *vocabulary.texts[right]);
    vocabulary.merges.push_back({left, right, merged, rank});
  }
  void merge(const std::string &left, const std::string &right) {
    merge(add(left), add(right), static_cast<uint32_t>(vocabulary.merges.size()));
  }
  void addToken(const std::string &text, bool special = false) {
    vocabulary.added.push_back({add(text), text, special});
  }
};

class Compiled {
public:
  explicit Compiled(const Vocabulary &vocabulary) {
    const std::string table = serializeTokenizer(vocabulary);
    words.resize(table.size() / 8);
    memcpy(words.data(), table.data(), table.size());
    auto *bytes = reinterpret_cast<const uint8_t *>(words.data());
    EXPECT_TRUE(tokenizer.open(bytes, table.size(), vocabulary.size).ok());
    memcpy(&header, words.data(), sizeof header);
  }
  std::vector<int32_t> encode(std::string_view text, bool control = false) const {
    std::vector<int32_t> ids;
    const runtime::Segment segment{text, control};
    tokenizer.encode({&segment, 1}, ids);
    return ids;
  }
  runtime::Tokenizer tokenizer;
  gemmac_tokenizer header;

private:
  std::vector<uint64_t> words;
};

/// One token for each character of valid UTF-8, else its bytes.
std::vector<uint32_t> baseTokens(const Vocabulary &vocabulary, llvm::StringRef text) {
  std::vector<uint32_t> ids;
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text[0]);
    const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const llvm::StringRef character = text[0] == ' ' ? llvm::StringRef(mark) : text.take_front(length);
    text = text.drop_front(length);
    if (auto found = vocabulary.ids.find(character); found != vocabulary.ids.end()) {
      ids.push_back(found->second);
      continue;
    }
    for (unsigned char byte : character) {
      char name[8];
      snprintf(name, sizeof name, "<0x%02X>", byte);
      ids.push_back(vocabulary.ids.lookup(name));
    }
  }
  return ids;
}

std::vector<int32_t> slowEncode(const Vocabulary &vocabulary, llvm::StringRef text) {
  std::vector<uint32_t> ids = baseTokens(vocabulary, text);
  for (;;) {
    const Merge *best = nullptr;
    size_t place = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const Merge *found = nullptr; // a pair listed twice counts where it stands last
      for (const Merge &merge : vocabulary.merges)
        if (merge.left == ids[i] && merge.right == ids[i + 1])
          found = &merge;
      if (found && (!best || found->rank < best->rank)) {
        best = found;
        place = i;
      }
    }
    if (!best)
      return {ids.begin(), ids.end()};
    ids[place] = best->merged;
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(place) + 1);
  }
}

/// Characters of a random text: few of them, so that merges abound.
constexpr const char *alphabet[] = {"a", "b", "c", "\xe2\x96\x81", "\n", "\xc3\xa9", "\xe4\xb8\xad", "1"};

/// Random merges of what is there; several ways to make a token, as in published vocabularies; with `tied` ranks
/// repeat.
Builder randomVocabulary(std::mt19937 &random, bool tied) {
  Builder made;
  made.addBytes();
  std::vector<uint32_t> parts;
  for (const char *character : alphabet)
    parts.push_back(made.add(character));
  const uint32_t count = 5 + random() % 40;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t left = parts[random() % parts.size()], right = parts[random() % parts.size()];
    const std::string text = *made.vocabulary.texts[left] + *made.vocabulary.texts[right];
    if (text.size() > 12)
      continue;
    const uint32_t before = made.vocabulary.size;
    made.merge(left, right, tied ? i / 3 : i);
    if (made.vocabulary.size > before)
      parts.push_back(before);
  }
  // Every way to cut a token into two, at a rank of its own.
  for (uint32_t id : parts)
    for (size_t cut = 1; cut < made.vocabulary.texts[id]->size() && random() % 2; ++cut) {
      const llvm::StringRef text = *made.vocabulary.texts[id];
      auto left = made.vocabulary.ids.find(text.take_front(cut)),
           right = made.vocabulary.ids.find(text.drop_front(cut));
      if (left != made.vocabulary.ids.end() && right != made.vocabulary.ids.end())
        made.merge(left->second, right->second, count + random() % count);
    }
  return made;
}

std::string randomText(std::mt19937 &random, size_t length) {
  std::string text;
  while (text.size() < length) {
    const char *character = alphabet[random() % std::size(alphabet)];
    for (uint32_t times = random() % 4 ? 1 : random() % 20; times > 0; --times)
      text += random() % 30 == 0 ? "\xe2\x82\xac" : random() % 12 == 0 ? " " : character;
  }
  return text;
}

} // namespace

TEST(Encoding, agreesWithTheDefinition) {
  std::mt19937 random(1);
  size_t cut = 0, dropped = 0;
  for (int round = 0; round < 300; ++round) {
    Builder made = randomVocabulary(random, round % 3 == 0);
    const Compiled compiled(made.vocabulary);
    cut += compiled.header.joins_log2 > 0;
    dropped += compiled.header.merge_slots < made.vocabulary.merges.size();
    for (int sample = 0; sample < 8; ++sample) {
      const std::string text = randomText(random, random() % (sample == 0 ? 300 : 40));
      ASSERT_EQ(compiled.encode(text), slowEncode(made.vocabulary, text)) << "round " << round << ": " << text;
    }
  }
  EXPECT_EQ(cut, 300u);
  EXPECT_GT(dropped, 100u);
}

// Tokens of bytes: what a token is made of cannot be told from its text.
TEST(Encoding, mergesOfByteTokens) {
  Builder made;
  made.addBytes();
  made.merge("<0xE2>", "<0x82>");
  made.merge("<0xE2><0x82>", "<0xAC>");
  made.merge("a", "b");
  const Compiled compiled(made.vocabulary);
  EXPECT_EQ(compiled.header.joins_log2, 0u);
  for (const char *text : {"\xe2\x82\xac",
                           "ab\xe2\x82\xac"
                           "ab",
                           "\xe2\x82\xad"
                           "aab"})
    EXPECT_EQ(compiled.encode(text), slowEncode(made.vocabulary, text));
  EXPECT_EQ(compiled.encode("ab\xe2\x82\xac").size(), 2u);
}

TEST(Encoding, unknownCharactersAreFusedAcrossCuts) {
  Builder made;
  made.vocabulary.unknown = made.add("<unk>");
  made.merge("a", "b");
  const auto ab = static_cast<int32_t>(made.vocabulary.ids.lookup("ab"));
  EXPECT_EQ(Compiled(made.vocabulary).encode("xyabxx"), (std::vector<int32_t>{0, ab, 0}));
  made.vocabulary.fuseUnknown = false;
  EXPECT_EQ(Compiled(made.vocabulary).encode("xyab"), (std::vector<int32_t>{0, 0, ab}));
}

// In tokenizer.json an added token is looked for in the text as it was typed, in SentencePiece after spaces were
// replaced.
TEST(Encoding, addedTokensOfSpaces) {
  Builder made;
  made.addBytes();
  const std::string one(mark), two = one + one, three = two + one;
  made.merge(one, one);
  made.merge(two, one);
  made.merge(one, "a");
  made.addToken(two);
  made.addToken(three);
  made.addToken("<x>", true);
  auto pieces = [&](const std::string &text) {
    std::string joined;
    for (int32_t id : Compiled(made.vocabulary).encode(text, true))
      joined += (joined.empty() ? "" : "|") + *made.vocabulary.texts[static_cast<size_t>(id)];
    return joined;
  };
  auto marks = [&](size_t count) {
    std::string text;
    while (count-- > 0)
      text += mark;
    return text;
  };
  EXPECT_EQ(pieces("a" + marks(3) + " a"), "a|" + three + "|" + marks(1) + "a");
  EXPECT_EQ(pieces(marks(5) + "a"), three + "|" + two + "|a");
  EXPECT_EQ(pieces("    a"), two + "|" + two + "|a"); // the merges' doing
  EXPECT_EQ(pieces(" " + marks(2) + "<x>" + marks(1)), one + "|" + two + "|<x>|" + one);
  made.vocabulary.addedSpaced = true;
  EXPECT_EQ(pieces("a" + marks(3) + " a"), "a|" + three + "|" + marks(1) + "a");
  EXPECT_EQ(pieces("a " + marks(1) + " " + marks(1) + "a"), "a|" + three + "|" + marks(1) + "a");
  EXPECT_EQ(pieces("    a"), three + "|" + marks(1) + "a");
  EXPECT_EQ(pieces("  a"), two + "|a"); // not merged with what follows
}

// Ids that the `tokenizers` library gives.
TEST(Encoding, literalMarksInACheckpoint) {
  Json json = Json::parse(readFile(std::string(GEMMAC_CHECKPOINTS) + "/tiny-e/tokenizer.json"), nullptr, false);
  std::string run(mark);
  for (int count = 2; count <= 16; ++count) {
    run += mark;
    json["added_tokens"].push_back(
        {{"id", json["model"]["vocab"][run]}, {"content", run}, {"special", false}, {"normalized", false}});
  }
  const Compiled compiled(valueOf(readTokenizer("tokenizer.json", json.dump(), 1280)));
  auto marks = [](size_t count) {
    std::string text;
    while (count-- > 0)
      text += mark;
    return text;
  };
  using Ids = std::vector<int32_t>;
  EXPECT_EQ(compiled.encode("T" + marks(3) + " sum"), (Ids{1176, 37, 1035}));
  EXPECT_EQ(compiled.encode("T" + marks(29) + " sum"), (Ids{1176, 50, 47, 1035}));
  EXPECT_EQ(compiled.encode("T" + marks(51) + " sum"), (Ids{1176, 50, 50, 50, 37, 1035}));
  EXPECT_EQ(compiled.encode(" " + marks(2) + " a"), (Ids{1274, 36, 314}));
  EXPECT_EQ(compiled.encode("x   " + marks(1) + "y"), (Ids{1212, 38, 1213}));
}

TEST(Encoding, longestOfManyAddedTokens) {
  Builder made;
  made.addBytes();
  for (const char *text : {"<a>", "<a>b", "<", "<ab>", "<a>bcd", "\n\n", "\n\n\n", "<0x41>"})
    made.addToken(text, text == std::string("<a>b"));
  auto pieces = [&](const std::string &text, bool control) {
    std::string joined;
    for (int32_t id : Compiled(made.vocabulary).encode(text, control))
      joined += (joined.empty() ? "" : "|") + *made.vocabulary.texts[static_cast<size_t>(id)];
    return joined;
  };
  EXPECT_EQ(pieces("<a>bc<ab><a", true), "<a>b|<0x63>|<ab>|<|<0x61>");
  EXPECT_EQ(pieces("<a>bc<a>bcd", false), "<a>|<0x62>|<0x63>|<a>bcd");
  EXPECT_EQ(pieces("\n\n\n\n\n\n\n", false), "\n\n\n|\n\n\n|<0x0A>");
  EXPECT_EQ(pieces("<0x41>A", false), "<0x41>|<0x41>"); // as it is spelled, and for a byte
}

TEST(Encoding, longTextsTakeNoQuadraticTime) {
  Builder made;
  made.addBytes();
  std::string run = "a";
  for (int i = 0; i < 4; ++i, run += run)
    made.merge(run, run);
  made.merge("a", "b");
  const Compiled compiled(made.vocabulary);
  const std::clock_t start = std::clock();
  EXPECT_EQ(compiled.encode(std::string(1 << 20, 'a')).size(), size_t(1) << 16);
  std::string text;
  for (int i = 0; i < 200000; ++i)
    text += "aab";
  EXPECT_EQ(compiled.encode(text).size(), 400000u);
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 10); // half a second
}

TEST(MergeTable, findsEveryPairAndNoOther) {
  std::mt19937 random(3);
  for (size_t count : {0, 1, 2, 3, 17, 1000, 50000}) {
    std::vector<gemmac_token_merge> merges;
    for (uint32_t i = 0; i < count; ++i)
      merges.push_back({i % 251, i, i, i + 7});
    const MergeTable table = buildMergeTable(merges);
    for (const gemmac_token_merge &merge : merges) {
      const gemmac_token_merge *found = table.find(merge.left, merge.right);
      ASSERT_TRUE(found);
      ASSERT_EQ(found->merged, merge.merged);
    }
    for (int i = 0; i < 1000; ++i)
      ASSERT_FALSE(table.find(251 + random() % 1000, random() % 60000));
    EXPECT_LE(table.slots.size(), count * 20 / 19 + count / 8 + 2);
  }
}
