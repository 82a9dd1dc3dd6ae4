// Builds gemmac_tokenizer tables from small vocabularies, for tests and the demo program.
#ifndef GEMMAC_TESTS_RUNTIME_TOKENIZERTABLE_H
#define GEMMAC_TESTS_RUNTIME_TOKENIZERTABLE_H

#include "compiler/import/MergeTable.h"
#include "gemmac/tokenizer.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace gemmac::test {

struct Vocabulary {
  struct Token {
    std::string text; // U+2581 for a space; one byte for byte tokens
    gemmac_token_kind kind = GEMMAC_TOKEN_TEXT;
    bool added = false;
  };
  std::vector<Token> tokens;
  std::vector<std::pair<uint32_t, uint32_t>> merges; // ids, lowest rank first; the merged text must be a token
  uint32_t unknown = GEMMAC_NO_TOKEN;
  bool byteFallback = true, fuseUnknown = true;
  bool addedSpaced = false;

  uint32_t add(std::string text, gemmac_token_kind kind = GEMMAC_TOKEN_TEXT, bool added = false) {
    tokens.push_back({std::move(text), kind, added || kind == GEMMAC_TOKEN_CONTROL});
    return static_cast<uint32_t>(tokens.size() - 1);
  }
  void addAllBytes() {
    for (int byte = 0; byte < 256; ++byte)
      add(std::string(1, static_cast<char>(byte)), GEMMAC_TOKEN_BYTE);
  }
  /// The id of a text token.
  uint32_t id(const std::string &text) const {
    for (size_t i = 0; i < tokens.size(); ++i)
      if (tokens[i].kind != GEMMAC_TOKEN_BYTE && tokens[i].text == text)
        return static_cast<uint32_t>(i);
    return GEMMAC_NO_TOKEN;
  }
  /// Makes merges that build `text` from its first character on, adding the tokens in between.
  void addWord(const std::string &text) {
    for (size_t length = 2; length <= text.size(); ++length) {
      const std::string left = text.substr(0, length - 1), whole = text.substr(0, length);
      if (id(whole) != GEMMAC_NO_TOKEN)
        continue;
      add(whole);
      merges.emplace_back(id(left), id(text.substr(length - 1, 1)));
    }
  }
};

inline size_t utf8Length(unsigned char lead) { return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4; }

/// The table, in 8-byte units so that it is aligned.
class TableWriter {
public:
  std::vector<uint64_t> write(const Vocabulary &vocabulary) {
    append(std::vector<gemmac_tokenizer>(1));
    gemmac_tokenizer header = {};
    header.magic = GEMMAC_TOKENIZER_MAGIC;
    header.vocab = static_cast<uint32_t>(vocabulary.tokens.size());
    header.unknown_id = vocabulary.unknown;
    header.byte_fallback = vocabulary.byteFallback;
    header.fuse_unknown = vocabulary.fuseUnknown;
    header.space = 0x2581;
    writeTexts(vocabulary, header);
    writeMerges(vocabulary, header);
    memcpy(bytes.data(), &header, sizeof(header));
    std::vector<uint64_t> words(bytes.size() / 8);
    memcpy(words.data(), bytes.data(), bytes.size());
    return words;
  }

private:
  template <typename T> uint64_t append(const std::vector<T> &items) {
    const uint64_t at = bytes.size();
    bytes.resize(at + (items.size() * sizeof(T) + 7) / 8 * 8);
    if (!items.empty())
      memcpy(bytes.data() + at, items.data(), items.size() * sizeof(T));
    return at;
  }

  void writeTexts(const Vocabulary &vocabulary, gemmac_tokenizer &header) {
    std::fill(std::begin(header.byte_ids), std::end(header.byte_ids), GEMMAC_NO_TOKEN);
    std::vector<char> texts;
    std::vector<uint32_t> ends, added;
    std::vector<uint8_t> kinds;
    std::map<uint32_t, uint32_t> characters;
    for (uint32_t id = 0; id < vocabulary.tokens.size(); ++id) {
      const auto &[text, kind, isAdded] = vocabulary.tokens[id];
      std::string plain = text;
      for (size_t at; kind != GEMMAC_TOKEN_BYTE && (at = plain.find("\xe2\x96\x81")) != plain.npos;)
        plain.replace(at, 3, " ");
      texts.insert(texts.end(), plain.begin(), plain.end());
      ends.push_back(static_cast<uint32_t>(texts.size()));
      kinds.push_back(static_cast<uint8_t>(kind));
      if (isAdded)
        added.push_back(id);
      if (kind == GEMMAC_TOKEN_BYTE)
        header.byte_ids[static_cast<uint8_t>(text[0])] = id;
      else if (!text.empty() && text.size() == utf8Length(static_cast<unsigned char>(text[0])))
        characters[codePoint(text)] = id;
    }
    std::sort(added.begin(), added.end(), [&](uint32_t a, uint32_t b) {
      return std::pair(vocabulary.tokens[a].text, a) < std::pair(vocabulary.tokens[b].text, b);
    });
    std::vector<gemmac_token_added> addedList;
    std::vector<char> spellings;
    for (uint32_t id : added) {
      const std::string &text = vocabulary.tokens[id].text;
      spellings.insert(spellings.end(), text.begin(), text.end());
      addedList.push_back({id, static_cast<uint32_t>(spellings.size())});
    }
    std::vector<gemmac_token_char> chars;
    for (auto [c, id] : characters)
      chars.push_back({c, id});
    header.char_count = static_cast<uint32_t>(chars.size());
    header.added_count = static_cast<uint32_t>(added.size());
    header.added_spaced = vocabulary.addedSpaced;
    header.chars = append(chars);
    header.text_ends = append(ends);
    header.texts = append(texts);
    header.kinds = append(kinds);
    header.added = append(addedList);
    header.added_texts = append(spellings);
  }

  // Without joins: every piece of text between two added tokens is encoded as a whole.
  void writeMerges(const Vocabulary &vocabulary, gemmac_tokenizer &header) {
    std::vector<gemmac_token_merge> merges;
    for (uint32_t rank = 0; rank < vocabulary.merges.size(); ++rank) {
      auto [left, right] = vocabulary.merges[rank];
      merges.push_back(
          {left, right, rank, vocabulary.id(vocabulary.tokens[left].text + vocabulary.tokens[right].text)});
    }
    const MergeTable table = buildMergeTable(merges);
    header.merge_slots = static_cast<uint32_t>(table.slots.size());
    header.merges = append(table.slots);
    header.pilot_count = static_cast<uint32_t>(table.pilots.size());
    header.pilots = append(table.pilots);
  }

  static uint32_t codePoint(const std::string &text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    uint32_t value = text.size() == 1 ? lead : lead & (0x7fu >> text.size());
    for (size_t i = 1; i < text.size(); ++i)
      value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
    return value;
  }

  std::vector<uint8_t> bytes;
};

} // namespace gemmac::test

#endif // GEMMAC_TESTS_RUNTIME_TOKENIZERTABLE_H
