// A hand-written program behind the ABI: what emitted code looks like to the runtime, with a "model" that recites. Its
// KV cache holds the tokens themselves, so a wrong position, chunk or barrier changes the logits.
//
// The last capital letter before the answer chooses what it says:
//   E  a character of four byte tokens      T  a thought, then "ok"           X  a byte that is no character
//   H  a letter for the number of turns     L  the alphabet for ever          S  the same, slowly
//   N  logits that are no numbers           C  control characters: ESC, BEL, U+009B, U+202E between letters
//   anything else: "hello there."
#include "DemoVocabulary.h"

#include "gemmac/abi.h"

#include <limits>
#include <time.h>

using namespace gemmac::demo;

namespace {

constexpr int64_t context = 512, stride = 352, logitsOffset = 4096, verifyRows = 8, chunkRows = 32;

// Indices are positions; entry = token id + 1.
struct History {
  const int32_t *tokens;
  int64_t length;
  int32_t operator[](int64_t i) const { return tokens[i] - 1; }
};

bool isCapital(int32_t token) { return token >= upperA && token < upperA + 26; }

int32_t letter(char c) { return c == ' ' ? space : c == '.' ? period : lowerA + (c - 'a'); }

// The mode and where the answer began: behind the last "<|turn>model\n", or in raw text behind the last capital.
char findMode(const History &history, int64_t &begin, int64_t &turns) {
  char mode = 'A', chosen = 'A'; // by all capitals, by those before the answer
  int64_t capital = 0;
  begin = -1;
  turns = 0;
  for (int64_t i = 0; i < history.length; ++i) {
    if (isCapital(history[i])) {
      mode = static_cast<char>('A' + (history[i] - upperA));
      capital = i + 1;
    }
    if (i >= 2 && history[i - 2] == turnOpen && history[i - 1] == model && history[i] == newline) {
      begin = i + 1;
      chosen = mode;
      ++turns;
    }
  }
  if (begin >= 0)
    return chosen;
  begin = capital;
  return mode;
}

// The token that follows `history`; -1 for no number at all.
int32_t nextToken(const History &history) {
  int64_t begin, turns;
  const char mode = findMode(history, begin, turns);
  const int64_t at = history.length - begin;
  static constexpr int32_t emoji[] = {lowerA + 7,       firstByte + 0xf0, firstByte + 0x9f, firstByte + 0x98,
                                      firstByte + 0x80, lowerA + 8,       turnClose};
  static constexpr int32_t thought[] = {channelOpen, lowerA + 3,  lowerA + 14, channelClose,
                                        lowerA + 14, lowerA + 10, turnClose};
  static constexpr int32_t invalid[] = {firstByte + 0xff, lowerA, turnClose};
  static constexpr int32_t controls[] = {firstByte + 0x1b, lowerA,           firstByte + 0x07, lowerA + 1,
                                         firstByte + 0xc2, firstByte + 0x9b, firstByte + 0xe2, firstByte + 0x80,
                                         firstByte + 0xae, lowerA + 2,       turnClose};
  static constexpr char hello[] = "hello there.";
  switch (mode) {
  case 'E':
    return at < 7 ? emoji[at] : turnClose;
  case 'T':
    return at < 7 ? thought[at] : turnClose;
  case 'X':
    return at < 3 ? invalid[at] : turnClose;
  case 'C':
    return at < 11 ? controls[at] : turnClose;
  case 'H':
    return at == 0 ? lowerA + static_cast<int32_t>(turns % 26) : turnClose;
  case 'L':
  case 'S':
    return lowerA + static_cast<int32_t>(at % 26);
  case 'N':
    return -1;
  default:
    return at < 12 ? letter(hello[at]) : turnClose;
  }
}

// Noise below one that depends on every token so far, and a peak.
void fillLogits(const History &history, float *logits, int64_t first, int64_t last) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (int64_t i = 0; i < history.length; ++i)
    hash = (hash ^ static_cast<uint64_t>(history[i])) * 0x100000001b3u;
  const int32_t next = nextToken(history);
  for (int64_t v = first; v < last; ++v) {
    const uint64_t mixed = (hash ^ static_cast<uint64_t>(v)) * 0x9e3779b97f4a7c15u;
    logits[v] = static_cast<float>(mixed >> 40) * 0x1p-24f;
    if (next < 0)
      logits[v] = std::numeric_limits<float>::quiet_NaN();
  }
  if (next >= first && next < last)
    logits[next] += 8;
}

template <bool Logits> void run(const gemmac_call *call, int64_t thread) {
  auto cacheOf = [&](const gemmac_row &row) { return reinterpret_cast<int32_t *>(call->cache) + row.slot * context; };
  for (int64_t row = thread; row < call->row_count; row += call->threads)
    cacheOf(call->rows[row])[call->rows[row].position] = call->rows[row].token + 1;
  gemmac_barrier(call, thread);
  if constexpr (Logits) {
    auto *logits = reinterpret_cast<float *>(call->arena + logitsOffset);
    const int64_t first = vocab * thread / call->threads, last = vocab * (thread + 1) / call->threads;
    for (int64_t row = 0; row < call->row_count; ++row)
      fillLogits({cacheOf(call->rows[row]), call->rows[row].position + 1}, logits + row * stride, first, last);
    int64_t begin, turns;
    const gemmac_row &newest = call->rows[call->row_count - 1];
    const History all{cacheOf(newest), newest.position + 1};
    if (thread == 0 && call->row_count == 1 && findMode(all, begin, turns) == 'S') {
      const timespec tenth = {0, 10'000'000};
      nanosleep(&tenth, nullptr);
    }
  }
}

constexpr gemmac_value logits = {GEMMAC_LOGITS, logitsOffset, stride * 4, vocab, 1, GEMMAC_F32};
constexpr gemmac_function functions[] = {{GEMMAC_DECODE, 1, 0, nullptr, 1, &logits, 1000, 100, 1, {}},
                                         {GEMMAC_VERIFY, verifyRows, 0, nullptr, 1, &logits, 1000, 100, 1, {}},
                                         {GEMMAC_PREFILL, chunkRows, 0, nullptr, 0, nullptr, 1000, 100, 1, {}}};
constexpr gemmac_function_fn runs[] = {run<true>, run<true>, run<false>};
constexpr gemmac_code code[] = {
#if defined(__x86_64__)
    {"plain", GEMMAC_CODE_CPU, 0, runs},
    {"avx2", GEMMAC_CODE_CPU, GEMMAC_CPU_X86_AVX2, runs},
#else
    {"neon", GEMMAC_CODE_CPU, GEMMAC_CPU_ARM_NEON, runs},
    {"dotprod", GEMMAC_CODE_CPU, GEMMAC_CPU_ARM_DOTPROD, runs},
#endif
    {"future", GEMMAC_CODE_CPU, 1ull << 63, runs},
};
constexpr int32_t stopIds[] = {eos, turnClose};
constexpr gemmac_cache caches[] = {{"0-3, 5", "f16", 2, 256, 512, 640, 3 << 20, -1, 256},
                                   {"6", "f16", 1, 512, 0, 4096, 0, 4, 512},
                                   {"7", "q4", 2, 512, 0, 4096, 1 << 20, -1, 128}};

} // namespace

constexpr gemmac_chat_mode usualMode = {"<|turn>user\n",           "<|turn>system\n",         "<turn|>\n<|turn>user\n",
                                        "<turn|>\n<|turn>model\n", "<turn|>\n<|turn>model\n", "<turn|>\n<|turn>user\n"};
constexpr gemmac_chat_mode thinkingMode = {"<|turn>system\n<|think|>\n<turn|>\n<|turn>user\n",
                                           "<|turn>system\n<|think|>\n",
                                           usualMode.system_close,
                                           usualMode.prompt,
                                           usualMode.answered,
                                           usualMode.next};

extern "C" const gemmac_program gemmac_the_program = {
    .abi_version = GEMMAC_ABI_VERSION,
    .struct_bytes = sizeof(gemmac_program),
    .name = "demo",
#if defined(__x86_64__)
    .target = "x86_64-linux",
#else
    .target = "aarch64-linux",
#endif
    .weights = "none",
    .info_json = R"({"name": "demo", "context": 512})",
    .vocab = vocab,
    .hidden = 1,
    .layers = 1,
    .context = context,
    .arena_bytes = logitsOffset + verifyRows * stride * 4,
    .scratch_bytes = 64,
    .slot_bytes = context * 4,
    .slots = 2,
    .bos_id = bos,
    .tokenizer = {0, tokenizerBytes},
    .function_count = sizeof(functions) / sizeof(functions[0]),
    .functions = functions,
    .code_count = sizeof(code) / sizeof(code[0]),
    .code = code,
    .chat = {"<bos>",
             "<turn|>",
             "<|channel>",
             "<channel|>",
             GEMMAC_CHAT_EXISTS | GEMMAC_CHAT_SYSTEM | GEMMAC_CHAT_TRIMS_USER | GEMMAC_CHAT_TRIMS_SYSTEM |
                 GEMMAC_CHAT_TRIMS_ANSWERS | GEMMAC_CHAT_DROPS_THOUGHTS | GEMMAC_CHAT_DROPS_UNCLOSED |
                 GEMMAC_CHAT_DROPS_MARKS,
             {usualMode, thinkingMode, usualMode}},
    .sampling = {0, 0, 1, 2, stopIds, 0, nullptr},
    .mapped_bytes = tokenizerBytes,
    .cache_count = 3,
    .caches = caches,
};
