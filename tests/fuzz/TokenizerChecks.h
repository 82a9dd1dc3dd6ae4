// What gemmac/tokenizer.h promises of every tokenizer table.
#ifndef GEMMAC_TESTS_FUZZ_TOKENIZERCHECKS_H
#define GEMMAC_TESTS_FUZZ_TOKENIZERCHECKS_H

#include "FuzzSupport.h"
#include "compiler/import/TokenizerReader.h"
#include "gemmac/tokenizer.h"

#include <cstring>

namespace gemmac {

template <typename T> T tableItem(llvm::StringRef table, uint64_t section, uint64_t index) {
  require(section % 8 == 0 && section + (index + 1) * sizeof(T) <= table.size());
  T value;
  memcpy(&value, table.data() + section + index * sizeof(T), sizeof(T));
  return value;
}

inline void checkTexts(llvm::StringRef table, const gemmac_tokenizer &header, uint32_t vocab) {
  uint32_t before = 0;
  for (uint32_t id = 0; id < vocab; ++id) {
    auto end = tableItem<uint32_t>(table, header.text_ends, id);
    require(end >= before && header.texts + end <= table.size());
    auto kind = tableItem<uint8_t>(table, header.kinds, id);
    require(kind <= GEMMAC_TOKEN_UNUSED && (kind != GEMMAC_TOKEN_BYTE || end == before + 1));
    before = end;
  }
  for (uint32_t id : header.byte_ids)
    require(id < vocab || id == GEMMAC_NO_TOKEN);
  before = 0;
  for (uint32_t i = 0; i < header.added_count; ++i) {
    auto added = tableItem<gemmac_token_added>(table, header.added, i);
    require(added.id < vocab && added.end > before && header.added_texts + added.end <= table.size());
    before = added.end;
  }
}

inline void checkSearch(llvm::StringRef table, const gemmac_tokenizer &header, uint32_t vocab, size_t merges) {
  for (uint32_t i = 0; i < header.char_count; ++i) {
    auto one = tableItem<gemmac_token_char>(table, header.chars, i);
    require(one.id < vocab && one.code_point <= 0x10ffff);
    require(i == 0 || tableItem<gemmac_token_char>(table, header.chars, i - 1).code_point < one.code_point);
  }
  uint32_t used = 0;
  for (uint32_t slot = 0; slot < header.merge_slots; ++slot) {
    auto merge = tableItem<gemmac_token_merge>(table, header.merges, slot);
    if (merge.left == GEMMAC_NO_TOKEN)
      continue;
    ++used;
    require(merge.left < vocab && merge.right < vocab && merge.merged < vocab && merge.rank < merges);
    // Where a search looks for it.
    const uint64_t hash = gemmac_merge_hash(merge.left, merge.right);
    auto pilot = tableItem<uint16_t>(table, header.pilots, gemmac_merge_bucket(hash, header.pilot_count));
    require(gemmac_merge_slot(hash, pilot, header.merge_slots) == slot);
  }
  require(used <= merges && (used > 0) == (header.pilot_count > 0));
  require(header.joins_log2 == 0 || (header.joins_log2 >= 6 && header.joins_log2 <= 32));
  if (header.joins_log2)
    tableItem<uint64_t>(table, header.joins, (uint64_t(1) << (header.joins_log2 - 6)) - 1);
}

/// Serializes an accepted vocabulary and checks the table.
inline void checkVocabulary(const Vocabulary &vocabulary) {
  std::string table = serializeTokenizer(vocabulary);
  gemmac_tokenizer header;
  require(table.size() >= sizeof header);
  memcpy(&header, table.data(), sizeof header);
  require(header.magic == GEMMAC_TOKENIZER_MAGIC && header.vocab == vocabulary.size);
  checkTexts(table, header, vocabulary.size);
  checkSearch(table, header, vocabulary.size, vocabulary.merges.size());
}

} // namespace gemmac

#endif // GEMMAC_TESTS_FUZZ_TOKENIZERCHECKS_H
