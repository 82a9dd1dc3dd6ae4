#include "Tokenizer.h"

#include "Text.h"

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

Status Tokenizer::open(const uint8_t *data, uint64_t bytes, int64_t vocab, MergeReader mergeReader) {
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
  readMerges = std::move(mergeReader);
  auto placeBelow = [&](uint64_t end, auto &span, uint64_t offset, uint64_t count) {
    using Element = typename std::remove_reference_t<decltype(span)>::element_type;
    if (offset % 8 != 0 || offset > end || count > (end - offset) / sizeof(Element))
      return false;
    span = {reinterpret_cast<Element *>(data + offset), count};
    return true;
  };
  const uint64_t inMemory = readMerges ? std::min(table->merges, bytes) : bytes;
  auto place = [&](auto &span, uint64_t offset, uint64_t count) { return placeBelow(inMemory, span, offset, count); };
  std::span<const uint32_t> added;
  if (!place(characters, table->chars, table->char_count) ||
      !placeBelow(bytes, merges, table->merges, table->merge_slots) ||
      !place(textEnds, table->text_ends, table->vocab) || !place(kinds, table->kinds, table->vocab) ||
      !place(added, table->added, table->added_count))
    return damaged("one of its parts lies outside");
  const uint64_t textBytes = textEnds.empty() ? 0 : textEnds.back();
  if (table->texts > inMemory || textBytes > inMemory - table->texts)
    return damaged("its texts lie outside");
  if ((table->merge_slots & (table->merge_slots - 1)) != 0)
    return damaged("the size of its merge table is no power of two");
  if (table->space > 0x10ffff)
    return damaged("its space is no code point");
  texts = {reinterpret_cast<const char *>(data + table->texts), textBytes};
  space = {spaceBytes, encodeUtf8(table->space ? table->space : ' ', spaceBytes)};
  for (uint32_t id : added) {
    std::string_view token = text(static_cast<int32_t>(id));
    if (!token.empty())
      addedByFirstByte[static_cast<uint8_t>(token.front())].push_back(id);
  }
  return {};
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
  auto found = std::lower_bound(characters.begin(), characters.end(), codePoint,
                                [](const gemmac_token_char &entry, uint32_t c) { return entry.code_point < c; });
  bool known = found != characters.end() && found->code_point == codePoint && found->id < table->vocab;
  return known ? found->id : GEMMAC_NO_TOKEN;
}

std::optional<gemmac_token_merge> Tokenizer::findMerge(uint32_t left, uint32_t right) const {
  constexpr uint64_t window = 8; // slots that are read at once; most searches end in the first two
  gemmac_token_merge buffer[window];
  const uint64_t mask = merges.size() - 1, first = gemmac_merge_hash(left, right);
  for (uint64_t tries = 0; tries < merges.size();) { // bounded: a damaged table may be full
    const uint64_t slot = (first + tries) & mask, count = std::min(window, merges.size() - slot);
    const gemmac_token_merge *entries = buffer;
    if (readMerges)
      readMerges(table->merges + slot * sizeof(gemmac_token_merge), buffer, count * sizeof(gemmac_token_merge));
    else
      entries = &merges[slot];
    for (const gemmac_token_merge &entry : std::span(entries, count)) {
      if (entry.left == left && entry.right == right)
        return entry.merged < table->vocab ? std::optional(entry) : std::nullopt;
      if (entry.left == GEMMAC_NO_TOKEN)
        return std::nullopt;
    }
    tries += count;
  }
  return std::nullopt;
}

void Tokenizer::appendBytes(std::string_view bytes, std::vector<Symbol> &symbols) const {
  bool all = table->byte_fallback != 0;
  for (char byte : bytes)
    all = all && table->byte_ids[static_cast<uint8_t>(byte)] < table->vocab;
  if (all) {
    for (char byte : bytes)
      symbols.push_back({table->byte_ids[static_cast<uint8_t>(byte)], 0, 0});
  } else if (table->unknown_id < table->vocab) {
    bool fused = table->fuse_unknown && !symbols.empty() && symbols.back().id == table->unknown_id;
    if (!fused)
      symbols.push_back({table->unknown_id, 0, 0});
  }
}

void Tokenizer::appendCharacters(std::string_view plain, std::vector<Symbol> &symbols) const {
  while (!plain.empty()) {
    uint32_t codePoint = 0;
    unsigned length = decodeUtf8(plain, codePoint);
    std::string_view bytes = plain.substr(0, length ? length : 1);
    plain.remove_prefix(bytes.size());
    if (codePoint == ' ' && length && table->space) {
      codePoint = table->space;
      bytes = space;
    }
    uint32_t id = length ? characterId(codePoint) : GEMMAC_NO_TOKEN;
    if (id != GEMMAC_NO_TOKEN)
      symbols.push_back({id, 0, 0});
    else
      appendBytes(bytes, symbols);
  }
}

// Every mergeable pair waits in a heap; a merge makes at most two new pairs. An entry whose symbols have changed since
// is skipped when it comes up: O(n log n), and the order is that of always scanning for the best pair.
void Tokenizer::encodePlain(std::string_view plain, std::vector<int32_t> &ids) const {
  std::vector<Symbol> symbols;
  symbols.reserve(plain.size());
  appendCharacters(plain, symbols);
  const auto count = static_cast<int32_t>(symbols.size());
  for (int32_t i = 0; i < count; ++i) {
    symbols[static_cast<size_t>(i)].previous = i - 1;
    symbols[static_cast<size_t>(i)].next = i + 1 < count ? i + 1 : -1;
  }
  std::vector<Candidate> heap;
  auto later = [](const Candidate &a, const Candidate &b) { return a.rank != b.rank ? a.rank > b.rank : a.at > b.at; };
  auto at = [&](int32_t index) -> Symbol & { return symbols[static_cast<size_t>(index)]; };
  auto consider = [&](int32_t index) {
    if (index < 0 || at(index).next < 0)
      return;
    uint32_t left = at(index).id, right = at(at(index).next).id;
    if (std::optional<gemmac_token_merge> merge = findMerge(left, right)) {
      heap.push_back({merge->rank, static_cast<uint32_t>(index), left, right, merge->merged});
      std::push_heap(heap.begin(), heap.end(), later);
    }
  };
  for (int32_t i = 0; i < count; ++i)
    consider(i);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    const Candidate best = heap.back();
    heap.pop_back();
    Symbol &left = at(static_cast<int32_t>(best.at));
    if (left.id != best.left || left.next < 0 || at(left.next).id != best.right)
      continue;
    Symbol &right = at(left.next);
    left.id = best.merged;
    right.id = GEMMAC_NO_TOKEN;
    left.next = right.next;
    if (right.next >= 0)
      at(right.next).previous = static_cast<int32_t>(best.at);
    consider(left.previous);
    consider(static_cast<int32_t>(best.at));
  }
  for (const Symbol &symbol : symbols)
    if (symbol.id != GEMMAC_NO_TOKEN)
      ids.push_back(static_cast<int32_t>(symbol.id));
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
  size_t stretch = 0; // first forbidden stretch that ends behind the current place
  auto touchesForbidden = [&](size_t begin, size_t end) {
    return stretch < forbidden.size() && forbidden[stretch] < end && begin < forbidden[stretch + 1];
  };
  size_t plainBegin = 0;
  for (size_t at = 0; at < text.size();) {
    while (stretch < forbidden.size() && forbidden[stretch + 1] <= at)
      stretch += 2;
    uint32_t found = GEMMAC_NO_TOKEN;
    size_t length = 0;
    for (uint32_t id : addedByFirstByte[static_cast<uint8_t>(text[at])]) {
      const auto token = static_cast<int32_t>(id);
      const std::string_view spelling = this->text(token);
      length = spelling.size();
      if (!text.substr(at).starts_with(spelling))
        continue;
      if (kind(token) == GEMMAC_TOKEN_CONTROL && touchesForbidden(at, at + length))
        continue;
      found = id;
      break;
    }
    if (found == GEMMAC_NO_TOKEN) {
      ++at;
      continue;
    }
    encodePlain(text.substr(plainBegin, at - plainBegin), ids);
    ids.push_back(static_cast<int32_t>(found));
    at += length;
    plainBegin = at;
  }
  encodePlain(text.substr(plainBegin), ids);
}

} // namespace gemmac::runtime
