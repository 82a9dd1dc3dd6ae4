#include "terminal/EditLine.h"

#include "terminal/TextWidth.h"

#include <gtest/gtest.h>

using namespace gemmac::runtime;

/// Types `bytes`; Enter shows as "<enter>", a paste as text.
static EditLine typed(std::string_view bytes) {
  EditLine line;
  KeyReader keys;
  for (char byte : bytes) {
    const Key key = keys.push(byte);
    if (key == Key::text)
      line.insert(keys.text());
    else if (key == Key::enter)
      line.insert("<enter>");
    else if (key == Key::endOfInput)
      line.press(Key::remove);
    else
      line.press(key);
  }
  return line;
}
static std::string text(std::string_view bytes) { return typed(bytes).text(); }

TEST(EditLine, KeysOfReadline) {
  EXPECT_EQ(text("abc\x7f\b"), "a");
  EXPECT_EQ(text("abc\x01X\x05Y"), "XabcY");
  EXPECT_EQ(text("abc\x1b[D\x1b[DX"), "aXbc");
  EXPECT_EQ(text("abc\x02\x02\x06X"), "abXc");
  EXPECT_EQ(text("abc\x1b[H\x1b[3~X\x1b[FY"), "XbcY");
  EXPECT_EQ(text("abc\x1bOH\x04X\x1bOFY"), "XbcY");
  EXPECT_EQ(text("one two three\x17X"), "one two X");
  EXPECT_EQ(text("one two\x1b"
                 "b\x0bX"),
            "one X");
  EXPECT_EQ(text("one two\x1b[1;5D\x15X"), "Xtwo");
  EXPECT_EQ(text("one two\x17\x01\x19 "), "two one ");
  EXPECT_EQ(text("one two\x01\x1b"
                 "d\x1b"
                 "fX"),
            " twoX");
  EXPECT_EQ(text("a\rb\r\nc\nd"), "a<enter>b<enter>c<enter>d");
}

TEST(EditLine, UnknownSequencesVanishWhole) {
  EXPECT_EQ(text("a\x1b[15~b\x1b[1;2Rc\x1bOPd\x1b[<0;1;2Me"), "abcde");
  EXPECT_EQ(text("a\x1b\x1b[Cb\x07"
                 "c"),
            "abc");
}

TEST(EditLine, PastesAreText) {
  EXPECT_EQ(text("<\x1b[200~one\rtwo\r\nthree\nfour\x1b[201~>"), "<one\ntwo\nthree\nfour>");
  EXPECT_EQ(text("\x1b[200~a\x03\x04\x1b[Ab\x1b[20\x1b[201~c"), "a\x03\x04\x1b[Ab\x1b[20c");
  EXPECT_EQ(text("\x1b[200~\x1b\x1b[201~c"), "\x1b"
                                             "c");
  EXPECT_EQ(text("x\x1b\ry"), "x\ny"); // Alt-Enter
}

TEST(EditLine, WholeCharactersMove) {
  EXPECT_EQ(text("é\x7f"), "");
  EXPECT_EQ(text("a日本\x7f\x02X"), "aX日");
  EXPECT_EQ(text("😀\x02X"), "X😀");
  EXPECT_EQ(text("ae\xcc\x81\x7f"), "a"); // e and a combining acute accent
  EXPECT_EQ(text("a\xff\xfe\x7f"), "a\xff");
  EXPECT_EQ(text("aé\x01\x04"), "é");
}

TEST(EditLine, LinesOfOneMessage) {
  EXPECT_EQ(text("\x1b[200~abcd\nef\nghij\x1b[201~\x1b[A\x1b[AX"), "abXcd\nef\nghij");
  EXPECT_EQ(text("\x1b[200~ab\ncd\x1b[201~\x1b[A\x01X\x1b[B\x05Y"), "Xab\ncdY");
  EXPECT_EQ(text("\x1b[200~ab\ncd\x1b[201~\x15X"), "ab\nX");
  EditLine line = typed("\x1b[200~ab\ncd\x1b[201~");
  EXPECT_TRUE(line.press(Key::up));
  EXPECT_FALSE(line.press(Key::up)); // for the history
}

TEST(EditLine, ThereIsAnEnd) {
  EditLine line;
  EXPECT_TRUE(line.insert(std::string(EditLine::mostBytes, 'a')));
  EXPECT_FALSE(line.insert("b"));
  EXPECT_EQ(line.text().size(), EditLine::mostBytes);
}

TEST(ScreenText, RowsAndCursor) {
  const std::string text = std::string(30, 'a') + "\nb";
  ScreenText screen(text, text.size(), 20); // 18 columns behind the mark, then 20
  ASSERT_EQ(screen.rows.size(), 3u);
  EXPECT_EQ(screen.rows[0].end, 18u);
  EXPECT_EQ(screen.rows[1].end, 30u);
  EXPECT_FALSE(screen.rows[1].marked);
  EXPECT_TRUE(screen.rows[2].marked);
  EXPECT_EQ(screen.cursorRow, 2u);
  EXPECT_EQ(screen.cursorColumn, 3u);
  // A full row: the cursor behind it stands in the next one, and only if it is there.
  const std::string full(18, 'a');
  EXPECT_EQ(ScreenText(full, 18, 20).rows.size(), 2u);
  EXPECT_EQ(ScreenText(full, 18, 20).cursorColumn, 0u);
  EXPECT_EQ(ScreenText(full, 3, 20).rows.size(), 1u);
}

TEST(ScreenText, ColumnsOfWideAndInvisibleCharacters) {
  auto column = [](std::string_view text) { return ScreenText(text, text.size(), 80).cursorColumn; };
  EXPECT_EQ(column("日本"), 6u);
  EXPECT_EQ(column("e\xcc\x81"), 3u);
  EXPECT_EQ(column("\t"), 6u);
  EXPECT_EQ(column("\x1b"), 4u);      // ^[
  EXPECT_EQ(column("\xc2\x9b"), 10u); // <U+009B>
  EXPECT_EQ(column("\xff"), 3u);      // U+FFFD
  EXPECT_EQ(column("😀"), 4u);
  ScreenText screen("aaaaaaaaaaaaaaaaa日", 20, 20); // no room for two columns
  EXPECT_EQ(screen.rows.size(), 2u);
  EXPECT_EQ(columnsOf(0x4e00), 2u);
  EXPECT_EQ(columnsOf(0xe9), 1u);
  EXPECT_EQ(columnsOf(0x301), 0u);
}
