#include "engine/Session.h"

#include "base/Signals.h"
#include "base/Text.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>

namespace gemmac::runtime {

static uint64_t roundToPage(int64_t bytes) { return (static_cast<uint64_t>(bytes) + 4095) / 4096 * 4096; }

static int64_t mostRows(const gemmac_program &program) {
  int64_t rows = 0;
  for (const gemmac_phase &phase : program.phases)
    rows = std::max(rows, phase.max_rows);
  return rows;
}

Session::~Session() {
  if (memory)
    munmap(memory, memoryBytes);
}

Status Session::open(const gemmac_program &compiled, const Image &file, const gemmac_level &chosen, ThreadPool &threads,
                     const Options &options) {
  program = &compiled;
  image = &file;
  level = &chosen;
  pool = &threads;
  const int64_t maxChunk = compiled.phases[GEMMAC_PHASE_PREFILL].max_rows;
  chunk = options.chunk ? options.chunk : maxChunk;
  contextLimit = options.context ? options.context : compiled.context;
  if (chunk < 1 || chunk > maxChunk)
    return {ExitCode::usage, format("--chunk %lld: this program takes 1 to %lld", static_cast<long long>(chunk),
                                    static_cast<long long>(maxChunk))};
  if (contextLimit < 1 || contextLimit > compiled.context)
    return {
        ExitCode::usage,
        format("--context %lld: this program was compiled for at most %lld; compile it again with a larger --context",
               static_cast<long long>(contextLimit), static_cast<long long>(compiled.context))};
  const uint64_t arena = roundToPage(compiled.arena_bytes);
  const uint64_t scratch = roundToPage(compiled.scratch_bytes * threads.size());
  const uint64_t cache = roundToPage(compiled.slots * compiled.slot_bytes);
  const uint64_t tables = roundToPage(compiled.table_row_bytes * mostRows(compiled));
  memoryBytes = arena + scratch + cache + tables;
  void *address =
      mmap(nullptr, memoryBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED)
    return {ExitCode::inputOutput,
            format("cannot reserve %s of working memory: %s", formatBytes(memoryBytes).c_str(), strerror(errno))};
  memory = address;
  rows.resize(static_cast<size_t>(mostRows(compiled)));
  call.rows = rows.data();
  call.runs = &wholeCall;
  call.run_count = 1;
  call.arena = static_cast<uint8_t *>(memory);
  call.scratch = call.arena + arena;
  call.cache = call.scratch + scratch;
  call.table_rows = tableRows = call.cache + cache;
  Status status = file.map({0, compiled.mapped_bytes}, weights);
  call.data = weights.data();
  return status;
}

void Session::readTableRows(std::span<const int32_t> tokens) {
  uint8_t *row = tableRows;
  for (int32_t token : tokens) {
    for (const gemmac_table &table : std::span(program->tables, static_cast<size_t>(program->table_count)))
      image->read(table.offset + static_cast<uint64_t>(token) * table.row_bytes, row + table.row_at, table.row_bytes);
    row += program->table_row_bytes;
  }
}

void Session::announce(std::span<const int32_t> tokens) const {
  for (int32_t token : tokens)
    for (const gemmac_table &table : std::span(program->tables, static_cast<size_t>(program->table_count)))
      image->announce(table.offset + static_cast<uint64_t>(token) * table.row_bytes, table.row_bytes);
}

void Session::pretendPosition(int64_t position) {
  memset(call.cache, 0, static_cast<size_t>(program->slot_bytes));
  next = highest = position;
}

int64_t Session::rewind(int64_t position) {
  assert(position >= 0 && position <= next);
  for (const gemmac_cache &cache : std::span(program->caches, static_cast<size_t>(program->cache_count))) {
    const int64_t needed = std::max<int64_t>(0, position - cache.window + 1), kept = highest - cache.positions;
    if (cache.window > 0 && cache.shared_from < 0 && position < next && needed < kept) {
      reset();
      return 0;
    }
  }
  next = position;
  return position;
}

const float *Session::run(gemmac_phase_id phase, std::span<const int32_t> tokens) {
  assert(!tokens.empty() && static_cast<int64_t>(tokens.size()) <= remaining());
  for (size_t i = 0; i < tokens.size(); ++i)
    rows[i] = {tokens[i], static_cast<int32_t>(next) + static_cast<int32_t>(i), /*slot=*/0, GEMMAC_ROW_LOGITS, 0};
  call.row_count = wholeCall.count = static_cast<int64_t>(tokens.size());
  readTableRows(tokens);
  call.times = stepTimes;
  if (stepTimes)
    stepTimes->begin(phase);
  if (threadPlan)
    threadPlan->run(*pool, phase, level->run[phase], call);
  else
    pool->run(level->run[phase], call);
  if (stepTimes)
    stepTimes->end();
  next += call.row_count;
  highest = std::max(highest, next);
  const int64_t offset = program->phases[phase].logits_offset;
  return offset < 0 ? nullptr : reinterpret_cast<const float *>(call.arena + offset);
}

void Session::prefill(std::span<const int32_t> tokens) { run(GEMMAC_PHASE_PREFILL, tokens); }
const float *Session::decode(int32_t token) { return run(GEMMAC_PHASE_DECODE, {&token, 1}); }
const float *Session::verify(std::span<const int32_t> tokens) { return run(GEMMAC_PHASE_VERIFY, tokens); }

const float *Session::feed(std::span<const int32_t> tokens) {
  announce(tokens);
  while (tokens.size() > 1 && !interruptRequested()) {
    size_t rows = std::min(tokens.size() - 1, static_cast<size_t>(chunk));
    prefill(tokens.first(rows));
    tokens = tokens.subspan(rows);
  }
  return interruptRequested() ? nullptr : decode(tokens.front());
}

} // namespace gemmac::runtime
