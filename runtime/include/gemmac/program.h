// What a program is: its functions and their code, tables and caches, memory, chat format, sampling, and where its data
// section lies. The compiler writes these structs as constants. Plain C.
#ifndef GEMMAC_PROGRAM_H
#define GEMMAC_PROGRAM_H

#include "gemmac/call.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The functions of text, which every program has: tokens in. decode runs one row, verify a few rows of any slots, both
// with output GEMMAC_LOGITS; prefill a chunk, whose logits nobody reads.
// Programs that see or hear have GEMMAC_SOFT_TOKENS as an input of prefill: what rows with a negative token are instead
// of a row of the embedding table. Where the soft tokens of a picture see each other (gemmac_row.group), they go
// through prefill_block.
#define GEMMAC_DECODE "decode"
#define GEMMAC_VERIFY "verify"
#define GEMMAC_PREFILL "prefill"
#define GEMMAC_PREFILL_BLOCK "prefill_block"

#define GEMMAC_LOGITS "logits"
#define GEMMAC_SOFT_TOKENS "soft_tokens"

// The functions that turn pictures and sounds into rows for the text model, in programs that have them: output
// GEMMAC_SOFT_TOKENS, a row of it for each row of the call, whatever the tokens and positions of these are. Those of
// pictures are GEMMAC_ENCODE_IMAGE with the most soft tokens of a picture behind it, "encode_image_280".
#define GEMMAC_ENCODE_IMAGE "encode_image"
#define GEMMAC_ENCODE_AUDIO "encode_audio"

#define GEMMAC_PATCHES "patches" // f32: pixels of a patch, the patches of one soft token after each other
#define GEMMAC_PLACES "places"   // i32: column and row of each patch
#define GEMMAC_MEL "mel"         // f32: a frame of the mel spectrum, 4 for each soft token, zeros behind the last one
#define GEMMAC_VALID "valid"     // i32: whether it is a frame of the sound, 1 or 0
#define GEMMAC_SAMPLES                                                                                                 \
  "samples" // f32: the samples of a soft token, zeros behind the last one; in place of the two above

enum gemmac_element { GEMMAC_F32, GEMMAC_I32 };

// Rows in the arena, per_row for each row of a call: written by the caller before the call or read after it.
typedef struct gemmac_value {
  const char *name;
  int64_t offset;    // of row 0 in the arena, a multiple of 4
  int64_t row_bytes; // from one row to the next, a multiple of 4
  int64_t width;     // elements of a row, of 4 bytes each
  int32_t per_row;   // >= 1: rows per_row * r and those that follow belong to row r of the call
  uint32_t element;  // gemmac_element
} gemmac_value;

// What a function does in turn, as gemmac_mark counts it. A barrier is a step of its own.
typedef struct gemmac_step {
  const char *what;     // "matmul q4 1536 x 6144": equal for steps that share a kernel
  const char *memory;   // the weight or cache that tells its uses apart; ""
  int64_t weight_bytes; // packed weight bytes read for one row
} gemmac_step;

typedef struct gemmac_steps {
  int64_t count; // 0 unless compiled with --profile
  const gemmac_step *steps;
} gemmac_steps;

typedef struct gemmac_function {
  const char *name; // GEMMAC_DECODE, ...
  int64_t max_rows; // of a call
  int64_t input_count;
  const gemmac_value *inputs;
  int64_t output_count;
  const gemmac_value *outputs;
  int64_t weight_bytes;  // packed weight bytes that one call with one row reads (top-k experts, one table row)
  int64_t multiply_adds; // per row, attention scores excluded
  int64_t barriers;      // that one call meets
  gemmac_steps steps;
} gemmac_function;

enum gemmac_code_kind {
  GEMMAC_CODE_CPU // for an ISA level
};

// CPU abilities that code can require. Bit values are part of the ABI.
#define GEMMAC_CPU_X86_AVX2 1u        // AVX2, FMA, F16C, BMI2
#define GEMMAC_CPU_X86_AVX512_VNNI 2u // AVX-512 F, BW, DQ, VL, CD and VNNI
#define GEMMAC_CPU_ARM_NEON 4u        // the AArch64 base
#define GEMMAC_CPU_ARM_DOTPROD 8u     // sdot, udot
#define GEMMAC_CPU_ARM_I8MM 32u       // smmla
#define GEMMAC_CPU_X86_AVX_VNNI 16u   // AVX-VNNI: vpdpbusd on 256 bits

// The code of all functions for one kind of processor. All code reads the same packed weights and gives the same bits.
typedef struct gemmac_code {
  const char *name;              // of the ISA level: "avx2", "avx512", "neon", "dotprod"
  uint32_t kind;                 // gemmac_code_kind
  uint64_t features;             // all of these GEMMAC_CPU_* must be present
  const gemmac_function_fn *run; // [function_count], in the order of the functions
} gemmac_code;

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
  uint64_t weights;    // mapped, of functions that text alone calls
  uint64_t working;    // arena, and table rows of the widest function: of those that text alone calls
  uint64_t thread;     // for each thread: scratch, stack; of those that text alone calls
  uint64_t ring_cache; // KV caches of a window, of one slot: full after ring_positions
  uint64_t ring_positions;
  uint64_t whole_cache;   // KV caches of the whole context, of one slot
  uint64_t limit;         // what --max-rss promises; 0: nothing
  uint64_t media;         // what the functions for pictures and sounds have of `working` beyond the others, and soft
                          // tokens (GEMMAC_MEDIA_CACHE_ROWS)
  uint64_t weights_image; // of mapped_bytes, what functions for pictures read and those of text do not
  uint64_t weights_audio; // what those for sounds alone read
  uint64_t thread_media;  // what both have of `thread` beyond those of text
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

// How pictures and sounds stand in a prompt (spec 6.2): image_begin, a soft token for each row, image_end. Ids are -1
// and sides 0 where the checkpoint has no such tower.
typedef struct gemmac_media {
  int32_t image_begin, image, image_end; // tokens; `image` is what a soft token of a picture is in other programs
  int32_t audio_begin, audio, audio_end;
  int32_t patch;  // pixels of a patch's side
  int32_t pool;   // patches of a soft token's side
  int32_t places; // columns, and rows, of patches that a picture may have
  int32_t budget; // most soft tokens of a picture, unless the user says
  int32_t video;  // what `image` is in frames of a video (spec 4.6); -1: the vocabulary has no such token
  int32_t sound;  // samples of a soft token where encode_audio reads GEMMAC_SAMPLES; 0: it reads GEMMAC_MEL
} gemmac_media;

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

typedef struct gemmac_program {
  uint32_t abi_version; // GEMMAC_ABI_VERSION
  uint32_t struct_bytes;
  const char *name;      // of the checkpoint
  const char *target;    // "x86_64-linux"
  const char *weights;   // "q4"
  const char *info_json; // the compile report, one JSON object; what `info --json` prints
  int64_t vocab, hidden, layers, context;
  int64_t arena_bytes, scratch_bytes;
  int64_t slot_bytes;    // of the KV cache of one slot, a multiple of 64
  int64_t slots;         // sequences that can be held at once
  int32_t bos_id;        // -1: none
  gemmac_span tokenizer; // a gemmac_tokenizer
  int64_t function_count;
  const gemmac_function *functions; // those of text, and any others
  int64_t code_count;
  const gemmac_code *code; // base first, best last
  gemmac_chat chat;
  gemmac_sampling sampling;
  uint64_t mapped_bytes; // of the data section: what emitted code reads through gemmac_call.data
  int64_t table_count, table_row_bytes;
  const gemmac_table *tables;
  gemmac_memory memory;
  gemmac_span moments; // in the cache of its only slot: what an observing program's verify adds up; bytes 0: nothing
  int64_t cache_count;
  const gemmac_cache *caches; // by first layer
  gemmac_media media;
} gemmac_program;

extern const gemmac_program gemmac_the_program;

// Soft tokens in memory that are counted: one picture of the largest budget, or four of the usual one. A program keeps
// as many, so that pictures and sounds that come again are not encoded again. A conversation that shows more holds
// more, where that does not go beyond `limit`.
#define GEMMAC_MEDIA_CACHE_ROWS 1120

// Threads for which the compiler states and limits resident memory. A machine may run more, as long as they fit.
#define GEMMAC_CONTRACT_THREADS 8

// Peak resident memory of a program with `threads` threads that has fed `positions` tokens, of a context of `context`,
// to each of `slots` slots, none of them of a picture or sound.
static inline uint64_t gemmac_resident_bytes(const gemmac_memory *memory, uint64_t threads, uint64_t slots,
                                             uint64_t positions, uint64_t context) {
  uint64_t ring =
      positions < memory->ring_positions ? memory->ring_cache / memory->ring_positions * positions : memory->ring_cache;
  uint64_t whole = positions < context ? memory->whole_cache / context * positions : memory->whole_cache;
  return memory->program + memory->tokenizer + memory->weights + memory->working + memory->thread * threads +
         (ring + whole) * slots;
}

// What it takes beyond that once there was a picture, a sound, or both, of any size.
static inline uint64_t gemmac_media_bytes(const gemmac_memory *memory, uint64_t threads, int image, int audio) {
  return (image || audio ? memory->media + memory->thread_media * threads : 0) + (image ? memory->weights_image : 0) +
         (audio ? memory->weights_audio : 0);
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

#ifdef __cplusplus
}
static_assert(sizeof(gemmac_value) == 40, "gemmac_value");
static_assert(sizeof(gemmac_step) == 24, "gemmac_step");
static_assert(sizeof(gemmac_function) == 88, "gemmac_function");
static_assert(sizeof(gemmac_code) == 32, "gemmac_code");
static_assert(sizeof(gemmac_table) == 24, "gemmac_table");
static_assert(sizeof(gemmac_cache) == 72, "gemmac_cache");
static_assert(sizeof(gemmac_memory) == 104, "gemmac_memory");
static_assert(sizeof(gemmac_media) == 48, "gemmac_media");
static_assert(sizeof(gemmac_image) == 40, "gemmac_image");
#endif

#endif // GEMMAC_PROGRAM_H
