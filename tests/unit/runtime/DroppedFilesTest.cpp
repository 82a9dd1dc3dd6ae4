// Files dragged into a message: what is taken out, and what stays text.
#include "commands/DroppedFiles.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace gemmac::runtime;

/// A world with some files.
static MediaKind kindOf(const std::string &path) {
  if (path == "/p/cat.png" || path == "/p/a cat.png" || path == "/home/me/it's.png")
    return MediaKind::picture;
  return path == "/p/bell.wav" ? MediaKind::sound : MediaKind::none;
}

/// "TEXT|PATH|PATH"
static std::string taken(std::string_view message) {
  const DroppedFiles dropped = takeDroppedFiles(message, "/home/me", kindOf);
  std::string result = dropped.text;
  for (const DroppedFile &file : dropped.files)
    result += "|" + file.path;
  return result;
}

TEST(DroppedFiles, AsTerminalsWriteThem) {
  EXPECT_EQ(taken("/p/cat.png"), "|/p/cat.png");
  EXPECT_EQ(taken("/p/cat.png "), "|/p/cat.png");
  EXPECT_EQ(taken("/p/a\\ cat.png "), "|/p/a cat.png");
  EXPECT_EQ(taken("'/p/a cat.png' "), "|/p/a cat.png");
  EXPECT_EQ(taken("\"/p/a cat.png\""), "|/p/a cat.png");
  EXPECT_EQ(taken("file:///p/a%20cat.png"), "|/p/a cat.png");
  EXPECT_EQ(taken("file://localhost/p/cat.png"), "|/p/cat.png");
  EXPECT_EQ(taken("/p/a cat.png"), "|/p/a cat.png");
  EXPECT_EQ(taken("'/home/me/it'\\''s.png'"), "|/home/me/it's.png");
  EXPECT_EQ(taken("~/it\\'s.png"), "|/home/me/it's.png");
  EXPECT_EQ(taken("/p/cat.png /p/bell.wav"), "|/p/cat.png|/p/bell.wav");
}

TEST(DroppedFiles, TheTextAroundStays) {
  EXPECT_EQ(taken("What is this? /p/cat.png"), "What is this?|/p/cat.png");
  EXPECT_EQ(taken("'/p/a cat.png' What's  this?"), "What's  this?|/p/a cat.png");
  EXPECT_EQ(taken("Compare /p/cat.png '/p/a cat.png' please"), "Compare please|/p/cat.png|/p/a cat.png");
  EXPECT_EQ(taken("What's in '/p/cat.png'"), "What's in|/p/cat.png");
}

TEST(DroppedFiles, EverythingElseIsText) {
  for (const char *text :
       {"", "/", "p/cat.png", "cat.png", "/p/dog.png", "Is it /p/cat.png?", "it's '/p/cat.png", "see(/p/cat.png)",
        "https://x/p/cat.png", "file://host/p/cat.png", "file:/p/cat.png", "~me/it's.png", "~/", "'", "\"/p/cat.png",
        "file:///p/cat.png%", "/p/cat.png\nand /p/cat.png", "a  b\t c", "/p/cat.png\\"})
    EXPECT_EQ(taken(text), text);
  EXPECT_TRUE(takeDroppedFiles("~/it\\'s.png", "", kindOf).files.empty());
}

TEST(DroppedFiles, FilesAreKnownByTheirFirstBytes) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / std::to_string(getpid());
  std::filesystem::create_directories(folder);
  auto file = [&](const char *name, std::string_view bytes) {
    std::ofstream(folder / name) << bytes;
    return (folder / name).string();
  };
  EXPECT_EQ(kindOfFile(file("a", "\x89PNG\r\n\x1a\n")), MediaKind::picture);
  EXPECT_EQ(kindOfFile(file("b.png", "GIF89a")), MediaKind::picture);
  EXPECT_EQ(kindOfFile(file("c.gif", "RIFF1234WAVEfmt ")), MediaKind::sound);
  EXPECT_EQ(kindOfFile(file("d.png", "hello")), MediaKind::none);
  EXPECT_EQ(kindOfFile(file("e.png", "")), MediaKind::none);
  EXPECT_EQ(kindOfFile(folder.string()), MediaKind::none);
  EXPECT_EQ(kindOfFile("/dev/zero"), MediaKind::none);
  EXPECT_EQ(kindOfFile((folder / "none").string()), MediaKind::none);
  std::filesystem::remove_all(folder);
}
