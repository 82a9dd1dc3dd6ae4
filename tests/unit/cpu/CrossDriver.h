// The file that CrossRunner hands to CrossDriver: this header, then data, cache, rows, runs, rows of tables, arena.
// Back come arena and cache.
#ifndef GEMMAC_TESTS_UNIT_CPU_CROSSDRIVER_H
#define GEMMAC_TESTS_UNIT_CPU_CROSSDRIVER_H

#include <cstdint>

namespace gemmac::test {
struct CrossHeader {
  int64_t dataBytes, arenaBytes, scratchBytes, cacheBytes, tableRowBytes, rows, runs, threads;
};
} // namespace gemmac::test

#endif // GEMMAC_TESTS_UNIT_CPU_CROSSDRIVER_H
