// The vocabulary as the runtime reads it: the layout of gemmac_tokenizer in gemmac/tokenizer.h.
#include "compiler/import/MergeTable.h"
#include "compiler/import/ReachableMerges.h"
#include "compiler/import/TokenizerReader.h"
#include "gemmac/tokenizer.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cassert>
#include <cstring>

using namespace gemmac;
using llvm::StringRef;

static constexpr StringRef spaceMark = "\xe2\x96\x81";
static constexpr uint32_t spaceCodePoint = 0x2581;

/// The code point of a text that is exactly one character. The JSON parser accepts valid UTF-8 only.
static std::optional<uint32_t> singleCodePoint(StringRef text) {
  if (text.empty() || text.size() > 4)
    return std::nullopt;
  auto first = static_cast<unsigned char>(text[0]);
  size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (text.size() != length)
    return std::nullopt;
  uint32_t codePoint = length == 1 ? first : first & (0x7f >> length);
  for (char c : text.drop_front())
    codePoint = codePoint << 6 | (static_cast<unsigned char>(c) & 0x3f);
  return codePoint;
}

std::optional<uint8_t> gemmac::tokenByte(StringRef text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>')
    return std::nullopt;
  unsigned high = llvm::hexDigitValue(text[3]), low = llvm::hexDigitValue(text[4]);
  if (high > 15 || low > 15)
    return std::nullopt;
  return static_cast<uint8_t>(high << 4 | low);
}

static std::string withSpaces(StringRef text) {
  std::string result;
  while (true) {
    auto [before, after] = text.split(spaceMark);
    result += before;
    if (before.size() == text.size())
      return result;
    result += ' ';
    text = after;
  }
}

static std::string withSpaceMarks(StringRef text) {
  std::string result;
  for (char c : text)
    result += c == ' ' ? spaceMark : StringRef(&c, 1);
  return result;
}

namespace {

class TableBuilder {
public:
  explicit TableBuilder(const Vocabulary &vocabulary) : vocabulary(vocabulary) {}
  std::string build();

private:
  void addTexts();
  void addMerges();
  void addAddedTokens();
  template <typename T> uint64_t append(llvm::ArrayRef<T> items);

  const Vocabulary &vocabulary;
  gemmac_tokenizer header = {};
  std::vector<gemmac_token_char> characters;
  std::string sections; // what follows the header
};

} // namespace

template <typename T> uint64_t TableBuilder::append(llvm::ArrayRef<T> items) {
  static_assert(sizeof(gemmac_tokenizer) % 8 == 0);
  sections.resize(llvm::alignTo(sections.size(), 8));
  uint64_t offset = sizeof(gemmac_tokenizer) + sections.size();
  if (!items.empty())
    sections.append(reinterpret_cast<const char *>(items.data()), items.size() * sizeof(T));
  return offset;
}

void TableBuilder::addTexts() {
  std::vector<uint32_t> ends;
  std::vector<uint8_t> kinds(vocabulary.size, GEMMAC_TOKEN_UNUSED);
  std::string texts;
  std::fill(std::begin(header.byte_ids), std::end(header.byte_ids), GEMMAC_NO_TOKEN);
  for (uint32_t id = 0; id < vocabulary.size; ++id) {
    if (const std::optional<std::string> &text = vocabulary.texts[id]) {
      std::optional<uint8_t> byte = tokenByte(*text);
      kinds[id] = byte ? GEMMAC_TOKEN_BYTE : GEMMAC_TOKEN_TEXT;
      if (byte)
        texts += static_cast<char>(*byte);
      else
        texts += withSpaces(*text);
      // Encoding only knows the upper-case spelling; decoding takes both.
      if (byte && StringRef(*text).drop_front(3) == StringRef(*text).drop_front(3).upper())
        header.byte_ids[*byte] = id;
      // Of tokens with the same text the one that merges name.
      if (std::optional<uint32_t> codePoint = singleCodePoint(*text); codePoint && vocabulary.ids.lookup(*text) == id)
        characters.push_back({*codePoint, id});
    }
    ends.push_back(static_cast<uint32_t>(texts.size()));
  }
  for (const AddedToken &token : vocabulary.added)
    if (token.special)
      kinds[token.id] = GEMMAC_TOKEN_CONTROL;
  llvm::sort(characters, [](const auto &a, const auto &b) { return a.code_point < b.code_point; });
  header.char_count = static_cast<uint32_t>(characters.size());
  header.chars = append<gemmac_token_char>(characters);
  header.text_ends = append<uint32_t>(ends);
  header.texts = append<char>(llvm::ArrayRef(texts.data(), texts.size()));
  header.kinds = append<uint8_t>(kinds);
}

void TableBuilder::addMerges() {
  const ReachableMerges reachable = findReachableMerges(vocabulary, characters);
  const MergeTable table = buildMergeTable(reachable.merges);
  header.merge_slots = static_cast<uint32_t>(table.slots.size());
  header.merges = append<gemmac_token_merge>(table.slots);
  header.pilot_count = static_cast<uint32_t>(table.pilots.size());
  header.pilots = append<uint16_t>(table.pilots);
  header.joins_log2 = reachable.joinsLog2;
  header.joins = append<uint64_t>(reachable.joins);
}

void TableBuilder::addAddedTokens() {
  std::vector<const AddedToken *> order;
  for (const AddedToken &token : vocabulary.added)
    order.push_back(&token);
  // SentencePiece looks for them where spaces are U+2581 already; converters spell them either way.
  auto spelling = [&](const AddedToken &token) {
    return vocabulary.addedSpaced ? withSpaceMarks(token.text) : token.text;
  };
  llvm::sort(order, [&](const AddedToken *a, const AddedToken *b) {
    return std::tuple(spelling(*a), a->id) < std::tuple(spelling(*b), b->id);
  });
  std::vector<gemmac_token_added> added;
  std::string texts;
  for (const AddedToken *token : order) {
    if (!added.empty() && added.back().id == token->id)
      continue;
    texts += spelling(*token);
    added.push_back({token->id, static_cast<uint32_t>(texts.size())});
  }
  header.added_spaced = vocabulary.addedSpaced;
  header.added_count = static_cast<uint32_t>(added.size());
  header.added = append<gemmac_token_added>(added);
  header.added_texts = append<char>(llvm::ArrayRef(texts.data(), texts.size()));
}

std::string TableBuilder::build() {
  header.magic = GEMMAC_TOKENIZER_MAGIC;
  header.vocab = vocabulary.size;
  header.unknown_id = vocabulary.unknown;
  header.byte_fallback = vocabulary.byteFallback;
  header.fuse_unknown = vocabulary.fuseUnknown;
  header.space = spaceCodePoint;
  addTexts();
  addAddedTokens();
  addMerges();
  std::string table(reinterpret_cast<const char *>(&header), sizeof header);
  table += sections;
  table.resize(llvm::alignTo(table.size(), 8));
  return table;
}

std::string gemmac::serializeTokenizer(const Vocabulary &vocabulary) { return TableBuilder(vocabulary).build(); }
