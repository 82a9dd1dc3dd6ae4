// Checkpoints of more files than a process may open.
#include "compiler/artifact/SourceFiles.h"

#include "llvm/Support/FileSystem.h"

#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

using namespace gemmac;

namespace {

constexpr int fileCount = 40;

std::string nameOf(int file) { return "shard-" + std::to_string(file); }

/// Files of four bytes that hold their own numbers, and room for only three open ones.
class SourceFilesTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("gemmac-source-files", directory));
    for (int32_t file = 0; file < fileCount; ++file)
      std::ofstream((directory + "/" + nameOf(file)).str(), std::ios::binary).write(reinterpret_cast<char *>(&file), 4);
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &usual), 0);
    int next = ::open("/dev/null", O_RDONLY);
    ::close(next);
    rlimit few = usual;
    few.rlim_cur = next + 3;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  void TearDown() override {
    setrlimit(RLIMIT_NOFILE, &usual);
    llvm::sys::fs::remove_directories(directory);
  }

  llvm::SmallString<128> directory;
  rlimit usual = {};
};

std::string textOf(llvm::Error error) { return llvm::toString(std::move(error)); }

std::vector<PackedMatrix> matricesOf(int64_t cols) {
  std::vector<PackedMatrix> matrices(1);
  for (int file = 0; file < fileCount; ++file)
    matrices[0].sources.push_back({"tensor", nameOf(file), 0, Encoding::F32, 1, 1, cols});
  return matrices;
}

TEST_F(SourceFilesTest, manyFilesWithFewDescriptors) {
  SourceFiles files;
  ASSERT_EQ(textOf(files.open(matricesOf(1), directory)), "");
  auto readAll = [&](int step) {
    for (int i = 0; i < 4 * fileCount; ++i) {
      int32_t file = i * step % fileCount, value = -1;
      std::string name = nameOf(file);
      llvm::Error error = files.read({name, "tensor", 0, 4}, reinterpret_cast<uint8_t *>(&value));
      if (error || value != file)
        return ADD_FAILURE() << name << ": " << value << " " << textOf(std::move(error));
    }
  };
  std::thread other(readAll, 7);
  readAll(1);
  other.join();
}

TEST_F(SourceFilesTest, shortAndMissingFiles) {
  SourceFiles files;
  EXPECT_NE(textOf(files.open(matricesOf(2), directory)).find("has 4 bytes, expected 8 at least"), std::string::npos);
  llvm::sys::fs::remove(directory + "/" + nameOf(30));
  EXPECT_NE(textOf(files.open(matricesOf(1), directory)).find("shard-30: error: cannot open"), std::string::npos);
}

} // namespace
