// Files dragged into a message: what is taken out, and what stays text.
#include "commands/DroppedFiles.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace gemmac::runtime;
using namespace std::string_view_literals;

/// A world with some files.
static bool isMedia(const std::string &path) {
  return path == "/p/cat.png" || path == "/p/a cat.png" || path == "/home/me/it's.png" || path == "/p/bell.wav";
}

/// "TEXT|PATH|PATH"
static std::string taken(std::string_view message) {
  const DroppedFiles dropped = takeDroppedFiles(message, "/home/me", isMedia);
  std::string result = dropped.text;
  for (const std::string &path : dropped.files)
    result += "|" + path;
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
  EXPECT_TRUE(takeDroppedFiles("~/it\\'s.png", "", isMedia).files.empty());
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
  EXPECT_EQ(kindOfFile(file("a.txt", "YUV4MPEG2 W2 H2")), MediaKind::video);
  for (std::string_view film : {"\0\0\0\x20"
                                "ftypisom"sv,
                                "\0\0\0\x14"
                                "ftypqt  "sv,
                                "\x1a\x45\xdf\xa3\x01"sv, "RIFF1234AVI LIST"sv})
    EXPECT_EQ(kindOfFile(file("film", film)), MediaKind::video);
  for (std::string_view sound : {"ID3\4\0\0\0\0\0\0"sv, "\xff\xfb\x90\x64"sv, "\xff\xf1\x50\x80"sv, "OggS\0\2"sv,
                                 "\0\0\0\x1c"
                                 "ftypM4A "sv,
                                 "FORM1234AIFFCOMM"sv})
    EXPECT_EQ(kindOfFile(file("sound", sound)), MediaKind::sound);
  // Text in UTF-16, pictures that nobody reads, a free bit rate that is none.
  for (std::string_view other : {"\xff\xfeh\0i\0"sv,
                                 "\0\0\0\x18"
                                 "ftypheic"sv,
                                 "\0\0\0\x18"
                                 "ftypavif"sv,
                                 "\xff\xfb\xf0\x64"sv, "\xff"sv, "ftypisom"sv})
    EXPECT_EQ(kindOfFile(file("other", other)), MediaKind::none);
  EXPECT_EQ(kindOfFile(file("d.png", "hello")), MediaKind::none);
  EXPECT_EQ(kindOfFile(file("e.png", "")), MediaKind::none);
  EXPECT_EQ(kindOfFile(folder.string()), MediaKind::none);
  EXPECT_EQ(kindOfFile("/dev/zero"), MediaKind::none);
  EXPECT_EQ(kindOfFile((folder / "none").string()), MediaKind::none);
  std::filesystem::remove_all(folder);
}
