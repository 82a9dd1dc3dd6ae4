#include "base/Text.h"

#include <gtest/gtest.h>

using namespace gemmac::runtime;

TEST(Text, TrimsUnicodeWhiteSpace) {
  EXPECT_EQ(trim("  a b\n\t"), "a b");
  EXPECT_EQ(trim("\xe3\x80\x80x\xc2\xa0"), "x");     // U+3000, U+00A0
  EXPECT_EQ(trim("\xe2\x80\x8bx"), "\xe2\x80\x8bx"); // U+200B is none
  EXPECT_EQ(trim(" \xff "), "\xff");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, DecodesOnlyValidUtf8) {
  uint32_t c = 0;
  EXPECT_EQ(decodeUtf8("\xf0\x9f\x98\x80!", c), 4u);
  EXPECT_EQ(c, 0x1f600u);
  EXPECT_EQ(decodeUtf8("\xc3\xa9", c), 2u);
  EXPECT_EQ(c, 0xe9u);
  for (const char *bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5",
                          "\xe2\x82", "\xf0\x9f\x98", "\xe2x\x82"})
    EXPECT_EQ(decodeUtf8(bad, c), 0u) << bad;
}

TEST(Text, ByteCounts) {
  EXPECT_EQ(formatBytes(1023), "1023 bytes");
  EXPECT_EQ(formatBytes(1536), "1.50 KiB");
  EXPECT_EQ(formatBytes(uint64_t(20) << 30), "20.0 GiB");
}

TEST(Text, TokenIds) {
  std::vector<int32_t> ids;
  EXPECT_TRUE(parseTokenIds(" 1, 2\n3\t0 ", "x", 4, ids).ok());
  EXPECT_EQ(ids, (std::vector<int32_t>{1, 2, 3, 0}));
  for (const char *bad : {"4", "-1", "1.5", "a", "99999999999", "1 2x"}) {
    ids.clear();
    Status status = parseTokenIds(bad, "ids.txt", 4, ids);
    EXPECT_EQ(status.code(), ExitCode::usage) << bad;
    EXPECT_NE(status.message().find("ids.txt: token"), std::string::npos);
    EXPECT_NE(status.message().find("0 to 3"), std::string::npos);
  }
}
