#include "engine/CpuEngine.h"

#include "base/Text.h"
#include "engine/CacheMemory.h"
#include "engine/Cpu.h"
#include "engine/MemoryLimit.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>

namespace gemmac::runtime {

static uint64_t roundToPage(int64_t bytes) { return (static_cast<uint64_t>(bytes) + 4095) / 4096 * 4096; }

static int64_t mostRows(const gemmac_program &program) {
  int64_t rows = 0;
  for (const gemmac_function &function : functionsOf(program))
    rows = std::max(rows, function.max_rows);
  return rows;
}

/// What a thread may take of its stack: in functions as the compiler promised, and what calls them.
static uint64_t stackBytes(const gemmac_program &program) {
  constexpr uint64_t callers = 256 << 10;
  const uint64_t thread = program.memory.thread + program.memory.thread_media;
  return callers + thread - std::min(thread, static_cast<uint64_t>(program.scratch_bytes));
}

CpuEngine::~CpuEngine() {
  if (memoryBegin)
    munmap(memoryBegin, memoryBytes);
}

Status CpuEngine::open(const gemmac_program &program, const ProgramFile &file, const EngineOptions &options) {
  compiled = &program;
  programFile = &file;
  if (Status status = findTextFunctions(program, textFunctions); !status.ok())
    return status;
  if (Status status = chooseLevel(program, options.isa, cpuFeatures(), chosenLevel); !status.ok())
    return status;
  if (Status status = startThreads(options); !status.ok())
    return status;
  if (Status status = checkOptions(options); !status.ok())
    return status;
  if (Status status = reserve(); !status.ok())
    return status;
  runs.reserve(static_cast<size_t>(mostRows(program)));
  return file.map({0, program.mapped_bytes}, weights);
}

Status CpuEngine::startThreads(const EngineOptions &options) {
  if (Status status = checkThreads(*compiled, options.threads, options.context); !status.ok())
    return status;
  found = findProcessors();
  plan.emplace(*compiled, options.threads, threadsWithinMemory(*compiled, found.usable, options.context));
  if (Status status = pool.start(plan->poolSize(), stackBytes(*compiled)); !status.ok())
    return status;
  plan->measure(pool);
  return {};
}

Status CpuEngine::checkOptions(const EngineOptions &options) {
  const int64_t maxChunk = textFunctions->prefill.max_rows;
  chunk = options.chunk ? options.chunk : maxChunk;
  contextLimit = options.context ? options.context : compiled->context;
  if (chunk < 1 || chunk > maxChunk)
    return {ExitCode::usage, format("--chunk %lld: this program takes 1 to %lld", static_cast<long long>(chunk),
                                    static_cast<long long>(maxChunk))};
  if (contextLimit < 1 || contextLimit > compiled->context)
    return {
        ExitCode::usage,
        format("--context %lld: this program was compiled for at most %lld; compile it again with a larger --context",
               static_cast<long long>(contextLimit), static_cast<long long>(compiled->context))};
  return {};
}

Status CpuEngine::reserve() {
  const uint64_t arenaBytes = roundToPage(compiled->arena_bytes);
  const uint64_t scratchBytes = roundToPage(compiled->scratch_bytes * pool.size());
  const uint64_t cacheBytes = roundToPage(compiled->slot_bytes * slots());
  memoryBytes = arenaBytes + scratchBytes + cacheBytes + roundToPage(compiled->table_row_bytes * mostRows(*compiled));
  void *address =
      mmap(nullptr, memoryBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED)
    return {ExitCode::inputOutput,
            format("cannot reserve %s of working memory: %s", formatBytes(memoryBytes).c_str(), strerror(errno))};
  memoryBegin = address;
  arena = static_cast<uint8_t *>(address);
  scratch = arena + arenaBytes;
  caches = scratch + scratchBytes;
  tableRows = caches + cacheBytes;
  return {};
}

int64_t CpuEngine::maxRows(const gemmac_function &function) const {
  return &function == &textFunctions->prefill ? chunk : function.max_rows;
}

Status CpuEngine::readTableRows(std::span<const gemmac_row> rows) {
  uint8_t *to = tableRows;
  for (const gemmac_row &row : rows) {
    for (const gemmac_table &table : std::span(compiled->tables, static_cast<size_t>(compiled->table_count))) {
      // Soft tokens read the row of id 0, the pad token (spec 3.1).
      const uint64_t offset = table.offset + static_cast<uint64_t>(std::max(row.token, 0)) * table.row_bytes;
      if (Status status = programFile->read(offset, to + table.row_at, table.row_bytes); !status.ok())
        return status;
    }
    to += compiled->table_row_bytes;
  }
  return {};
}

void CpuEngine::announce(std::span<const int32_t> soon) const {
  for (int32_t token : soon)
    for (const gemmac_table &table : std::span(compiled->tables, static_cast<size_t>(compiled->table_count)))
      programFile->announce(table.offset + static_cast<uint64_t>(std::max(token, 0)) * table.row_bytes,
                            table.row_bytes);
}

void CpuEngine::findRuns(std::span<const gemmac_row> rows) {
  runs.clear();
  for (size_t at = 0; at < rows.size(); ++at) {
    if (at == 0 || rows[at].slot != rows[at - 1].slot)
      runs.push_back({static_cast<int64_t>(at), 0});
    ++runs.back().count;
  }
}

namespace {
/// Of functions that may be given up in the middle.
class TowerWatch final : public CallWatch {
public:
  TowerWatch(const gemmac_function &function, const Cancel *cancel, Progress *progress)
      : all(function.barriers), cancel(cancel), progress(progress) {}

  bool goesOn() override {
    ++met;
    if (progress)
      progress->reached(std::min(met, all), all);
    return !cancel || !cancel->requested();
  }

private:
  const int64_t all;
  const Cancel *cancel;
  Progress *progress;
  int64_t met = 0;
};
} // namespace

/// \returns whether it came to its end.
bool CpuEngine::callFunction(const gemmac_function &function, std::span<const gemmac_row> rows, CallWatch *watch) {
  gemmac_call call = {};
  call.data = weights.data();
  call.arena = arena;
  call.scratch = scratch;
  call.cache = caches;
  call.rows = rows.data();
  call.row_count = static_cast<int64_t>(rows.size());
  findRuns(rows);
  call.runs = runs.data();
  call.run_count = static_cast<int64_t>(runs.size());
  call.table_rows = tableRows;
  call.times = stepTimes;
  return plan->run(pool, function, chosenLevel->run[indexOf(functionsOf(*compiled), function)], call, watch);
}

Logits CpuEngine::logitsOf(const gemmac_function &function) const {
  const gemmac_value *value = findOutput(function, GEMMAC_LOGITS);
  if (!value)
    return {};
  return {reinterpret_cast<const float *>(arena + value->offset),
          value->row_bytes / static_cast<int64_t>(sizeof(float))};
}

ValueRows CpuEngine::rowsOf(const gemmac_value &value) const {
  return {arena + value.offset, value.row_bytes, value.width, value.per_row};
}

Status CpuEngine::run(const gemmac_function &function, std::span<const gemmac_row> rows, Logits &logits,
                      const Cancel *cancel, Progress *progress) {
  if (cancel && cancel->requested())
    return {ExitCode::interrupted, ""};
  if (Status status = checkRows(*this, function, rows); !status.ok())
    return status;
  const bool text = textFunctions->contain(function);
  if (text)
    if (Status status = readTableRows(rows); !status.ok())
      return status;
  TowerWatch watch(function, cancel, progress);
  if (stepTimes)
    stepTimes->begin(function);
  const bool whole = callFunction(function, rows, text || !(cancel || progress) ? nullptr : &watch);
  if (stepTimes)
    stepTimes->end();
  if (!whole)
    return {ExitCode::interrupted, ""};
  logits = logitsOf(function);
  return {};
}

std::span<uint8_t> CpuEngine::cacheOf(int64_t slot) const {
  return {caches + slot * compiled->slot_bytes, static_cast<size_t>(compiled->slot_bytes)};
}

void CpuEngine::clear(int64_t slot) {
  if (compiled->moments.bytes == 0)
    releaseMemory(cacheOf(slot));
}

void CpuEngine::copy(int64_t from, int64_t to) {
  if (from != to)
    copyMemory(cacheOf(from), cacheOf(to));
}

/// The weights, and by the compile report the formats and the layout of the caches (FNV-1a).
uint64_t CpuEngine::cacheOrigin() const {
  uint64_t hash = programFile->checksum();
  for (const char *text = compiled->info_json; text && *text; ++text)
    hash = (hash ^ static_cast<uint8_t>(*text)) * 0x100000001b3u;
  return hash;
}

Snapshot CpuEngine::save(int64_t slot) const { return {packMemory(cacheOf(slot), cacheOrigin())}; }

Status CpuEngine::restore(int64_t slot, const Snapshot &snapshot) {
  if (unpackMemory(snapshot.bytes, cacheOf(slot), cacheOrigin()))
    return {};
  return {ExitCode::usage, format("the snapshot of %zu bytes is none of this program's; save one with this program",
                                  snapshot.bytes.size())};
}

void CpuEngine::occupy(int64_t slot) {
  const std::span<uint8_t> cache = cacheOf(slot);
  memset(cache.data(), 0, cache.size());
}

EngineMemory CpuEngine::memory() const {
  return {compiled->mapped_bytes, memoryBytes - static_cast<uint64_t>(compiled->slot_bytes * slots()),
          static_cast<uint64_t>(compiled->slot_bytes)};
}

std::string CpuEngine::describe() const {
  return std::string(chosenLevel->name) + ", " + plan->describe(*textFunctions);
}

} // namespace gemmac::runtime
