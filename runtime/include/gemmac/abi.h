// The contract between an emitted program and the runtime linked with it: plain C, needs nothing else, and is the only
// header that the compiler and the runtime share. Program and runtime always come from one gemmac: a change raises
// GEMMAC_ABI_VERSION. The compiler writes these structs as constants; both sides assert their sizes.
#ifndef GEMMAC_ABI_H
#define GEMMAC_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GEMMAC_ABI_VERSION 4u

// The one table of phases: X(identifier, "name", logits wanted for every row, summary).
// decode runs one row, verify a few rows of any slots with logits for each, prefill a chunk whose logits nobody reads.
#define GEMMAC_PHASES(X)                                                                                               \
  X(DECODE, "decode", 1, "one row, logits")                                                                            \
  X(VERIFY, "verify", 1, "up to 8 rows, logits for each")                                                              \
  X(PREFILL, "prefill", 0, "a chunk of the prompt; fills the KV cache, no logits")

enum gemmac_phase_id {
#define GEMMAC_PHASE_ENUM(id, name, logits, summary) GEMMAC_PHASE_##id,
  GEMMAC_PHASES(GEMMAC_PHASE_ENUM)
#undef GEMMAC_PHASE_ENUM
      GEMMAC_PHASE_COUNT
};

// The functions of a program of text, by name.
#define GEMMAC_FUNCTION_DECODE "decode"
#define GEMMAC_FUNCTION_VERIFY "verify"
#define GEMMAC_FUNCTION_PREFILL "prefill"

// One row of a call. What is computed for it depends on its token, position and slot and on what the slot holds, never
// on the other rows of the call.
typedef struct gemmac_row {
  int32_t token;    // in [0, vocab)
  int32_t position; // in its slot, in [0, context)
  int32_t slot;     // whose KV cache it reads and writes, in [0, slots)
  uint16_t flags;   // GEMMAC_ROW_*
  uint16_t group;   // rows that see each other, also later ones; 0: it sees no later row. Programs of text take 0 alone
} gemmac_row;

#define GEMMAC_ROW_LOGITS 1u // its logits are wanted

// Rows that follow each other in a call and in one slot: row first + i is at the position of row `first` plus i.
typedef struct gemmac_run {
  int64_t first, count; // count >= 1
} gemmac_run;

// What one thread group needs for one call of a phase. Every thread gets the same struct.
typedef struct gemmac_call {
  const uint8_t *data;       // the first mapped_bytes of the data section, read-only; 4096-byte aligned
  uint8_t *arena;            // arena_bytes, shared by all threads, 4096-byte aligned
  uint8_t *scratch;          // threads * scratch_bytes; thread t owns scratch + t * scratch_bytes
  uint8_t *cache;            // slots * slot_bytes, the KV caches; zero before the first call
  const gemmac_row *rows;    // [row_count]
  int64_t row_count;         // 1 <= row_count <= max_rows of the phase
  const gemmac_run *runs;    // [run_count] all rows, in order; two runs of a call never have the same slot
  int64_t run_count;         // 1 <= run_count <= row_count
  int64_t threads;           // >= 1; all of them call the phase function
  void *barrier;             // the runtime's own
  const uint8_t *table_rows; // [row_count, table_row_bytes] what `tables` hold for each token; 64-byte aligned
  void *times;               // the runtime's own: where gemmac_mark counts; null: nowhere
} gemmac_call;

// Runs a phase; called by every thread in [0, call->threads) at once. Allocates nothing, never fails. The results of
// all threads are complete when all have returned.
typedef void (*gemmac_phase_fn)(const gemmac_call *call, int64_t thread);

// Provided by the runtime, called by emitted code: returns when all threads of the call have entered it.
void gemmac_barrier(const gemmac_call *call, int64_t thread);

// Provided by the runtime, called by emitted code of programs compiled with --profile: `step`, an index into the
// phase's gemmac_steps, is done on this thread.
void gemmac_mark(const gemmac_call *call, int64_t thread, int64_t step);

// CPU abilities that a level can require. Bit values are part of the ABI.
#define GEMMAC_CPU_X86_AVX2 1u        // AVX2, FMA, F16C, BMI2
#define GEMMAC_CPU_X86_AVX512_VNNI 2u // AVX-512 F, BW, DQ, VL, CD and VNNI
#define GEMMAC_CPU_ARM_NEON 4u        // the AArch64 base
#define GEMMAC_CPU_ARM_DOTPROD 8u     // sdot, udot
#define GEMMAC_CPU_ARM_I8MM 32u       // smmla
#define GEMMAC_CPU_X86_AVX_VNNI 16u   // AVX-VNNI: vpdpbusd on 256 bits

// One ISA level. All levels read the same packed weights and give the same bits.
typedef struct gemmac_level {
  const char *name;  // "avx2", "avx512", "neon", "dotprod"
  uint64_t features; // all of these GEMMAC_CPU_* must be present
  gemmac_phase_fn run[GEMMAC_PHASE_COUNT];
} gemmac_level;

typedef struct gemmac_phase {
  int64_t max_rows;
  int64_t logits_offset; // f32 [max_rows, logits_stride] in the arena after the call; -1 without logits
  int64_t weight_bytes;  // packed weight bytes that one call with one row reads (top-k experts, one table row)
  int64_t multiply_adds; // per row, attention scores excluded
  int64_t barriers;      // that one call meets
} gemmac_phase;

typedef struct gemmac_span {
  uint64_t offset, bytes; // relative to the data section
} gemmac_span;

// A table of which a call needs one row per token (per-layer embeddings). It is not mapped: the runtime reads the rows
// of the call's tokens from the file, so that it takes no memory, whatever its size.
typedef struct gemmac_table {
  uint64_t offset; // of row 0, relative to the data section; rows follow each other
  uint64_t row_bytes;
  uint64_t row_at; // where its row lies in a row of gemmac_call.table_rows
} gemmac_table;

// Layers whose KV caches are alike, or that read the cache of one and the same layer: for `info`.
typedef struct gemmac_cache {
  const char *layers; // "0-3, 5"
  const char *format; // "f16"
  int64_t heads, head_dim;
  int64_t window;      // 0: the whole context
  int64_t positions;   // that each has room for
  int64_t bytes;       // of all these layers together; 0 where they read another's
  int64_t shared_from; // the layer whose cache they read; -1: each has its own
  int64_t key_dim;     // elements of a key that are stored; fewer than head_dim where the others are made of the values
} gemmac_cache;

// What a running program may keep resident, in bytes: the compiler's prediction (docs/memory.md).
typedef struct gemmac_memory {
  uint64_t program;    // code, constants, heap
  uint64_t tokenizer;  // its mapped part
  uint64_t weights;    // mapped_bytes
  uint64_t working;    // arena, and table rows of the widest phase
  uint64_t thread;     // for each thread: scratch, stack
  uint64_t ring_cache; // KV caches of a window, of one slot: full after ring_positions
  uint64_t ring_positions;
  uint64_t whole_cache; // KV caches of the whole context, of one slot
  uint64_t limit;       // what --max-rss promises; 0: nothing
} gemmac_memory;

// How the checkpoint's chat template writes conversations, found by rendering it (docs/chat.md). All is text with
// control tokens spelled out; the runtime encodes it with control tokens recognised, and people's text between it with
// control tokens as plain text.
//
//   bos start USER prompt                                        a first question
//   bos system_open SYSTEM system_close USER prompt              with instructions
//   bos start USER answered ANSWER next USER prompt              a second question; and so on

// What stands between the texts, in one mode of thinking.
typedef struct gemmac_chat_mode {
  const char *start;        // "<|turn>user\n", behind a default system turn where the template has one
  const char *system_open;  // "<|turn>system\n"
  const char *system_close; // "<turn|>\n<|turn>user\n"; "\n\n" where instructions join the first user's turn
  const char *prompt;   // "<turn|>\n<|turn>model\n", with what else opens an answer, such as an empty, closed thought
  const char *answered; // "<turn|>\n<|turn>model\n": the same before an answer that was given
  const char *next;     // "<turn|>\n<|turn>user\n"
} gemmac_chat_mode;

// What the template's default is; thinking switched on; switched off.
enum gemmac_thinking { GEMMAC_THINK_DEFAULT, GEMMAC_THINK_ON, GEMMAC_THINK_OFF, GEMMAC_THINK_COUNT };

// gemmac_chat.flags
#define GEMMAC_CHAT_EXISTS 1u     // else the program only continues texts
#define GEMMAC_CHAT_SYSTEM 2u     // takes instructions
#define GEMMAC_CHAT_TRIMS_USER 4u // white space around texts is dropped
#define GEMMAC_CHAT_TRIMS_SYSTEM 8u
#define GEMMAC_CHAT_TRIMS_ANSWERS 16u
#define GEMMAC_CHAT_SKIPS_EMPTY_SYSTEM 32u // instructions without text are as none
// Thoughts in answers of earlier turns, from thought_open to thought_close:
#define GEMMAC_CHAT_DROPS_THOUGHTS 64u       // they are left out
#define GEMMAC_CHAT_DROPS_TO_LAST_CLOSE 128u // everything up to the last thought_close is left out
#define GEMMAC_CHAT_DROPS_UNCLOSED 256u      // everything from a thought_open without end is left out
#define GEMMAC_CHAT_DROPS_MARKS 512u         // a thought_open or thought_close without the other is left out
#define GEMMAC_CHAT_DROPS_BREAKS 1024u       // and line breaks behind what was left out

// Empty strings where a checkpoint has no chat format.
typedef struct gemmac_chat {
  const char *bos;           // "<bos>"
  const char *turn_close;    // "<turn|>": ends an answer, whatever the configuration lists; "" where nothing does
  const char *thought_open;  // "<|channel>"
  const char *thought_close; // "<channel|>"
  uint32_t flags;            // GEMMAC_CHAT_*
  gemmac_chat_mode modes[GEMMAC_THINK_COUNT];
} gemmac_chat;

// generation_config.json: the defaults of the command line.
typedef struct gemmac_sampling {
  float temperature; // 0: greedy
  int32_t top_k;     // 0: off
  float top_p;       // 1: off
  int32_t stop_count;
  const int32_t *stop_ids;
  int32_t suppress_count;
  const int32_t *suppress_ids;
} gemmac_sampling;

// What a phase does in turn, as gemmac_mark counts it. A barrier is a step of its own.
typedef struct gemmac_step {
  const char *what;     // "matmul q4 1536 x 6144": equal for steps that share a kernel
  const char *memory;   // the weight or cache that tells its uses apart; ""
  int64_t weight_bytes; // packed weight bytes read for one row
} gemmac_step;

typedef struct gemmac_steps {
  int64_t count; // 0 unless compiled with --profile
  const gemmac_step *steps;
} gemmac_steps;

typedef struct gemmac_program {
  uint32_t abi_version; // GEMMAC_ABI_VERSION
  uint32_t struct_bytes;
  const char *name;      // of the checkpoint
  const char *target;    // "x86_64-linux"
  const char *weights;   // "q4"
  const char *info_json; // the compile report, one JSON object; what `info --json` prints
  int64_t vocab, hidden, layers, context;
  int64_t logits_stride; // floats between rows of logits, >= vocab
  int64_t arena_bytes, scratch_bytes;
  int64_t slot_bytes;    // of the KV cache of one slot, a multiple of 64
  int64_t slots;         // sequences that can be held at once
  int32_t bos_id;        // -1: none
  gemmac_span tokenizer; // a gemmac_tokenizer
  gemmac_phase phases[GEMMAC_PHASE_COUNT];
  int64_t level_count;
  const gemmac_level *levels; // base first, best last
  gemmac_chat chat;
  gemmac_sampling sampling;
  uint64_t mapped_bytes; // of the data section: what emitted code reads through gemmac_call.data
  int64_t table_count, table_row_bytes;
  const gemmac_table *tables;
  gemmac_memory memory;
  gemmac_steps steps[GEMMAC_PHASE_COUNT];
  gemmac_span
      moments; // in the cache of its only slot: what an observing program's verify phase adds up; bytes 0: nothing
  int64_t cache_count;
  const gemmac_cache *caches; // by first layer
} gemmac_program;

extern const gemmac_program gemmac_the_program;

// Threads for which the compiler states and limits resident memory. A machine may run more, as long as they fit.
#define GEMMAC_CONTRACT_THREADS 8

// Peak resident memory of a program with `threads` threads that has fed `positions` tokens, of a context of `context`,
// to each of `slots` slots.
static inline uint64_t gemmac_resident_bytes(const gemmac_memory *memory, uint64_t threads, uint64_t slots,
                                             uint64_t positions, uint64_t context) {
  uint64_t ring =
      positions < memory->ring_positions ? memory->ring_cache / memory->ring_positions * positions : memory->ring_cache;
  uint64_t whole = positions < context ? memory->whole_cache / context * positions : memory->whole_cache;
  return memory->program + memory->tokenizer + memory->weights + memory->working + memory->thread * threads +
         (ring + whole) * slots;
}

// Where the data section lies in the program's own file. In section ".gemmac.image"; filled in after linking.
#define GEMMAC_IMAGE_MAGIC "GEMMACIM"
typedef struct gemmac_image {
  char magic[8];
  uint64_t data_offset; // multiple of 2 MiB when data_bytes is above 2 MiB, else of 4096
  uint64_t data_bytes;
  uint64_t file_bytes; // a shorter file was cut
  uint64_t data_xxh64; // XXH64, seed 0, of the data section
} gemmac_image;

extern const volatile gemmac_image gemmac_the_image;

// ---- The tokenizer as compiled data: byte-pair encoding over Unicode characters with byte fallback
// (spec 6.1). Offsets are relative to the struct, multiples of 8.
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
static_assert(sizeof(gemmac_row) == 16, "gemmac_row");
static_assert(sizeof(gemmac_run) == 16, "gemmac_run");
static_assert(sizeof(gemmac_call) == 96, "gemmac_call");
static_assert(sizeof(gemmac_image) == 40, "gemmac_image");
static_assert(sizeof(gemmac_phase) == 40, "gemmac_phase");
static_assert(sizeof(gemmac_table) == 24, "gemmac_table");
static_assert(sizeof(gemmac_cache) == 72, "gemmac_cache");
static_assert(sizeof(gemmac_memory) == 72, "gemmac_memory");
static_assert(sizeof(gemmac_step) == 24, "gemmac_step");
static_assert(sizeof(gemmac_token_merge) == 16, "gemmac_token_merge");
static_assert(sizeof(gemmac_tokenizer) == 1144, "gemmac_tokenizer");
#endif

#endif // GEMMAC_ABI_H
