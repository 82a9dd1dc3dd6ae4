#include "Cross.h"

#include "CrossDriver.h"

#include "targets/TargetBackend.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/xxhash.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

namespace gemmac::test {

bool hasCrossTools() { return *GEMMAC_CROSS_COMPILER != 0 && *GEMMAC_QEMU != 0; }

static bool execute(const std::vector<std::string> &command) {
  std::vector<llvm::StringRef> arguments(command.begin(), command.end());
  std::string error;
  int code = llvm::sys::ExecuteAndWait(command.front(), arguments, std::nullopt, {}, /*SecondsToWait=*/120, 0, &error);
  EXPECT_EQ(code, 0) << command.front() << " failed: " << error;
  return code == 0;
}

static void write(const std::string &path, llvm::ArrayRef<llvm::ArrayRef<uint8_t>> parts) {
  std::ofstream file(path, std::ios::binary);
  for (llvm::ArrayRef<uint8_t> part : parts)
    file.write(reinterpret_cast<const char *>(part.data()), static_cast<std::streamsize>(part.size()));
}

template <typename T> static llvm::ArrayRef<uint8_t> bytesOf(const T *data, size_t count) {
  return {reinterpret_cast<const uint8_t *>(data), count * sizeof(T)};
}

static std::unique_ptr<TargetBackend> levelsFor(llvm::StringRef text) {
  const TargetBackend &whole = targetNamed("aarch64-linux");
  std::vector<std::string> levels;
  for (const TargetLevel &level : whole.levels())
    levels.push_back(level.name);
  bool hasProducts = text.contains("step.matmul") || text.contains("step.expert"); // step.qkv has the same kernels
  if (!hasProducts && !std::getenv("GEMMAC_LONG"))
    levels = {levels[llvm::xxh3_64bits(text) % levels.size()]};
  return whole.withLevels(levels);
}

CrossRunner::CrossRunner(const StepProgram &program) : program(program) {
  llvm::SmallString<128> name;
  if (llvm::sys::fs::createUniqueDirectory("gemmac-lower", name)) {
    ADD_FAILURE() << "cannot create a temporary directory";
    return;
  }
  directory = name.str().str();
  for (const LevelObject &compiled : compileLevels(program, *levelsFor(program.text()))) {
    std::string object = directory + "/" + compiled.level + ".o", path = directory + "/" + compiled.level;
    write(object, {bytesOf(compiled.object.data(), compiled.object.size())});
    if (execute({GEMMAC_CROSS_COMPILER, "-static", "-pthread", "-o", path, GEMMAC_CROSS_DRIVER, object,
                 "-Wl,--defsym=gemmac_test_function=" + program.entry(compiled.level)}))
      executables.push_back({compiled.level, path});
  }
}

CrossRunner::~CrossRunner() { llvm::sys::fs::remove_directories(directory); }

Memory CrossRunner::run(size_t level, const Call &call) const {
  const std::vector<gemmac_row> rows = call.abiRows();
  const std::vector<gemmac_run> runs = runsOf(rows);
  CrossHeader header{static_cast<int64_t>(program.data.size()), program.arenaBytes,    program.scratchBytes,
                     program.cacheBytes * call.slots,           program.tableRowBytes, call.rows,
                     static_cast<int64_t>(runs.size()),         call.threads};
  std::vector<uint8_t> cache = call.cache;
  cache.resize(header.cacheBytes);
  std::string input = directory + "/input", output = directory + "/output";
  write(input, {bytesOf(&header, 1), program.data, cache, bytesOf(rows.data(), rows.size()),
                bytesOf(runs.data(), runs.size()), program.tableRows(call.tokens), call.arena(program.arenaBytes)});
  if (!execute({GEMMAC_QEMU, executables[level].path, input, output}))
    return {};
  auto file = llvm::MemoryBuffer::getFile(output, false, false);
  if (!file || static_cast<int64_t>((*file)->getBufferSize()) != program.arenaBytes + header.cacheBytes) {
    ADD_FAILURE() << executables[level].path << " wrote no memory of the right size";
    return {};
  }
  auto *bytes = reinterpret_cast<const uint8_t *>((*file)->getBufferStart());
  return {{bytes, bytes + program.arenaBytes},
          {bytes + program.arenaBytes, bytes + program.arenaBytes + header.cacheBytes}};
}

// Every program of these tests also runs on the levels of aarch64-linux where the tools are there (Runner::run); where
// they are not, this counts as skipped.
TEST(CrossTest, ToolsAreThere) {
  if (!hasCrossTools())
    GTEST_SKIP() << "no aarch64-linux-gnu-g++ or qemu-aarch64-static: kernels were compiled for AArch64, but not run";
}

} // namespace gemmac::test
