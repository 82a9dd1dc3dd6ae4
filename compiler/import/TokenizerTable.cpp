// The vocabulary as the runtime reads it: the layout of gemmac_tokenizer in abi.h.
#include "compiler/import/TokenizerReader.h"
#include "gemmac/abi.h"

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
  std::vector<gemmac_token_char> chars;
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
      if (std::optional<uint32_t> codePoint = singleCodePoint(*text))
        chars.push_back({*codePoint, id});
    }
    ends.push_back(static_cast<uint32_t>(texts.size()));
  }
  for (const AddedToken &token : vocabulary.added)
    if (token.special)
      kinds[token.id] = GEMMAC_TOKEN_CONTROL;
  llvm::sort(chars, [](const auto &a, const auto &b) { return a.code_point < b.code_point; });
  header.char_count = static_cast<uint32_t>(chars.size());
  header.chars = append<gemmac_token_char>(chars);
  header.text_ends = append<uint32_t>(ends);
  header.texts = append<char>(llvm::ArrayRef(texts.data(), texts.size()));
  header.kinds = append<uint8_t>(kinds);
}

void TableBuilder::addMerges() {
  // At most three quarters full, so that a miss ends soon; at least one slot stays free.
  header.merge_slots = static_cast<uint32_t>(llvm::PowerOf2Ceil(vocabulary.merges.size() * 4 / 3 + 2));
  std::vector<gemmac_token_merge> slots(header.merge_slots, {GEMMAC_NO_TOKEN, GEMMAC_NO_TOKEN, 0, 0});
  for (const Merge &merge : vocabulary.merges) {
    uint64_t slot = gemmac_merge_hash(merge.left, merge.right) & (header.merge_slots - 1);
    while (slots[slot].left != GEMMAC_NO_TOKEN && (slots[slot].left != merge.left || slots[slot].right != merge.right))
      slot = (slot + 1) & (header.merge_slots - 1);
    // A pair listed twice counts where it stands last, as in the reference.
    slots[slot] = {merge.left, merge.right, merge.rank, merge.merged};
  }
  header.merges = append<gemmac_token_merge>(slots);
}

void TableBuilder::addAddedTokens() {
  // Added tokens are matched in the raw text, where U+2581 is not a space; the table spells it as one, so such tokens
  // (runs of spaces) are left to the merges.
  std::vector<const AddedToken *> order;
  for (const AddedToken &token : vocabulary.added)
    if (!StringRef(token.text).contains(spaceMark) && !tokenByte(token.text))
      order.push_back(&token);
  llvm::sort(order, [](const AddedToken *a, const AddedToken *b) {
    return std::tuple(b->text.size(), StringRef(a->text), a->id) <
           std::tuple(a->text.size(), StringRef(b->text), b->id);
  });
  std::vector<uint32_t> ids;
  for (const AddedToken *token : order)
    if (ids.empty() || ids.back() != token->id)
      ids.push_back(token->id);
  header.added_count = static_cast<uint32_t>(ids.size());
  header.max_added_bytes = order.empty() ? 0 : static_cast<uint32_t>(order.front()->text.size());
  header.added = append<uint32_t>(ids);
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
  addMerges(); // last: the runtime leaves them in the file
  std::string table(reinterpret_cast<const char *>(&header), sizeof header);
  table += sections;
  table.resize(llvm::alignTo(table.size(), 8));
  return table;
}

std::string gemmac::serializeTokenizer(const Vocabulary &vocabulary) { return TableBuilder(vocabulary).build(); }
