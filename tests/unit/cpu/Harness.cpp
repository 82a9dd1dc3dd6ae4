#include "Harness.h"
#include "Cross.h"

#include "dialects/Gemma/GemmaDialect.h"
#include "gemmac/call.h"
#include "targets/TargetBackend.h"
#include "targets/cpu/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/xxhash.h"
#include "llvm/TargetParser/Host.h"

#include <barrier>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <thread>

using namespace mlir;

namespace gemmac::test {

Call callOf(int64_t rows, int64_t position, int32_t firstToken) {
  Call call;
  call.rows = rows;
  call.position = position;
  for (int64_t row = 0; row < rows; ++row)
    call.tokens.push_back(firstToken + static_cast<int32_t>(row));
  return call;
}

std::vector<gemmac_row> Call::abiRows() const {
  std::vector<gemmac_row> result;
  for (int32_t row = 0; row < rows; ++row) {
    const Place place = places.empty() ? Place{0, static_cast<int32_t>(position) + row} : places[row];
    result.push_back({tokens[row], place.position, place.slot, GEMMAC_ROW_LOGITS, 0});
  }
  return result;
}

std::vector<uint8_t> Call::arena(int64_t bytes) const {
  std::vector<uint8_t> arena(bytes, 0xff);
  for (const auto &[offset, input] : inputs)
    std::copy(input.begin(), input.end(), arena.begin() + offset);
  return arena;
}

std::vector<gemmac_run> runsOf(const std::vector<gemmac_row> &rows) {
  std::vector<gemmac_run> runs;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i > 0 && rows[i].slot == rows[i - 1].slot && rows[i].position == rows[i - 1].position + 1)
      ++runs.back().count;
    else
      runs.push_back({static_cast<int64_t>(i), 1});
  }
  return runs;
}

//===--- Memory ---===//

template <typename T> static const T *at(const Memory &memory, const Buffer &buffer, int64_t row, int64_t byte = 0) {
  return reinterpret_cast<const T *>(memory.arena.data() + buffer.offset + row * buffer.rowBytes + byte);
}

const float *Memory::floats(const Buffer &buffer, int64_t row) const { return at<float>(*this, buffer, row); }
const int32_t *Memory::ints(const Buffer &buffer, int64_t row) const { return at<int32_t>(*this, buffer, row); }
const int8_t *Memory::values(const Buffer &buffer, int64_t row) const { return at<int8_t>(*this, buffer, row); }
const float *Memory::scales(const Buffer &buffer, int64_t row) const {
  return at<float>(*this, buffer, row, buffer.scalesOffset());
}
const int32_t *Memory::biases(const Buffer &buffer, int64_t row) const {
  return at<int32_t>(*this, buffer, row, buffer.scalesOffset() + buffer.width / groupColumns * 4);
}

//===--- Compiling ---===//

const TargetBackend &targetNamed(const std::string &name) {
  static TargetRegistry *registry = [] {
    auto *made = new TargetRegistry;
    registerAllTargets(*made);
    return made;
  }();
  return *registry->find(name);
}

static MLIRContext &sharedContext() {
  static MLIRContext *context = [] {
    DialectRegistry registry;
    registry.insert<gemma::GemmaDialect, LLVM::LLVMDialect, func::FuncDialect, scf::SCFDialect, arith::ArithDialect,
                    math::MathDialect, vector::VectorDialect, cf::ControlFlowDialect>();
    auto *made = new MLIRContext(registry, MLIRContext::Threading::DISABLED);
    return made;
  }();
  return *context;
}

static std::vector<LevelObject> compileAnew(const StepProgram &program, const TargetBackend &target) {
  MLIRContext &context = sharedContext();
  auto module = parseSourceString<ModuleOp>(program.text(), &context);
  EXPECT_TRUE(module) << program.text();
  if (!module)
    return {};
  PassManager passes(&context);
  target.buildLowering(passes);
  bool lowered = succeeded(passes.run(*module));
  EXPECT_TRUE(lowered) << program.text();
  std::vector<LevelObject> objects;
  for (const TargetLevel &level : target.levels()) {
    if (!lowered)
      return {};
    auto object = target.emit(*module, level.name, CodeKind::object);
    if (!object) {
      ADD_FAILURE() << llvm::toString(object.takeError());
      return {};
    }
    objects.push_back({level.name, std::move(*object)});
  }
  return objects;
}

const std::vector<LevelObject> &compileLevels(const StepProgram &program, const TargetBackend &target) {
  static std::map<std::string, std::vector<LevelObject>> known;
  std::string key = target.name().str();
  for (const TargetLevel &level : target.levels())
    key += " " + level.name;
  auto [place, isNew] = known.try_emplace(key + "\n" + program.text());
  if (isNew)
    place->second = compileAnew(program, target);
  return place->second;
}

/// The native target with the levels that this machine has.
static const TargetBackend &targetOfThisMachine() {
  static const std::unique_ptr<TargetBackend> target = [] {
    const TargetBackend &native = targetNamed("native");
    std::vector<std::string> had;
    for (const TargetLevel &level : native.levels())
      if (native.runsHere(level))
        had.push_back(level.name);
    return native.withLevels(had);
  }();
  return *target;
}

// The other tests run every level that they can; one that this machine cannot run counts as skipped here.
TEST(LevelTest, MachineRunsEveryLevelOfItsTarget) {
  std::string missing;
  for (const TargetLevel &level : targetNamed("native").levels())
    if (!targetNamed("native").runsHere(level))
      missing += " " + level.name;
  if (!missing.empty())
    GTEST_SKIP() << "this machine cannot run" << missing;
}

//===--- Running
//----------------------------------------------------------------------------------------------------===//

using Meeting = std::barrier<>;

extern "C" void gemmacTestBarrier(const gemmac_call *call, int64_t) {
  static_cast<Meeting *>(call->barrier)->arrive_and_wait();
}

struct Runner::Loaded {
  std::string level;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  gemmac_function_fn run = nullptr;
};

Runner::Runner(const StepProgram &program) : program(program) {
  static const bool initialized = !llvm::InitializeNativeTarget() && !llvm::InitializeNativeTargetAsmPrinter();
  EXPECT_TRUE(initialized);
  for (const LevelObject &compiled : compileLevels(program, targetOfThisMachine())) {
    auto code = std::make_unique<Loaded>();
    code->level = compiled.level;
    llvm::ExitOnError check("LLJIT: ");
    code->jit = check(llvm::orc::LLJITBuilder().create());
    auto &library = code->jit->getMainJITDylib();
    llvm::orc::SymbolMap symbols;
    symbols[code->jit->mangleAndIntern("gemmac_barrier")] = {llvm::orc::ExecutorAddr::fromPtr(&gemmacTestBarrier),
                                                             llvm::JITSymbolFlags::Exported};
    check(library.define(llvm::orc::absoluteSymbols(symbols)));
    check(code->jit->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(compiled.object, code->level)));
    code->run = check(code->jit->lookup(program.entry(code->level))).toPtr<gemmac_function_fn>();
    loaded.push_back(std::move(code));
  }
}

Runner::~Runner() = default;

std::vector<std::string> Runner::levels() const {
  std::vector<std::string> names;
  for (const auto &code : loaded)
    names.push_back(code->level);
  return names;
}

namespace {
/// Page-aligned bytes with a canary behind them. Fresh memory is full of NaNs, so that reading it shows.
class Region {
  static constexpr int64_t guard = 4096;

public:
  explicit Region(int64_t size)
      : size(size), memory(static_cast<uint8_t *>(std::aligned_alloc(4096, roundUp(size, 4096) + guard)), std::free) {
    std::memset(data(), 0xff, size);
    std::memset(data() + size, 0xa5, guard);
  }
  uint8_t *data() { return memory.get(); }
  std::vector<uint8_t> bytes() { return {data(), data() + size}; }
  void expectGuarded(const char *name) {
    for (int64_t i = 0; i < guard; ++i)
      if (data()[size + i] != 0xa5) {
        ADD_FAILURE() << name << ": wrote " << i << " bytes beyond its " << size;
        return;
      }
  }

private:
  int64_t size;
  std::unique_ptr<uint8_t, void (*)(void *)> memory;
};
} // namespace

Memory Runner::runOnce(const Loaded &code, const Call &call) const {
  Region data(static_cast<int64_t>(program.data.size())), arena(program.arenaBytes);
  Region scratch(program.scratchBytes * call.threads), cache(program.cacheBytes * call.slots);
  std::copy(program.data.begin(), program.data.end(), data.data());
  std::memset(cache.data(), 0, program.cacheBytes * call.slots);
  std::copy(call.cache.begin(), call.cache.end(), cache.data());
  const std::vector<uint8_t> before = call.arena(program.arenaBytes);
  std::copy(before.begin(), before.end(), arena.data());
  const std::vector<uint8_t> tables = program.tableRows(call.tokens);
  Region tableRows(static_cast<int64_t>(tables.size()));
  std::copy(tables.begin(), tables.end(), tableRows.data());
  const std::vector<gemmac_row> rows = call.abiRows();
  const std::vector<gemmac_run> runs = runsOf(rows);
  Meeting meeting(call.threads);
  gemmac_call abi{.data = data.data(),
                  .arena = arena.data(),
                  .scratch = scratch.data(),
                  .cache = cache.data(),
                  .rows = rows.data(),
                  .row_count = call.rows,
                  .runs = runs.data(),
                  .run_count = static_cast<int64_t>(runs.size()),
                  .threads = call.threads,
                  .barrier = &meeting,
                  .table_rows = tableRows.data(),
                  .times = nullptr};
  std::vector<std::thread> threads;
  for (int64_t thread = 1; thread < call.threads; ++thread)
    threads.emplace_back([&, thread] { code.run(&abi, thread); });
  code.run(&abi, 0);
  for (std::thread &thread : threads)
    thread.join();
  data.expectGuarded("data");
  arena.expectGuarded("arena");
  scratch.expectGuarded("scratch");
  cache.expectGuarded("cache");
  EXPECT_TRUE(std::equal(tables.begin(), tables.end(), tableRows.data())) << "the rows of tables were written";
  EXPECT_TRUE(std::equal(program.data.begin(), program.data.end(), data.data())) << "the weights were written";
  return {arena.bytes(), cache.bytes()};
}

/// Whether a program of this text and these weights was not run elsewhere yet by this process.
static bool isNews(const StepProgram &program) {
  static std::set<std::pair<std::string, uint64_t>> known;
  return known.emplace(program.text(), llvm::xxh3_64bits(program.data)).second;
}

/// Whether two levels left the same. What a level lays out as it multiplies it is compared by what becomes of it.
static bool sameBits(const StepProgram &program, Memory one, Memory other) {
  for (const Buffer &buffer : program.ownLayouts)
    for (Memory *memory : {&one, &other})
      std::fill_n(memory->arena.begin() + buffer.offset, buffer.rows * buffer.rowBytes, 0);
  return one.arena == other.arena && one.cache == other.cache;
}

void Runner::runCrossed(const Call &call, const Memory &expected) {
  CrossRunner cross(program);
  EXPECT_GT(cross.levels(), 0u);
  for (size_t i = 0; i < cross.levels(); ++i) {
    Call one = call;
    one.threads = 1 + static_cast<int64_t>(i);
    Memory memory = cross.run(i, one);
    EXPECT_TRUE(sameBits(program, memory, expected))
        << cross.level(i) << " gives other bits than " << loaded.front()->level << "\n"
        << program.text();
  }
}

Memory Runner::run(const Call &call) {
  EXPECT_EQ(static_cast<int64_t>(call.tokens.size()), call.rows);
  EXPECT_LE(call.rows, program.maxRows);
  Memory first;
  for (const auto &code : loaded)
    for (int64_t threads = 1; threads <= 3; ++threads) {
      Call one = call;
      one.threads = threads;
      Memory memory = runOnce(*code, one);
      if (first.arena.empty())
        first = std::move(memory);
      else
        EXPECT_TRUE(sameBits(program, memory, first))
            << code->level << " with " << threads << " threads gives other bits than " << loaded.front()->level
            << " with 1\n"
            << program.text();
    }
  if (first.arena.empty()) { // so that a test fails here and not by reading nothing
    ADD_FAILURE() << "no ISA level of the target runs on this machine";
    first.arena.resize(program.arenaBytes);
    first.cache.resize(program.cacheBytes * call.slots);
  } else if (hasCrossTools() && !crossed) {
    crossed = true;
    if (isNews(program))
      runCrossed(call, first);
  }
  return first;
}

} // namespace gemmac::test
