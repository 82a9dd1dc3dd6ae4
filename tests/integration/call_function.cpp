// One call of a function of a program, in machine code, as the runtime would make it; linked with an object of one ISA
// level by machine_code.py. FUNCTION is its symbol.
//
//   call_function DATA ARENA_BYTES SCRATCH_BYTES ROWS THREADS OFFSET BYTES OUT [OFFSET IN]...
//
// Writes BYTES of the arena at OFFSET to OUT after each IN was put at its offset. Memory that nobody writes is NaN.
#include "gemmac/call.h"

#include <barrier>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

extern "C" void FUNCTION(const gemmac_call *call, int64_t thread);

extern "C" void gemmac_barrier(const gemmac_call *call, int64_t) {
  static_cast<std::barrier<> *>(call->barrier)->arrive_and_wait();
}

static uint8_t *pages(size_t bytes) {
  const size_t whole = (bytes / 4096 + 1) * 4096;
  auto *memory = static_cast<uint8_t *>(std::aligned_alloc(4096, whole));
  std::memset(memory, 0xff, whole);
  return memory;
}

static std::vector<char> load(const char *path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int main(int count, char **words) {
  const std::vector<char> data = load(words[1]);
  uint8_t *weights = pages(data.size());
  std::memcpy(weights, data.data(), data.size());
  const int64_t scratch = std::atoll(words[3]), rowCount = std::atoll(words[4]), threads = std::atoll(words[5]);
  uint8_t *arena = pages(static_cast<size_t>(std::atoll(words[2])));
  for (int i = 9; i + 1 < count; i += 2) {
    const std::vector<char> input = load(words[i + 1]);
    std::memcpy(arena + std::atoll(words[i]), input.data(), input.size());
  }
  std::vector<gemmac_row> rows(static_cast<size_t>(rowCount));
  for (size_t i = 0; i < rows.size(); ++i)
    rows[i].position = static_cast<int32_t>(i);
  const gemmac_run run{0, rowCount};
  std::barrier<> barrier(threads);
  const gemmac_call call{weights,  arena,       pages(static_cast<size_t>(threads * scratch)),
                         nullptr,  rows.data(), rowCount,
                         &run,     1,           threads,
                         &barrier, nullptr,     nullptr};
  std::vector<std::thread> others;
  for (int64_t thread = 1; thread < threads; ++thread)
    others.emplace_back([&call, thread] { FUNCTION(&call, thread); });
  FUNCTION(&call, 0);
  for (std::thread &other : others)
    other.join();
  std::ofstream out(words[8], std::ios::binary);
  out.write(reinterpret_cast<const char *>(arena) + std::atoll(words[6]), std::atoll(words[7]));
  return out ? 0 : 1;
}
