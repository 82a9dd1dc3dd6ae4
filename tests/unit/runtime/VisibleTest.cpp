#include "base/Visible.h"

#include "base/Numbers.h"

#include <gtest/gtest.h>

using namespace gemmac::runtime;

TEST(Visible, ControlCharactersAreShown) {
  EXPECT_EQ(visibleLine("plain \xc3\xa9 \xe6\x97\xa5"), "plain \xc3\xa9 \xe6\x97\xa5");
  EXPECT_EQ(visibleLine("a\x1b[31mb\x07"
                        "c\x7f"),
            "a^[[31mb^Gc^?");
  EXPECT_EQ(visibleLine(std::string_view("a\0b\tc\n", 6)), "a^@b^Ic^J");
  EXPECT_EQ(visibleLine("\xc2\x9b\xe2\x80\xae\xe2\x81\xa6"), "<U+009B><U+202E><U+2066>");
  EXPECT_EQ(visibleLine("\x9b\xff"), "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Visible, TextPasses) {
  const std::string_view text = "tabs\tand\nlines, \xd7\xa9\xe2\x80\x8f and \xf0\x9f\x98\x80";
  EXPECT_EQ(visiblePrefix(text), text.size());
  EXPECT_EQ(visiblePrefix("ab\rc"), 2u);
  char shown[visibleBytes];
  size_t taken = 0;
  EXPECT_EQ(showCharacter("\r\n", taken, shown), "");
  EXPECT_EQ(taken, 1u);
  EXPECT_EQ(showCharacter("\rx", taken, shown), "^M");
}

TEST(Numbers, WhatAPersonWouldSay) {
  EXPECT_EQ(wholeNumberProblem("5", 1), "");
  EXPECT_EQ(wholeNumberProblem("9223372036854775807", 1), "");
  EXPECT_EQ(wholeNumberProblem("0", 1), "'0' is not a whole number above 0");
  EXPECT_EQ(wholeNumberProblem("-1", 0), "'-1' is not a whole number of at least 0");
  EXPECT_EQ(wholeNumberProblem("x", 1, 64), "'x' is not a whole number from 1 to 64");
  EXPECT_EQ(wholeNumberProblem("9223372036854775808", 1), "'9223372036854775808' is too large");
  for (const char *bad : {"", "1.5", "1e3", "0x10", " 1", "1 ", "+1", "1_000"})
    EXPECT_NE(wholeNumberProblem(bad, 0), "") << bad;
  EXPECT_EQ(numberProblem("0.5", 0, 1), "");
  for (const char *bad : {"", "nan", "inf", "1.5", "-0.1", "0.5x", "x"})
    EXPECT_NE(numberProblem(bad, 0, 1), "") << bad;
  EXPECT_LT(numberProblem(std::string(5000, '9'), 0, 1).size(), 100u);
}

TEST(Numbers, Seeds) {
  EXPECT_EQ(seedOf("18446744073709551615"), 18446744073709551615u);
  EXPECT_EQ(seedOf("0"), 0u);
  for (const char *fresh : {"", "-1", "-5", "-9223372036854775808"})
    EXPECT_EQ(seedOf(fresh), std::nullopt) << fresh;
  EXPECT_EQ(seedProblem("-1"), "");
  EXPECT_NE(seedProblem("18446744073709551616").find("too large"), std::string::npos);
  for (const char *bad : {"x", "1.5", "-", "--1", "1 "})
    EXPECT_NE(seedProblem(bad), "") << bad;
}
