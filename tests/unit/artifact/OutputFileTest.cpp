// A file appears complete or not at all.
#include "TestCheckpoint.h"

#include "compiler/artifact/OutputFile.h"
#include "llvm/ADT/StringExtras.h"

#include <csignal>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace gemmac;

namespace {

llvm::Error writeFile(const std::string &path, const std::string &text, TemporaryKind kind) {
  llvm::Expected<OutputFile> file = OutputFile::create(path, kind);
  if (!file)
    return file.takeError();
  if (llvm::Error error = writeAt(file->descriptor(), 0, llvm::arrayRefFromStringRef(text), path))
    return error;
  return file->commit(/*executable=*/true);
}

std::string readFile(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class OutputFiles : public testing::TestWithParam<TemporaryKind> {
protected:
  TestDirectory directory;
  std::string path = directory.path() + "/program";
};

} // namespace

INSTANTIATE_TEST_SUITE_P(, OutputFiles, testing::Values(TemporaryKind::automatic, TemporaryKind::named),
                         [](const auto &info) { return info.param == TemporaryKind::named ? "named" : "automatic"; });

TEST_P(OutputFiles, appears_and_replaces) {
  EXPECT_EQ(llvm::toString(writeFile(path, "first", GetParam())), "");
  EXPECT_EQ(readFile(path), "first");
  EXPECT_EQ(llvm::toString(writeFile(path, "second", GetParam())), "");
  EXPECT_EQ(readFile(path), "second");
  struct stat status;
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_TRUE(status.st_mode & S_IXUSR);
  EXPECT_EQ(directory.entries(), 1u);
}

TEST_P(OutputFiles, without_commit_nothing_is_left) {
  {
    llvm::Expected<OutputFile> file = OutputFile::create(path, GetParam());
    ASSERT_TRUE(static_cast<bool>(file)) << llvm::toString(file.takeError());
    EXPECT_EQ(llvm::toString(file->reserve(1 << 20)), "");
  }
  EXPECT_EQ(directory.entries(), 0u);
}

TEST_P(OutputFiles, interrupt_leaves_nothing) {
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    pid_t child = ::fork();
    if (child == 0) {
      installInterruptHandler();
      llvm::Expected<OutputFile> file = OutputFile::create(path, GetParam());
      if (!file)
        ::_exit(1);
      ::raise(signal);
      ::_exit(2);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 130);
    EXPECT_EQ(directory.entries(), 0u);
  }
}

TEST_P(OutputFiles, bad_places) {
  llvm::Error missing = writeFile(directory.path() + "/none/program", "", GetParam());
  EXPECT_EQ(llvm::toString(std::move(missing)), directory.path() +
                                                    "/none/program: error: cannot create a file in directory '" +
                                                    directory.path() + "/none': No such file or directory");
  llvm::Error isDirectory = writeFile(directory.path(), "", GetParam());
  EXPECT_EQ(llvm::toString(std::move(isDirectory)),
            directory.path() + ": error: exists and is no regular file; choose another name with -o");
}

TEST(OutputFile, tells_free_space) {
  TestDirectory directory;
  std::string path = directory.path() + "/program";
  EXPECT_EQ(llvm::toString(checkFreeSpace(path, 1)), "");
  std::string message = llvm::toString(checkFreeSpace(path, uint64_t{1} << 60));
  EXPECT_NE(message.find("no space left on the disk: 1152921504606846976 bytes needed, "), std::string::npos)
      << message;
}
