// The tokenizer as compiled data, in the data section: byte-pair encoding over Unicode characters with byte fallback
// (spec 6.1). Offsets are relative to the struct, multiples of 8. Plain C.
#ifndef GEMMAC_TOKENIZER_H
#define GEMMAC_TOKENIZER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GEMMAC_TOKENIZER_MAGIC 0x4b544d47u // "GMTK"
enum gemmac_token_kind {
  GEMMAC_TOKEN_TEXT = 0,
  GEMMAC_TOKEN_CONTROL = 1, // "special": printed only on request
  GEMMAC_TOKEN_BYTE = 2,    // its text is one raw byte
  GEMMAC_TOKEN_UNUSED = 3   // an id without a string
};
#define GEMMAC_NO_TOKEN UINT32_MAX

typedef struct gemmac_token_char {
  uint32_t code_point, id;
} gemmac_token_char;

typedef struct gemmac_token_merge {
  uint32_t left, right;  // left == GEMMAC_NO_TOKEN: free slot
  uint32_t rank, merged; // the lowest rank is merged first, the leftmost of equals
} gemmac_token_merge;

typedef struct gemmac_token_added {
  uint32_t id;
  uint32_t end; // of its spelling in added_texts, where the next one begins
} gemmac_token_added;

typedef struct gemmac_tokenizer {
  uint32_t magic;
  uint32_t vocab;
  uint32_t unknown_id;    // GEMMAC_NO_TOKEN: none
  uint32_t byte_fallback; // 0 or 1
  uint32_t fuse_unknown;  // 0 or 1
  uint32_t space;         // code point that stands for ' ' inside the vocabulary (U+2581), 0: none
  uint32_t char_count;    // single-character tokens, sorted by code point
  uint32_t merge_slots; // a merge lies at gemmac_merge_slot(hash, pilots[gemmac_merge_bucket(hash, ..)], ..) or nowhere
  uint32_t added_count; // added tokens, sorted by spelling, then id; control ones match only where asked
  uint32_t added_spaced;  // 1: they are looked for in the text with `space` for ' ' (SentencePiece); 0: as it was typed
  uint64_t chars;         // gemmac_token_char [char_count]
  uint64_t merges;        // gemmac_token_merge [merge_slots]
  uint64_t text_ends;     // uint32_t [vocab]: end of each token's text; token 0 begins at 0
  uint64_t texts;         // bytes; ▁ already replaced by a space, byte tokens as their byte
  uint64_t kinds;         // uint8_t [vocab], gemmac_token_kind
  uint64_t added;         // gemmac_token_added [added_count]
  uint32_t byte_ids[256]; // GEMMAC_NO_TOKEN where missing
  uint64_t added_texts;   // bytes, as they are matched
  uint64_t pilots;        // uint16_t [pilot_count]
  uint64_t joins;         // bits, in uint64_t: may the two tokens stand side by side inside of one that merges make?
  uint32_t pilot_count;   // 0: no merges
  uint32_t joins_log2;    // of the number of bits, 6 to 32; 0: not known, every two may
} gemmac_tokenizer;

static inline uint64_t gemmac_merge_hash(uint32_t left, uint32_t right) {
  uint64_t x = ((uint64_t)left << 32) | right;
  x ^= x >> 31;
  x *= 0x9e3779b97f4a7c15u;
  return x ^ (x >> 29);
}

// Merges are a perfect hash: pairs of one bucket share a pilot, chosen so that no two pairs share a slot.
static inline uint32_t gemmac_merge_bucket(uint64_t hash, uint32_t pilot_count) {
  return (uint32_t)(((hash & 0xffffffffu) * pilot_count) >> 32);
}

static inline uint32_t gemmac_merge_slot(uint64_t hash, uint32_t pilot, uint32_t merge_slots) {
  uint64_t x = (hash ^ (pilot * 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;
  return (uint32_t)(((x >> 32) * merge_slots) >> 32);
}

// The bit of `joins` for two base tokens (characters, bytes). It may be set without need, never clear without need.
static inline uint64_t gemmac_join_bit(uint32_t left, uint32_t right, uint32_t joins_log2) {
  return ((((uint64_t)left << 32) | right) * 0x9e3779b97f4a7c15u) >> (64 - joins_log2);
}

#ifdef __cplusplus
}
static_assert(sizeof(gemmac_token_char) == 8, "gemmac_token_char");
static_assert(sizeof(gemmac_token_merge) == 16, "gemmac_token_merge");
static_assert(sizeof(gemmac_token_added) == 8, "gemmac_token_added");
static_assert(sizeof(gemmac_tokenizer) == 1144, "gemmac_tokenizer");
#endif

#endif // GEMMAC_TOKENIZER_H
