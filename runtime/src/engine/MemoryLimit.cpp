#include "engine/MemoryLimit.h"

#include "base/Text.h"

#include <algorithm>

namespace gemmac::runtime {

uint64_t residentBytes(const gemmac_program &program, int64_t threads, int64_t positions, int64_t slots) {
  return gemmac_resident_bytes(&program.memory, static_cast<uint64_t>(threads), static_cast<uint64_t>(slots),
                               static_cast<uint64_t>(positions), static_cast<uint64_t>(program.context));
}

uint64_t mediaBytes(const gemmac_program &program, int64_t threads, bool image, bool audio) {
  return gemmac_media_bytes(&program.memory, static_cast<uint64_t>(threads), image, audio);
}

/// Of a conversation that fills the context and shows and plays all that there is.
static uint64_t peakBytes(const gemmac_program &program, int64_t threads, int64_t context) {
  return residentBytes(program, threads, context, program.slots) +
         mediaBytes(program, threads, /*image=*/true, /*audio=*/true);
}

int64_t softRowsWithinMemory(const gemmac_program &program, int64_t threads, int64_t context) {
  constexpr int64_t counted = GEMMAC_MEDIA_CACHE_ROWS;
  const int64_t most = std::max(context, counted);
  const uint64_t limit = program.memory.limit, peak = peakBytes(program, threads, context);
  if (limit == 0)
    return most;
  const uint64_t spare = limit > peak ? (limit - peak) / (static_cast<uint64_t>(program.hidden) * sizeof(float)) : 0;
  return std::min(most, counted + static_cast<int64_t>(spare));
}

int64_t threadsWithinMemory(const gemmac_program &program, int64_t threads, int64_t context) {
  const int64_t positions = context ? context : program.context;
  const uint64_t limit = program.memory.limit;
  while (limit != 0 && threads > 1 && peakBytes(program, threads, positions) > limit)
    --threads;
  return threads;
}

Status checkThreads(const gemmac_program &program, int64_t asked, int64_t context) {
  const int64_t fitting = threadsWithinMemory(program, asked, context);
  if (fitting == asked)
    return {};
  return {ExitCode::usage,
          format("-t %lld: the program was compiled to stay below %s of memory, which %lld threads do and more do not",
                 static_cast<long long>(asked), formatBytes(program.memory.limit).c_str(),
                 static_cast<long long>(fitting))};
}

} // namespace gemmac::runtime
