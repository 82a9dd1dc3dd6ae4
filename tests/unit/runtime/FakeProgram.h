// A small model behind the ABI for unit tests: logits that depend on every token fed and on their positions.
#ifndef GEMMAC_TESTS_RUNTIME_FAKEPROGRAM_H
#define GEMMAC_TESTS_RUNTIME_FAKEPROGRAM_H

#include "gemmac/abi.h"

#include <array>
#include <cstddef>

namespace gemmac::test {

inline constexpr int64_t fakeVocab = 40, fakeStride = 48, fakeContext = 64, fakeVerifyRows = 8, fakeChunk = 16;

/// A function of a model with so many tokens, `Stride` floats between rows of logits.
template <int64_t Vocab, int64_t Stride, bool Logits> void runHashes(const gemmac_call *call, int64_t thread) {
  auto cacheOf = [&](const gemmac_row &row) {
    return reinterpret_cast<int32_t *>(call->cache) + row.slot * fakeContext;
  };
  auto *logits = reinterpret_cast<float *>(call->arena);
  call->scratch[thread * 64] = 1;
  for (int64_t row = thread; row < call->row_count; row += call->threads)
    cacheOf(call->rows[row])[call->rows[row].position] = call->rows[row].token;
  gemmac_barrier(call, thread);
  for (int64_t row = 0; Logits && row < call->row_count; ++row)
    for (int64_t v = thread; v < Vocab; v += call->threads) {
      uint64_t hash = static_cast<uint64_t>(v) + 1;
      const int32_t *cache = cacheOf(call->rows[row]);
      for (int64_t i = 0; i <= call->rows[row].position; ++i)
        hash = (hash ^ static_cast<uint64_t>(cache[i] + 1)) * 0x100000001b3u;
      logits[row * Stride + v] = static_cast<float>(hash >> 44);
    }
}

/// Row 0 of the logits lies at the beginning of the arena.
template <int64_t Vocab, int64_t Stride>
inline constexpr gemmac_value hashLogits = {GEMMAC_LOGITS, 0, Stride *int64_t(sizeof(float)), Vocab, 1, GEMMAC_F32};

template <int64_t Vocab, int64_t Stride>
inline constexpr std::array<gemmac_function, 3> hashFunctions = {
    {{GEMMAC_DECODE, 1, 0, nullptr, 1, &hashLogits<Vocab, Stride>, 0, 0, 0, {}},
     {GEMMAC_VERIFY, fakeVerifyRows, 0, nullptr, 1, &hashLogits<Vocab, Stride>, 0, 0, 0, {}},
     {GEMMAC_PREFILL, fakeChunk, 0, nullptr, 0, nullptr, 0, 0, 0, {}}}};

template <int64_t Vocab, int64_t Stride>
inline constexpr gemmac_function_fn hashRuns[] = {runHashes<Vocab, Stride, true>, runHashes<Vocab, Stride, true>,
                                                  runHashes<Vocab, Stride, false>};

template <int64_t Vocab, int64_t Stride>
inline constexpr gemmac_code hashCode[] = {{"base", GEMMAC_CODE_CPU, 0, hashRuns<Vocab, Stride>},
                                           {"better", GEMMAC_CODE_CPU, 1, hashRuns<Vocab, Stride>},
                                           {"best", GEMMAC_CODE_CPU, 1 | 2, hashRuns<Vocab, Stride>}};

/// decode, verify, prefill of fakeProgram(), for tests that change a copy of them.
inline constexpr std::array<gemmac_function, 3> fakeFunctions = hashFunctions<fakeVocab, fakeStride>;

inline gemmac_program fakeProgram() {
  gemmac_program program = {};
  program.abi_version = GEMMAC_ABI_VERSION;
  program.struct_bytes = sizeof(gemmac_program);
  program.vocab = fakeVocab;
  program.context = fakeContext;
  program.arena_bytes = fakeVerifyRows * fakeStride * 4;
  program.scratch_bytes = 64;
  program.slots = 8;
  program.slot_bytes = fakeContext * 4;
  program.bos_id = -1;
  program.function_count = 3;
  program.functions = fakeFunctions.data();
  program.code_count = 3;
  program.code = hashCode<fakeVocab, fakeStride>;
  const char *none = "";
  program.chat = {none, none, none, none, 0, {}};
  for (gemmac_chat_mode &mode : program.chat.modes)
    mode = {none, none, none, none, none, none};
  return program;
}

} // namespace gemmac::test

#endif // GEMMAC_TESTS_RUNTIME_FAKEPROGRAM_H
