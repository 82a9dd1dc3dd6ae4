// main() of a program around one function, for another machine: reads its memory from a file, runs, writes it
// back.
#include "CrossDriver.h"
#include "gemmac/call.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <thread>
#include <vector>

extern "C" void gemmac_test_function(const gemmac_call *call, int64_t thread);

extern "C" void gemmac_barrier(const gemmac_call *call, int64_t) {
  pthread_barrier_wait(static_cast<pthread_barrier_t *>(call->barrier));
}

static uint8_t *allocate(int64_t bytes, int fill) {
  auto *memory = static_cast<uint8_t *>(std::aligned_alloc(4096, (bytes + 4096) / 4096 * 4096));
  std::memset(memory, fill, bytes);
  return memory;
}

int main(int count, char **arguments) {
  std::FILE *input = count == 3 ? std::fopen(arguments[1], "rb") : nullptr;
  gemmac::test::CrossHeader header;
  if (!input || std::fread(&header, sizeof(header), 1, input) != 1)
    return 2;
  uint8_t *data = allocate(header.dataBytes, 0), *cache = allocate(header.cacheBytes, 0);
  uint8_t *arena = allocate(header.arenaBytes, 0), *scratch = allocate(header.scratchBytes * header.threads, 0xff);
  uint8_t *tableRows = allocate(header.rows * header.tableRowBytes, 0);
  std::vector<gemmac_row> rows(header.rows);
  std::vector<gemmac_run> runs(header.runs);
  auto read = [&](void *place, size_t bytes) { return std::fread(place, 1, bytes, input) == bytes; };
  if (!read(data, header.dataBytes) || !read(cache, header.cacheBytes) ||
      !read(rows.data(), header.rows * sizeof(gemmac_row)) || !read(runs.data(), header.runs * sizeof(gemmac_run)) ||
      !read(tableRows, header.rows * header.tableRowBytes) || !read(arena, header.arenaBytes))
    return 3;

  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, static_cast<unsigned>(header.threads));
  gemmac_call call{data,        arena,       scratch,        cache,    rows.data(), header.rows,
                   runs.data(), header.runs, header.threads, &barrier, tableRows,   /*times=*/nullptr};
  std::vector<std::thread> threads;
  for (int64_t thread = 1; thread < header.threads; ++thread)
    threads.emplace_back([&call, thread] { gemmac_test_function(&call, thread); });
  gemmac_test_function(&call, 0);
  for (std::thread &thread : threads)
    thread.join();

  std::FILE *output = std::fopen(arguments[2], "wb");
  bool written = output && std::fwrite(arena, 1, header.arenaBytes, output) == static_cast<size_t>(header.arenaBytes) &&
                 std::fwrite(cache, 1, header.cacheBytes, output) == static_cast<size_t>(header.cacheBytes);
  return written && std::fclose(output) == 0 ? 0 : 4;
}
