// A call of a function of the program: rows and runs, what emitted code gets, and what it calls. Plain C.
#ifndef GEMMAC_CALL_H
#define GEMMAC_CALL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// One row of a call. What is computed for it depends on its token, position and slot and on what the slot holds, never
// on the other rows of the call.
typedef struct gemmac_row {
  int32_t token;    // in [0, vocab); negative for a soft token, in functions that have GEMMAC_SOFT_TOKENS as an input
  int32_t position; // in its slot, in [0, context)
  int32_t slot;     // whose KV cache it reads and writes, in [0, slots)
  uint16_t flags;   // GEMMAC_ROW_*
  uint16_t group;   // not 0: the rows of its run, which all have it, see each other, also later ones. 0 but in
                    // GEMMAC_PREFILL_BLOCK, where it never is
} gemmac_row;

#define GEMMAC_ROW_LOGITS 1u // its logits are wanted

// Rows that follow each other in a call and in one slot: row first + i is at the position of row `first` plus i.
typedef struct gemmac_run {
  int64_t first, count; // count >= 1
} gemmac_run;

// What one thread group needs for one call of a function. Every thread gets the same struct.
typedef struct gemmac_call {
  const uint8_t *data;       // the first mapped_bytes of the data section, read-only; 4096-byte aligned
  uint8_t *arena;            // arena_bytes, shared by all threads, 4096-byte aligned
  uint8_t *scratch;          // threads * scratch_bytes; thread t owns scratch + t * scratch_bytes
  uint8_t *cache;            // slots * slot_bytes, the KV caches; zero before the first call
  const gemmac_row *rows;    // [row_count]
  int64_t row_count;         // 1 <= row_count <= max_rows of the function
  const gemmac_run *runs;    // [run_count] all rows, in order; two runs of a call never have the same slot
  int64_t run_count;         // 1 <= run_count <= row_count
  int64_t threads;           // >= 1; all of them call the function
  void *barrier;             // the runtime's own
  const uint8_t *table_rows; // [row_count, table_row_bytes] what `tables` hold for each token; 64-byte aligned
  void *times;               // the runtime's own: where gemmac_mark counts; null: nowhere
} gemmac_call;

// Most bytes of its stack that a thread takes in a function. Beside what the runtime takes, it is what systems grant.
#define GEMMAC_MOST_STACK (7u << 20)

// Runs a function of the program; called by every thread in [0, call->threads) at once. Allocates nothing, never fails.
// The results of all threads are complete when all have returned.
typedef void (*gemmac_function_fn)(const gemmac_call *call, int64_t thread);

// Provided by the runtime, called by emitted code: returns when all threads of the call have entered it.
void gemmac_barrier(const gemmac_call *call, int64_t thread);

// Provided by the runtime, called by emitted code of programs compiled with --profile: `step`, an index into the
// function's gemmac_steps, is done on this thread.
void gemmac_mark(const gemmac_call *call, int64_t thread, int64_t step);

#ifdef __cplusplus
}
static_assert(sizeof(gemmac_row) == 16, "gemmac_row");
static_assert(sizeof(gemmac_run) == 16, "gemmac_run");
static_assert(sizeof(gemmac_call) == 96, "gemmac_call");
#endif

#endif // GEMMAC_CALL_H
