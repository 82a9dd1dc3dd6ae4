// tokenizer.json and its compiled table. The table is checked by a small byte-pair encoder that reads nothing else.
#include "gemmac/tokenizer.h"
#include "ImportTest.h"
#include "compiler/import/TokenizerReader.h"

#include <ctime>

using namespace gemmac;
using namespace gemmac::test;

namespace {

Vocabulary read(const Json &json, int64_t vocab = 32) {
  return valueOf(readTokenizer("tokenizer.json", json.dump(), vocab));
}
std::string error(const Json &json, int64_t vocab = 32) {
  return errorOf(readTokenizer("tokenizer.json", json.dump(), vocab));
}

/// A table as the runtime sees it.
class Table {
public:
  explicit Table(std::string data) : data(std::move(data)) {
    memcpy(&header, this->data.data(), sizeof header);
    EXPECT_EQ(header.magic, GEMMAC_TOKENIZER_MAGIC);
    for (uint64_t offset : {header.chars, header.merges, header.text_ends, header.texts, header.kinds, header.added,
                            header.added_texts, header.pilots, header.joins})
      EXPECT_EQ(offset % 8, 0u);
  }
  template <typename T> T at(uint64_t section, uint64_t index) const {
    T value;
    EXPECT_LE(section + (index + 1) * sizeof(T), data.size());
    memcpy(&value, data.data() + section + index * sizeof(T), sizeof(T));
    return value;
  }
  std::string text(uint32_t id) const {
    uint32_t begin = id ? at<uint32_t>(header.text_ends, id - 1) : 0, end = at<uint32_t>(header.text_ends, id);
    return data.substr(header.texts + begin, end - begin);
  }
  uint8_t kind(uint32_t id) const { return at<uint8_t>(header.kinds, id); }
  std::optional<gemmac_token_merge> merge(uint32_t left, uint32_t right) const {
    if (header.pilot_count == 0)
      return std::nullopt;
    const uint64_t hash = gemmac_merge_hash(left, right);
    auto pilot = at<uint16_t>(header.pilots, gemmac_merge_bucket(hash, header.pilot_count));
    auto entry = at<gemmac_token_merge>(header.merges, gemmac_merge_slot(hash, pilot, header.merge_slots));
    return entry.left == left && entry.right == right ? std::optional(entry) : std::nullopt;
  }
  std::string spelling(uint32_t index) const {
    uint32_t begin = index ? at<gemmac_token_added>(header.added, index - 1).end : 0;
    return data.substr(header.added_texts + begin, at<gemmac_token_added>(header.added, index).end - begin);
  }

  std::vector<uint32_t> encode(llvm::StringRef text) const;
  std::string decode(llvm::ArrayRef<uint32_t> ids) const {
    std::string result;
    for (uint32_t id : ids)
      result += text(id);
    return result;
  }

  std::string data;
  gemmac_tokenizer header;

private:
  void encodePlain(llvm::StringRef text, std::vector<uint32_t> &ids) const;
  uint32_t charId(uint32_t codePoint) const {
    for (uint32_t i = 0; i < header.char_count; ++i)
      if (auto one = at<gemmac_token_char>(header.chars, i); one.code_point == codePoint)
        return one.id;
    return GEMMAC_NO_TOKEN;
  }
};

uint32_t takeCodePoint(llvm::StringRef &text, llvm::StringRef &bytes) {
  auto first = static_cast<unsigned char>(text[0]);
  size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  uint32_t codePoint = length == 1 ? first : first & (0x7f >> length);
  for (char c : text.substr(1, length - 1))
    codePoint = codePoint << 6 | (static_cast<unsigned char>(c) & 0x3f);
  bytes = text.take_front(length);
  text = text.drop_front(length);
  return codePoint;
}

void Table::encodePlain(llvm::StringRef text, std::vector<uint32_t> &ids) const {
  std::vector<uint32_t> word;
  while (!text.empty()) {
    llvm::StringRef bytes;
    uint32_t codePoint = takeCodePoint(text, bytes), id = charId(codePoint == ' ' ? header.space : codePoint);
    if (id != GEMMAC_NO_TOKEN)
      word.push_back(id);
    else
      for (char c : bytes)
        word.push_back(header.byte_ids[static_cast<unsigned char>(c)]);
  }
  while (true) { // the lowest rank first, leftmost on ties
    size_t best = word.size();
    gemmac_token_merge chosen = {};
    for (size_t i = 0; i + 1 < word.size(); ++i)
      if (auto found = merge(word[i], word[i + 1]); found && (best == word.size() || found->rank < chosen.rank))
        best = i, chosen = *found;
    if (best == word.size())
      break;
    word[best] = chosen.merged;
    word.erase(word.begin() + static_cast<ptrdiff_t>(best) + 1);
  }
  ids.insert(ids.end(), word.begin(), word.end());
}

std::vector<uint32_t> Table::encode(llvm::StringRef text) const {
  std::vector<uint32_t> ids;
  size_t plain = 0, at = 0;
  while (at < text.size()) {
    uint32_t match = GEMMAC_NO_TOKEN, length = 0;
    for (uint32_t i = 0; i < header.added_count; ++i)
      if (std::string added = spelling(i); added.size() > length && text.substr(at).starts_with(added))
        match = this->at<gemmac_token_added>(header.added, i).id, length = static_cast<uint32_t>(added.size());
    if (match == GEMMAC_NO_TOKEN) {
      ++at;
      continue;
    }
    encodePlain(text.slice(plain, at), ids);
    ids.push_back(match);
    plain = at += length;
  }
  encodePlain(text.substr(plain), ids);
  return ids;
}

TEST(Tokenizer, kindsTextsAndUnused) {
  Table table(serializeTokenizer(read(smallTokenizer())));
  EXPECT_EQ(table.header.vocab, 32u);
  EXPECT_EQ(table.header.unknown_id, 3u);
  EXPECT_EQ(table.header.byte_fallback, 1u);
  EXPECT_EQ(table.header.fuse_unknown, 1u);
  EXPECT_EQ(table.header.space, 0x2581u);
  EXPECT_EQ(table.kind(4), GEMMAC_TOKEN_CONTROL);
  EXPECT_EQ(table.text(4), "<|turn>");
  EXPECT_EQ(table.kind(16), GEMMAC_TOKEN_TEXT);
  EXPECT_EQ(table.text(16), " a");
  EXPECT_EQ(table.kind(18), GEMMAC_TOKEN_BYTE);
  EXPECT_EQ(table.text(18), "A");
  EXPECT_EQ(table.text(19), "\xc3");
  EXPECT_EQ(table.header.byte_ids[0xc3], 19u);
  EXPECT_EQ(table.header.byte_ids[0x42], GEMMAC_NO_TOKEN);
  EXPECT_EQ(table.text(20), "\U0001F600");
  EXPECT_EQ(table.kind(22), GEMMAC_TOKEN_UNUSED);
  EXPECT_EQ(table.kind(31), GEMMAC_TOKEN_UNUSED);
  EXPECT_EQ(table.text(31), "");
}

TEST(Tokenizer, charactersAreSorted) {
  Table table(serializeTokenizer(read(smallTokenizer())));
  std::vector<uint32_t> codePoints, ids;
  for (uint32_t i = 0; i < table.header.char_count; ++i) {
    auto one = table.at<gemmac_token_char>(table.header.chars, i);
    codePoints.push_back(one.code_point);
    ids.push_back(one.id);
  }
  EXPECT_TRUE(areEqual(codePoints, {'\n', 'a', 'b', 'c', 0xe9, 0x2581, 0x1f600}));
  EXPECT_TRUE(areEqual(ids, {9, 11, 12, 13, 17, 10, 20}));
}

TEST(Tokenizer, mergesInBothSpellings) {
  Json strings = smallTokenizer();
  strings["model"]["merges"] = {"#version: 0.2", "a b", "ab c", "\u2581 a", "\n \n"};
  for (const Json &json : {smallTokenizer(), strings}) {
    Table table(serializeTokenizer(read(json)));
    EXPECT_TRUE(areEqual(table.encode("abc a\n\n\nab"), {15, 16, 21, 9, 14}));
    EXPECT_EQ(table.merge(11, 12)->merged, 14u);
    EXPECT_FALSE(table.merge(12, 11));
    EXPECT_LT(table.merge(11, 12)->rank, table.merge(14, 13)->rank);
  }
}

TEST(Tokenizer, addedTokensAreSortedAndTheLongestIsTaken) {
  Json json = smallTokenizer();
  json["added_tokens"].push_back({{"id", 21}, {"content", "\n\n"}, {"special", false}, {"normalized", false}});
  json["added_tokens"].push_back({{"id", 22}, {"content", "<|turn>x"}, {"special", false}, {"normalized", false}});
  json["added_tokens"].push_back({{"id", 23}, {"content", "\u2581\u2581"}, {"special", false}, {"normalized", false}});
  Table table(serializeTokenizer(read(json)));
  EXPECT_EQ(table.header.added_count, 12u);
  EXPECT_EQ(table.header.added_spaced, 0u);
  std::vector<std::string> spellings;
  for (uint32_t i = 0; i < table.header.added_count; ++i)
    spellings.push_back(table.spelling(i));
  EXPECT_TRUE(std::is_sorted(spellings.begin(), spellings.end()));
  EXPECT_TRUE(areEqual(table.encode("<|turn>x<|turn>\n\n\n"), {22, 4, 21, 9}));
  // Matched as it is spelled; to print it is another matter.
  EXPECT_TRUE(areEqual(table.encode("\u2581\u2581\u2581a  a"), {23, 16, 10, 16}));
  EXPECT_EQ(table.text(23), "  ");
}

TEST(Tokenizer, sameBytesEachTime) {
  EXPECT_EQ(serializeTokenizer(read(smallTokenizer())), serializeTokenizer(read(smallTokenizer())));
}

TEST(Tokenizer, textGivenTwiceKeepsTheLaterId) {
  std::string text = smallTokenizer().dump();
  size_t at = text.find("\"vocab\":{");
  ASSERT_NE(at, std::string::npos);
  text.insert(at + 9, "\"c\":30,");
  Vocabulary vocabulary = valueOf(readTokenizer("tokenizer.json", text, 32));
  EXPECT_EQ(vocabulary.ids["c"], 13u);
  EXPECT_FALSE(vocabulary.texts[30]);
}

TEST(Tokenizer, wrongVocabulary) {
  Json json = smallTokenizer();
  EXPECT_TRUE(contains(error(json, 20), "has id 2"));
  EXPECT_TRUE(contains(error(json, 21), "token '\\n\\n' has id 21, expected less than the model's vocab_size 21"));
  json["model"]["vocab"]["zz"] = 14;
  EXPECT_TRUE(contains(error(json), "tokens 'ab' and 'zz' both have id 14"));
  for (const Json &id : {Json(-1), Json(1.5), Json("x"), Json(1ull << 40)}) {
    json["model"]["vocab"]["zz"] = id;
    EXPECT_TRUE(contains(error(json), "token 'zz' has id"));
  }
  json["model"]["vocab"] = Json::array();
  EXPECT_TRUE(contains(error(json), "'model.vocab' is an array"));
}

TEST(Tokenizer, brokenMerges) {
  auto with = [](const Json &merge) {
    Json json = smallTokenizer();
    json["model"]["merges"].push_back(merge);
    return error(json);
  };
  EXPECT_TRUE(contains(with(Json::array({"a", "q"})), "merge 4 of 'a' and 'q': 'q' is not in the vocabulary"));
  EXPECT_TRUE(contains(with(Json::array({"q", "a"})), "'q' is not in the vocabulary"));
  EXPECT_TRUE(contains(with(Json::array({"b", "a"})), "'ba' is not in the vocabulary"));
  for (const Json &merge : {Json("ab"), Json("a b c"), Json(" "), Json(3), Json::array({"a"}), Json::array({"a", 1}),
                            Json::array({"", "a"}), Json::array({"a", "b", "c"}), Json()})
    EXPECT_TRUE(contains(with(merge), "merge 4 is", "expected two tokens")) << merge;
}

TEST(Tokenizer, settingsThatAreNotImplemented) {
  auto with = [](const char *pointer, const Json &value) {
    Json json = smallTokenizer();
    json[Json::json_pointer(pointer)] = value;
    return error(json);
  };
  EXPECT_TRUE(contains(with("/normalizer", nullptr), "field 'normalizer' is missing"));
  EXPECT_TRUE(contains(with("/normalizer", {{"type", "NFKC"}}), "field 'normalizer' is '{\"type\":\"NFKC\"}'"));
  EXPECT_TRUE(contains(with("/decoder/decoders/2/type", "Strip"), "field 'decoder'"));
  EXPECT_TRUE(contains(with("/pre_tokenizer", {{"type", "ByteLevel"}}), "field 'pre_tokenizer'"));
  EXPECT_EQ(with("/pre_tokenizer", {{"type", "Split"}, {"pattern", {{"String", " "}}}, {"invert", false}}), "");
  EXPECT_EQ(with("/pre_tokenizer", nullptr), "");
  EXPECT_TRUE(contains(with("/post_processor", {{"type", "ByteLevel"}}), "field 'post_processor'"));
  EXPECT_EQ(with("/post_processor", {{"type", "TemplateProcessing"}}), "");
  EXPECT_TRUE(contains(with("/model/type", "Unigram"), "'model.type' is 'Unigram', expected 'BPE'"));
  EXPECT_TRUE(contains(with("/model/dropout", 0.1), "'model.dropout' is 0.1"));
  EXPECT_EQ(with("/model/dropout", nullptr), "");
  EXPECT_TRUE(contains(with("/model/ignore_merges", true), "'model.ignore_merges'"));
  EXPECT_TRUE(contains(with("/model/continuing_subword_prefix", "##"), "'model.continuing_subword_prefix'"));
  EXPECT_TRUE(contains(with("/model/end_of_word_suffix", "</w>"), "'model.end_of_word_suffix'"));
  EXPECT_TRUE(contains(with("/model/unk_token", "<none>"), "'model.unk_token' is '<none>'"));
  EXPECT_TRUE(contains(with("/model/novelty", 1), "'model.novelty' is unknown"));
  EXPECT_TRUE(contains(with("/novelty", 1), "'novelty' is unknown"));
  EXPECT_TRUE(contains(with("/model", 1), "'model' is 1, expected an object"));
}

TEST(Tokenizer, wrongAddedTokens) {
  auto with = [](const Json &token) {
    Json json = smallTokenizer();
    json["added_tokens"].push_back(token);
    return error(json);
  };
  EXPECT_EQ(with({{"id", 25}, {"content", "<x>"}}), "");
  EXPECT_TRUE(contains(with({{"id", -1}, {"content", "<x>"}}), "'added_tokens.9.id' is -1"));
  EXPECT_TRUE(contains(with({{"content", "<x>"}}), "'added_tokens.9.id' is missing"));
  EXPECT_TRUE(contains(with({{"id", 25}, {"content", ""}}), "'added_tokens.9.content'"));
  EXPECT_TRUE(contains(with({{"id", 11}, {"content", "<x>"}}), "has id 11, which is already that of 'a'"));
  EXPECT_TRUE(contains(with({{"id", 25}, {"content", "a"}}), "added token 'a' has id 25, but 11"));
  EXPECT_TRUE(contains(with({{"id", 25}, {"content", "<x>"}, {"lstrip", true}}), "'added_tokens.9.lstrip' is true"));
  EXPECT_EQ(with({{"id", 25}, {"content", "x y"}, {"normalized", true}}), "");
  EXPECT_TRUE(
      contains(with({{"id", 25}, {"content", "x\u2581y"}, {"normalized", true}}), "'added_tokens.9.normalized'"));
  EXPECT_TRUE(contains(with({{"id", 25}, {"content", "<x>"}, {"odd", 1}}), "'added_tokens.9.odd' is unknown"));
  EXPECT_TRUE(contains(with(5), "added token 9 is 5, expected an object"));
}

/// Every golden string of the small checkpoints, which were made by another tokenizer library.
TEST(Tokenizer, goldens) {
  Table table(serializeTokenizer(valueOf(
      readTokenizer("tokenizer.json", readFile(std::string(GEMMAC_CHECKPOINTS) + "/tiny-e/tokenizer.json"), 1280))));
  Json goldens = Json::parse(readFile(std::string(GEMMAC_GOLDENS) + "/tokenizer.json"), nullptr, false);
  ASSERT_TRUE(goldens.is_object());
  ASSERT_GE(goldens["strings"].size(), 300u);
  for (const Json &golden : goldens["strings"]) {
    auto text = golden["text"].get<std::string>();
    EXPECT_EQ(table.encode(text), golden["ids"].get<std::vector<uint32_t>>()) << text;
    EXPECT_EQ(table.decode(golden["ids"].get<std::vector<uint32_t>>()), golden["decoded"].get<std::string>()) << text;
  }
}

/// A tokenizer as large as the published one: 262144 tokens, 514906 merges. Its words are all strings of one to three
/// letters and many of four; each is made from its start and last letter and, another merge, first letter and rest.
TEST(Tokenizer, realSizeIsQuick) {
  Json json = smallTokenizer();
  Json &vocab = json["model"]["vocab"], &merges = json["model"]["merges"];
  std::vector<std::string> words = {""};
  for (size_t start = 0; words.size() < 262000; ++start)
    for (char letter = 'a'; letter <= 'z' && words.size() < 262000; ++letter)
      words.push_back(words[start] + letter);
  uint32_t id = 32;
  for (const std::string &word : words)
    if (!word.empty() && !vocab.contains(word))
      vocab[word] = id++;
  for (size_t i = 27; merges.size() < 514906; ++i)
    for (size_t cut : {words[i].size() - 1, size_t(1)})
      merges.push_back(Json::array({words[i].substr(0, cut), words[i].substr(cut)}));
  std::string text = json.dump();
  std::clock_t start = std::clock();
  Table table(serializeTokenizer(valueOf(readTokenizer("tokenizer.json", text, 262144))));
  double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_LT(table.header.merge_slots, 262144u * 20 / 19); // one merge for each token
  auto idOf = [&](const char *word) { return vocab[word].get<uint32_t>(); };
  EXPECT_EQ(table.merge(idOf("xy"), idOf("z"))->merged, idOf("xyz"));
  EXPECT_FALSE(table.merge(idOf("x"), idOf("yz"))); // of a higher rank: never made
  EXPECT_FALSE(table.merge(idOf("xy"), idOf("zz")));
  // A pair listed again counts where it stands last: "ab" is 'a' + 'b' by both cuts, and the small tokenizer has it
  // too.
  EXPECT_EQ(table.merge(idOf("a"), idOf("b"))->rank, 7u);
  EXPECT_LT(seconds, 20.0); // CPU time, about one second; the bound catches quadratic work
}

/// <image_soft_token> of published text models, in either place or both: the model has no row for it.
TEST(Tokenizer, addedTokensBeyondTheModel) {
  Json json = smallTokenizer();
  json["added_tokens"].push_back({{"id", 32}, {"content", "<image_soft_token>"}, {"special", true}});
  for (bool inBoth : {false, true}) {
    if (inBoth)
      json["model"]["vocab"]["<image_soft_token>"] = 32;
    Vocabulary vocabulary = valueOf(readTokenizer("t.json", json.dump(), 32));
    ASSERT_EQ(vocabulary.leftOut.size(), 1u);
    EXPECT_EQ(vocabulary.leftOut[0].id, 32u);
    EXPECT_EQ(vocabulary.added.size(), 9u);
    EXPECT_FALSE(vocabulary.ids.contains("<image_soft_token>"));
  }
  json["model"]["vocab"]["word"] = 33;
  EXPECT_TRUE(
      contains(errorOf(readTokenizer("t.json", json.dump(), 32)), "token 'word' has id 33, expected less than"));
}

/// As `add_tokens` of transformers makes them: looked for after spaces became U+2581, like the text.
TEST(Tokenizer, addedTokenWithSpaces) {
  Json json = smallTokenizer();
  json["added_tokens"].push_back({{"id", 25}, {"content", "a b"}, {"special", false}, {"normalized", true}});
  Table table(serializeTokenizer(read(json)));
  EXPECT_TRUE(areEqual(table.encode("ba ba bc"), {12, 25, 25, 13}));
  EXPECT_EQ(table.decode({25, 11}), "a ba");
}

} // namespace
