#include "engine/Roof.h"

#include "base/Clock.h"
#include "engine/Cpu.h"

#include <algorithm>
#include <cstddef>

namespace gemmac::runtime {

namespace {
constexpr int64_t lineBytes = 64;

/// One load of a line; machines with narrower registers take several.
using Line = uint64_t __attribute__((vector_size(lineBytes), aligned(lineBytes)));
using SumLines = uint64_t (*)(const uint8_t *data, int64_t lines, int64_t prefetchBytes);

/// A pass over memory. The pool hands every thread the address of `call`, which is that of the whole pass.
struct Pass {
  gemmac_call call = {};
  SumLines sum;
  const uint8_t *data;
  int64_t lines;
  int64_t prefetchBytes; ///< how far ahead of the loads; 0: the hardware decides alone
};
static_assert(offsetof(Pass, call) == 0);
} // namespace

// Four sums, so that no addition waits for the one before.
[[gnu::always_inline]] static inline uint64_t sumLines(const uint8_t *data, int64_t lines, int64_t prefetchBytes) {
  const auto *line = reinterpret_cast<const Line *>(data);
  Line sums[4] = {};
  for (int64_t i = 0; i + 4 <= lines; i += 4)
    for (int64_t j = 0; j < 4; ++j) {
      if (prefetchBytes)
        __builtin_prefetch(data + (i + j) * lineBytes + prefetchBytes);
      sums[j] += line[i + j];
    }
  const Line sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  uint64_t total = 0;
  for (int lane = 0; lane < 8; ++lane)
    total += sum[lane];
  return total;
}

static uint64_t sumBase(const uint8_t *data, int64_t lines, int64_t prefetch) {
  return prefetch ? sumLines(data, lines, prefetch) : sumLines(data, lines, 0);
}
#if defined(__x86_64__)
[[gnu::target("avx2")]] static uint64_t sumAvx2(const uint8_t *data, int64_t lines, int64_t prefetch) {
  return prefetch ? sumLines(data, lines, prefetch) : sumLines(data, lines, 0);
}
[[gnu::target("avx512f")]] static uint64_t sumAvx512(const uint8_t *data, int64_t lines, int64_t prefetch) {
  return prefetch ? sumLines(data, lines, prefetch) : sumLines(data, lines, 0);
}
#endif

static SumLines widestLoads() {
#if defined(__x86_64__)
  const uint64_t features = cpuFeatures();
  if (features & GEMMAC_CPU_X86_AVX512_VNNI)
    return sumAvx512;
  if (features & GEMMAC_CPU_X86_AVX2)
    return sumAvx2;
#endif
  return sumBase;
}

static void readPart(const gemmac_call *call, int64_t thread) {
  const auto &pass = *reinterpret_cast<const Pass *>(call);
  const int64_t first = pass.lines * thread / call->threads, last = pass.lines * (thread + 1) / call->threads;
  // The sum must be wanted, or the loads vanish.
  [[maybe_unused]] volatile uint64_t sum = pass.sum(pass.data + first * lineBytes, last - first, pass.prefetchBytes);
}

double readBandwidth(ThreadPool &pool, const uint8_t *data, int64_t bytes) {
  double best = 0;
  for (int64_t prefetchBytes : {0, 2048}) {
    Pass pass{.sum = widestLoads(), .data = data, .lines = bytes / lineBytes, .prefetchBytes = prefetchBytes};
    const double begin = monotonicSeconds();
    pool.run(readPart, pass.call);
    best = std::max(best, static_cast<double>(pass.lines * lineBytes) / (monotonicSeconds() - begin));
  }
  return best;
}

} // namespace gemmac::runtime
