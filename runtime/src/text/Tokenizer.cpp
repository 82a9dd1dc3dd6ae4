#include "text/Tokenizer.h"

#include "base/Text.h"

#include <algorithm>
#include <cstring>

namespace gemmac::runtime {

static unsigned encodeUtf8(uint32_t c, char *out) {
  if (c < 0x80) {
    out[0] = static_cast<char>(c);
    return 1;
  }
  unsigned length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (unsigned i = length - 1; i > 0; --i, c >>= 6)
    out[i] = static_cast<char>(0x80 | (c & 0x3f));
  out[0] = static_cast<char>((0xf00u >> length & 0xf0) | c);
  return length;
}

/// \returns whether every part of the table lies inside of its `bytes`.
bool Tokenizer::placeParts(const uint8_t *data, uint64_t bytes) {
  auto place = [&](auto &span, uint64_t offset, uint64_t count) {
    using Element = typename std::remove_reference_t<decltype(span)>::element_type;
    if (offset % 8 != 0 || offset > bytes || count > (bytes - offset) / sizeof(Element))
      return false;
    span = {reinterpret_cast<Element *>(data + offset), count};
    return true;
  };
  std::span<const gemmac_token_added> addedList;
  std::span<const char> spellings, textBytes;
  const uint64_t joinWords = table->joins_log2 ? uint64_t(1) << (table->joins_log2 & 63) >> 6 : 0;
  if (!place(characters, table->chars, table->char_count) || !place(textEnds, table->text_ends, table->vocab) ||
      !place(kinds, table->kinds, table->vocab) || !place(pairs.merges, table->merges, table->merge_slots) ||
      !place(pairs.pilots, table->pilots, table->pilot_count) || !place(pairs.joins, table->joins, joinWords) ||
      !place(addedList, table->added, table->added_count) ||
      !place(spellings, table->added_texts, addedList.empty() ? 0 : addedList.back().end) ||
      !place(textBytes, table->texts, textEnds.empty() ? 0 : textEnds.back()))
    return false;
  texts = {textBytes.data(), textBytes.size()};
  added.open(addedList, {spellings.data(), spellings.size()}, table->added_spaced ? space : std::string_view());
  return true;
}

Status Tokenizer::open(const uint8_t *data, uint64_t bytes, int64_t vocab) {
  auto damaged = [](const char *what) {
    return Status(ExitCode::damagedProgram, format("the tokenizer table is damaged: %s; copy the program again", what));
  };
  if (bytes < sizeof(gemmac_tokenizer) || reinterpret_cast<uintptr_t>(data) % 8 != 0)
    return damaged("it is too short or misaligned");
  table = reinterpret_cast<const gemmac_tokenizer *>(data);
  if (table->magic != GEMMAC_TOKENIZER_MAGIC)
    return damaged("it does not begin with its magic number");
  if (table->vocab != static_cast<uint64_t>(vocab))
    return damaged("its vocabulary is not the model's");
  if (table->space > 0x10ffff)
    return damaged("its space is no code point");
  if ((table->joins_log2 != 0 && table->joins_log2 < 6) || table->joins_log2 > 32)
    return damaged("the size of its table of joins is impossible");
  if (table->pilot_count != 0 && table->merge_slots == 0)
    return damaged("its merges are missing");
  space = {spaceBytes, encodeUtf8(table->space ? table->space : ' ', spaceBytes)};
  if (!placeParts(data, bytes))
    return damaged("one of its parts lies outside");
  pairs.joinsLog2 = table->joins_log2;
  pairs.vocab = table->vocab;
  indexCharacters();
  return {};
}

void Tokenizer::indexCharacters() {
  uint32_t page = 0;
  for (uint32_t i = 0; i < characters.size(); ++i)
    for (; page < firstOfPage.size() && page <= characters[i].code_point / pageSize; ++page)
      firstOfPage[page] = i;
  for (; page < firstOfPage.size(); ++page)
    firstOfPage[page] = static_cast<uint32_t>(characters.size());
  for (uint32_t c = 0; c < asciiIds.size(); ++c)
    asciiIds[c] = characterId(c == ' ' && table->space ? table->space : c);
}

std::string_view Tokenizer::text(int32_t id) const {
  const auto index = static_cast<uint32_t>(id);
  if (index >= textEnds.size())
    return {};
  const uint32_t begin = index ? textEnds[index - 1] : 0, end = textEnds[index];
  return begin < end && end <= texts.size() ? texts.substr(begin, end - begin) : std::string_view();
}

gemmac_token_kind Tokenizer::kind(int32_t id) const {
  const auto index = static_cast<uint32_t>(id);
  return index < kinds.size() ? static_cast<gemmac_token_kind>(kinds[index]) : GEMMAC_TOKEN_UNUSED;
}

int32_t Tokenizer::single(std::string_view text) const {
  std::vector<int32_t> ids;
  const Segment segment{text, true};
  encode({&segment, 1}, ids);
  return ids.size() == 1 ? ids.front() : -1;
}

uint32_t Tokenizer::characterId(uint32_t codePoint) const {
  const uint32_t page = codePoint / pageSize;
  if (page + 1 >= firstOfPage.size())
    return GEMMAC_NO_TOKEN;
  const auto begin = characters.begin() + firstOfPage[page], end = characters.begin() + firstOfPage[page + 1];
  auto found = std::lower_bound(begin, end, codePoint,
                                [](const gemmac_token_char &entry, uint32_t c) { return entry.code_point < c; });
  bool known = found != end && found->code_point == codePoint && found->id < table->vocab;
  return known ? found->id : GEMMAC_NO_TOKEN;
}

/// Takes base tokens in turn and encodes what lies between two cuts.
class Tokenizer::Pieces {
public:
  Pieces(const BytePairs &pairs, std::vector<int32_t> &ids) : pairs(pairs), ids(ids) {}

  void push(uint32_t id) {
    if (!piece.empty() && !pairs.mayJoin(piece.back(), id))
      flush();
    piece.push_back(id);
    last = id;
  }
  /// The token before this place, in this stretch without added tokens; GEMMAC_NO_TOKEN at its beginning.
  uint32_t previous() const { return last; }
  void pushAdded(uint32_t id) {
    finish();
    ids.push_back(static_cast<int32_t>(id));
  }
  void finish() {
    flush();
    last = GEMMAC_NO_TOKEN;
  }

private:
  void flush() {
    if (piece.size() == 1)
      ids.push_back(static_cast<int32_t>(piece.front()));
    else if (!piece.empty())
      pairs.encode(piece, ids);
    piece.clear();
  }

  const BytePairs &pairs;
  std::vector<int32_t> &ids;
  std::vector<uint32_t> piece;
  uint32_t last = GEMMAC_NO_TOKEN;
};

void Tokenizer::encodeBytes(std::string_view bytes, Pieces &pieces) const {
  bool all = table->byte_fallback != 0;
  for (char byte : bytes)
    all = all && table->byte_ids[static_cast<uint8_t>(byte)] < table->vocab;
  if (all) {
    for (char byte : bytes)
      pieces.push(table->byte_ids[static_cast<uint8_t>(byte)]);
  } else if (table->unknown_id < table->vocab) {
    if (!table->fuse_unknown || pieces.previous() != table->unknown_id)
      pieces.push(table->unknown_id);
  }
}

void Tokenizer::encodePlain(std::string_view plain, Pieces &pieces) const {
  while (!plain.empty()) {
    if (auto first = static_cast<uint8_t>(plain.front());
        first < asciiIds.size() && asciiIds[first] != GEMMAC_NO_TOKEN) {
      pieces.push(asciiIds[first]);
      plain.remove_prefix(1);
      continue;
    }
    uint32_t codePoint = 0;
    const unsigned length = decodeUtf8(plain, codePoint);
    std::string_view bytes = plain.substr(0, length ? length : 1);
    plain.remove_prefix(bytes.size());
    if (codePoint == ' ' && length && table->space) {
      codePoint = table->space;
      bytes = space;
    }
    const uint32_t id = length ? characterId(codePoint) : GEMMAC_NO_TOKEN;
    if (id != GEMMAC_NO_TOKEN)
      pieces.push(id);
    else
      encodeBytes(bytes, pieces);
  }
}

void Tokenizer::encode(std::span<const Segment> segments, std::vector<int32_t> &ids) const {
  std::string joined;
  std::vector<size_t> forbidden; // begins and ends of stretches without control tokens, alternating
  for (const Segment &segment : segments) {
    if (!segment.controlAllowed && !segment.text.empty()) {
      forbidden.push_back(joined.size());
      forbidden.push_back(joined.size() + segment.text.size());
    }
    joined += segment.text;
  }
  const std::string_view text = joined;
  Pieces pieces(pairs, ids);
  size_t plainBegin = 0, stretch = 0; // the first forbidden stretch that ends behind the current place
  for (size_t at = 0; at < text.size();) {
    if (!added.mayBegin(text[at])) {
      ++at;
      continue;
    }
    while (stretch < forbidden.size() && forbidden[stretch + 1] <= at)
      stretch += 2;
    const auto [id, bytes] = added.find(text.substr(at), [&](uint32_t token, size_t length) {
      const bool touchesForbidden = stretch < forbidden.size() && forbidden[stretch] < at + length;
      return token < table->vocab && !(touchesForbidden && kind(static_cast<int32_t>(token)) == GEMMAC_TOKEN_CONTROL);
    });
    if (bytes == 0) {
      ++at;
      continue;
    }
    encodePlain(text.substr(plainBegin, at - plainBegin), pieces);
    pieces.pushAdded(id);
    at += bytes;
    plainBegin = at;
  }
  encodePlain(text.substr(plainBegin), pieces);
  pieces.finish();
}

} // namespace gemmac::runtime
