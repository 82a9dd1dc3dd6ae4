#include "engine/MemoryLimit.h"

#include "base/Text.h"

namespace gemmac::runtime {

uint64_t residentBytes(const gemmac_program &program, int64_t threads, int64_t positions, int64_t slots) {
  return gemmac_resident_bytes(&program.memory, static_cast<uint64_t>(threads), static_cast<uint64_t>(slots),
                               static_cast<uint64_t>(positions), static_cast<uint64_t>(program.context));
}

uint64_t mediaBytes(const gemmac_program &program, int64_t threads, bool image, bool audio) {
  return gemmac_media_bytes(&program.memory, static_cast<uint64_t>(threads), image, audio);
}

int64_t threadsWithinMemory(const gemmac_program &program, int64_t threads, int64_t context) {
  const int64_t positions = context ? context : program.context;
  const uint64_t limit = program.memory.limit;
  auto resident = [&] {
    return residentBytes(program, threads, positions, program.slots) +
           mediaBytes(program, threads, /*image=*/true, /*audio=*/true);
  };
  while (limit != 0 && threads > 1 && resident() > limit)
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
