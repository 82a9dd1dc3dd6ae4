// Calls one function of a compiled program by its ABI alone, without a runtime: test_vision.py links this with the
// objects that gemmac emits.
//
//   call_program DATA FUNCTION LEVEL THREADS ROWS [in NAME PER_ROW FILE | out NAME FILE]...
//
// DATA is the program's data section. Files hold numbers of 4 bytes, row after row: of an input PER_ROW rows for each
// row of the call, which may leave out last columns; of an output one.
#include "gemmac/abi.h"

#include <algorithm>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

extern "C" void gemmac_barrier(const gemmac_call *call, int64_t) {
  static_cast<std::barrier<> *>(call->barrier)->arrive_and_wait();
}
extern "C" void gemmac_mark(const gemmac_call *, int64_t, int64_t) {}

/// The entry of that name; the test names none that is not there.
template <typename T> static const T &named(const T *all, int64_t count, const std::string &name) {
  const T *found = std::find_if(all, all + count, [&](const T &one) { return name == one.name; });
  if (found == all + count) {
    fprintf(stderr, "the program has no '%s'\n", name.c_str());
    exit(1);
  }
  return *found;
}

static std::string read(const char *path) {
  std::stringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

static uint8_t *aligned(int64_t bytes) {
  const auto size = static_cast<size_t>(bytes + 4096) / 4096 * 4096;
  return static_cast<uint8_t *>(memset(aligned_alloc(4096, size), 0xff, size)); // NaN: what nobody writes shows
}

static void give(const gemmac_value &value, uint8_t *arena, int64_t rows, const std::string &content) {
  const auto bytes = static_cast<int64_t>(content.size()) / rows;
  for (int64_t r = 0; r < rows; ++r) {
    uint8_t *row = arena + value.offset + r * value.row_bytes;
    memset(row, 0, static_cast<size_t>(value.row_bytes));
    memcpy(row, content.data() + r * bytes, static_cast<size_t>(bytes));
  }
}

static void take(const gemmac_value &value, const uint8_t *arena, int64_t rows, const char *path) {
  std::ofstream file(path, std::ios::binary);
  for (int64_t r = 0; r < rows; ++r)
    file.write(reinterpret_cast<const char *>(arena + value.offset + r * value.row_bytes), value.width * 4);
}

static void run(gemmac_function_fn code, gemmac_call call) {
  std::barrier<> barrier(call.threads);
  call.barrier = &barrier;
  std::vector<std::jthread> threads;
  for (int64_t t = 0; t < call.threads; ++t)
    threads.emplace_back([&, t] { code(&call, t); });
}

int main(int count, char **words) {
  const gemmac_program &program = gemmac_the_program;
  const gemmac_function &function = named(program.functions, program.function_count, words[2]);
  const std::string data = read(words[1]);
  const int64_t threads = atoll(words[4]), rows = atoll(words[5]);
  std::vector<gemmac_row> list;
  for (int32_t r = 0; r < rows; ++r)
    list.push_back({.token = 0, .position = r, .slot = 0, .flags = 0, .group = 0});
  const gemmac_run whole{0, rows};
  uint8_t *mapped = aligned(static_cast<int64_t>(data.size())), *arena = aligned(program.arena_bytes);
  memcpy(mapped, data.data(), data.size());
  for (char **word = words + 6; word < words + count; ++word)
    if (std::string(word[0]) == "in")
      give(named(function.inputs, function.input_count, word[1]), arena, rows * atoll(word[2]), read(word[3]));
  run(named(program.code, program.code_count, words[3]).run[&function - program.functions],
      {.data = mapped,
       .arena = arena,
       .scratch = aligned(program.scratch_bytes * threads),
       .cache = nullptr,
       .rows = list.data(),
       .row_count = rows,
       .runs = &whole,
       .run_count = 1,
       .threads = threads,
       .barrier = nullptr,
       .table_rows = nullptr,
       .times = nullptr});
  for (char **word = words + 6; word < words + count; ++word)
    if (std::string(word[0]) == "out")
      take(named(function.outputs, function.output_count, word[1]), arena, rows, word[2]);
  return 0;
}
