#include "text/TextStream.h"

#include <gtest/gtest.h>

using namespace gemmac::runtime;

// Pushes byte by byte; `expected` must not depend on how the bytes arrive.
static std::string streamed(std::string_view bytes) {
  Utf8Stream stream, whole;
  std::string byBytes, atOnce;
  for (char byte : bytes)
    stream.push({&byte, 1}, byBytes);
  stream.finish(byBytes);
  whole.push(bytes, atOnce);
  whole.finish(atOnce);
  EXPECT_EQ(byBytes, atOnce);
  return atOnce;
}

TEST(Utf8Stream, NeverShowsHalfACharacter) {
  Utf8Stream stream;
  std::string out;
  stream.push("a\xf0\x9f", out);
  EXPECT_EQ(out, "a");
  stream.push("\x98", out);
  EXPECT_EQ(out, "a");
  stream.push("\x80z", out);
  EXPECT_EQ(out, "a\xf0\x9f\x98\x80z");
}

TEST(Utf8Stream, ReplacesWhatIsNoCharacter) {
  const std::string fffd = "\xef\xbf\xbd";
  EXPECT_EQ(streamed("\xff"), fffd);
  EXPECT_EQ(streamed("\x80\x80"), fffd + fffd);
  EXPECT_EQ(streamed("\xe2\x82"), fffd); // cut short
  EXPECT_EQ(streamed("\xe2\x82x"), fffd + "x");
  EXPECT_EQ(streamed("\xf0\x9f\xc3\xa9"), fffd + "\xc3\xa9");
  EXPECT_EQ(streamed("\xed\xa0\x80"), fffd + fffd + fffd); // a surrogate
  EXPECT_EQ(streamed("\xc0\xaf"), fffd + fffd);            // overlong
  EXPECT_EQ(streamed("\xf4\x90\x80\x80"), fffd + fffd + fffd + fffd);
  EXPECT_EQ(streamed("\xef\xbf\xbd"), fffd);
}

static std::string stoppedAt(std::vector<std::string> stops, const std::vector<std::string> &pieces, bool &stopped) {
  StopMatcher matcher(std::move(stops));
  std::string out;
  stopped = false;
  for (const std::string &piece : pieces)
    if ((stopped = matcher.push(piece, out)))
      return out;
  matcher.finish(out);
  return out;
}

TEST(StopMatcher, FindsStringsAcrossPieces) {
  bool stopped;
  EXPECT_EQ(stoppedAt({"END"}, {"abcE", "N", "Dxyz"}, stopped), "abc");
  EXPECT_TRUE(stopped);
  EXPECT_EQ(stoppedAt({"END"}, {"abcE", "N", "E", "ND"}, stopped), "abcEN");
  EXPECT_TRUE(stopped);
  EXPECT_EQ(stoppedAt({"END"}, {"abcE", "N"}, stopped), "abcEN");
  EXPECT_FALSE(stopped);
}

TEST(StopMatcher, TheOneThatIsCompleteFirstWins) {
  bool stopped;
  EXPECT_EQ(stoppedAt({"bc", "abcd"}, {"xabcd"}, stopped), "xa");
  EXPECT_EQ(stoppedAt({"bc", "abcd"}, {"xab", "cd"}, stopped), "xa");
  EXPECT_EQ(stoppedAt({"bc", "abc"}, {"xabc"}, stopped), "x"); // both at once: the longer one
  EXPECT_EQ(stoppedAt({"aab"}, {"aaab"}, stopped), "a");
  EXPECT_TRUE(stopped);
}

TEST(StopMatcher, HoldsBackNoMoreThanNeeded) {
  StopMatcher matcher({"\n\n"});
  std::string out;
  EXPECT_FALSE(matcher.push("line\n", out));
  EXPECT_EQ(out, "line");
  EXPECT_FALSE(matcher.push("next", out));
  EXPECT_EQ(out, "line\nnext");
}

TEST(StopMatcher, EmptyStopsAreIgnored) {
  bool stopped;
  EXPECT_EQ(stoppedAt({""}, {"abc"}, stopped), "abc");
  EXPECT_FALSE(stopped);
  EXPECT_EQ(stoppedAt({}, {"abc"}, stopped), "abc");
}
