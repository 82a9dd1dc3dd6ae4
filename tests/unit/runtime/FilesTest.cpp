#include "base/Files.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace gemmac::runtime;
namespace fs = std::filesystem;

namespace {
class FilesTest : public testing::Test {
protected:
  fs::path folder = fs::path(testing::TempDir()) / ("gemmac-files-test-" + std::to_string(getpid()));
  FilesTest() { fs::create_directories(folder); }
  ~FilesTest() override { fs::remove_all(folder); }

  static std::string content(const fs::path &path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  size_t files() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder), {})); }
};
} // namespace

TEST_F(FilesTest, NewFileAppearsOnCommit) {
  const fs::path path = folder / "out";
  {
    NewFile file;
    ASSERT_TRUE(file.create(path).ok());
    ASSERT_TRUE(file.write("abc", 3).ok());
    EXPECT_FALSE(fs::exists(path));
    ASSERT_TRUE(file.commit().ok());
  }
  EXPECT_EQ(content(path), "abc");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FilesTest, NewFileLeavesNothingWithoutCommit) {
  std::ofstream(folder / "out") << "old";
  {
    NewFile file;
    ASSERT_TRUE(file.create(folder / "out").ok());
    ASSERT_TRUE(file.write("abc", 3).ok());
  }
  EXPECT_EQ(content(folder / "out"), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FilesTest, NewFileWritesToDevicesDirectly) {
  NewFile file;
  ASSERT_TRUE(file.create("/dev/full").ok());
  EXPECT_EQ(file.write("abc", 3).code(), ExitCode::inputOutput);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(FilesTest, NewFileInAMissingFolder) {
  NewFile file;
  EXPECT_EQ(file.create(folder / "none" / "out").code(), ExitCode::inputOutput);
}

TEST_F(FilesTest, OutputReportsAFullDisk) {
  int fd = ::open("/dev/full", O_WRONLY);
  Output out(fd, "standard output");
  out.write("abc");
  EXPECT_FALSE(out.failed());
  Status status = out.finish();
  EXPECT_EQ(status.code(), ExitCode::inputOutput);
  EXPECT_EQ(status.message(), "cannot write to standard output: No space left on device");
  EXPECT_TRUE(out.failed());
  ::close(fd);
}

TEST_F(FilesTest, OutputLargerThanItsBuffer) {
  int fd = ::open((folder / "big").c_str(), O_WRONLY | O_CREAT, 0600);
  std::string big(200000, 'x');
  {
    Output out(fd, "big");
    out.write("head ");
    out.write(big);
    out.write(" tail");
    EXPECT_TRUE(out.finish().ok());
  }
  ::close(fd);
  EXPECT_EQ(content(folder / "big"), "head " + big + " tail");
}

TEST_F(FilesTest, ReadsWholeFiles) {
  std::ofstream(folder / "in") << std::string(100000, 'y');
  std::string text;
  EXPECT_TRUE(readFile(folder / "in", text).ok());
  EXPECT_EQ(text, std::string(100000, 'y'));
  EXPECT_EQ(readFile(folder / "none", text).code(), ExitCode::inputOutput);
  EXPECT_EQ(readFile(folder, text).code(), ExitCode::inputOutput); // a directory
}
