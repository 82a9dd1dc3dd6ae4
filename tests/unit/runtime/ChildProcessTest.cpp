// Programs that are run: what they write, how they end, how long they may take.
#include "base/ChildProcess.h"

#include "base/Clock.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace gemmac::runtime;

namespace {
struct ChildProcessTest : testing::Test {
  ChildProcess process;

  Status start(const std::string &script, double patience = 60) {
    return process.start("/bin/sh", {"-c", script}, patience);
  }
  Status readAll(std::string &text) {
    char piece[1000];
    size_t got = 0;
    do {
      if (Status status = process.read(piece, sizeof(piece), got); !status.ok())
        return status;
      text.append(piece, got);
    } while (got > 0);
    return {};
  }
};
} // namespace

TEST_F(ChildProcessTest, GivesWhatItWrites) {
  std::string text;
  ASSERT_TRUE(start("echo one; cat; echo \"$0\" two").ok()); // cat finds its standard input empty
  ASSERT_TRUE(readAll(text).ok());
  EXPECT_EQ(text, "one\n/bin/sh two\n");
  EXPECT_TRUE(process.finish().ok());
}

TEST_F(ChildProcessTest, ErrorsDoNotStopIt) {
  std::string text;
  ASSERT_TRUE(start("i=0; while [ $i -lt 20000 ]; do echo error $i >&2; i=$((i+1)); done; echo done; exit 3").ok());
  ASSERT_TRUE(readAll(text).ok());
  EXPECT_EQ(text, "done\n");
  const Status status = process.finish();
  EXPECT_EQ(status.code(), ExitCode::inputOutput);
  EXPECT_EQ(status.message(), "/bin/sh ended with 3: error 0 ... error 19999");
}

TEST_F(ChildProcessTest, SignalsAreTold) {
  std::string text;
  ASSERT_TRUE(start("kill -9 $$").ok());
  ASSERT_TRUE(readAll(text).ok());
  EXPECT_EQ(process.finish().message(), "/bin/sh was ended by signal 9");
}

TEST_F(ChildProcessTest, WhoWritesNothingIsStopped) {
  std::string text;
  const double begin = monotonicSeconds();
  ASSERT_TRUE(start("echo a; exec sleep 100", 0.1).ok());
  const Status status = readAll(text);
  EXPECT_EQ(text, "a\n");
  EXPECT_EQ(status.message(), "/bin/sh wrote nothing for 0 seconds and was stopped");
  EXPECT_LT(monotonicSeconds() - begin, 30);
}

// Also what it started itself, which would keep the pipe open.
TEST_F(ChildProcessTest, EndsWithItsOwner) {
  const double begin = monotonicSeconds();
  {
    ChildProcess other;
    ASSERT_TRUE(other.start("/bin/sh", {"-c", "sleep 100 & sleep 100"}, 60).ok());
  }
  ASSERT_TRUE(start("sleep 100 & echo a").ok()); // ends before what it started
  char piece[10];
  size_t got = 0;
  ASSERT_TRUE(process.read(piece, sizeof(piece), got).ok());
  EXPECT_EQ(got, 2u);
  EXPECT_LT(monotonicSeconds() - begin, 30);
}

TEST_F(ChildProcessTest, ThereMayBeNone) {
  EXPECT_EQ(process.start("/no/program", {}, 1).message(), "cannot run /no/program: No such file or directory");
  EXPECT_TRUE(process.finish().ok());
}

TEST(FindProgramTest, LooksInAbsoluteFoldersOfThePath) {
  const std::string before = getenv("PATH") ? getenv("PATH") : "";
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("gemmac-path-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder / "a" / "tool"); // a folder is no program
  std::filesystem::create_directories(folder / "b");
  std::ofstream(folder / "b" / "tool") << "#!/bin/sh\n";
  const std::string path = "::relative:" + (folder / "a").string() + ":" + (folder / "b").string();
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(findProgram("tool"), "");
  std::filesystem::permissions(folder / "b" / "tool", std::filesystem::perms::owner_all);
  EXPECT_EQ(findProgram("tool"), (folder / "b" / "tool").string());
  EXPECT_EQ(findProgram("/bin/sh"), "/bin/sh");
  EXPECT_EQ(findProgram("/bin"), "");
  EXPECT_EQ(findProgram(""), "");
  setenv("PATH", before.c_str(), 1);
  std::filesystem::remove_all(folder);
}
