// Parsing that never throws, and messages that stay on one line.
#include "ImportTest.h"

using namespace gemmac;
using namespace gemmac::test;

namespace {

std::string parseError(llvm::StringRef text, DuplicateKeys duplicates = DuplicateKeys::refuse) {
  return errorOf(parseJson("x.json", text, duplicates));
}

TEST(Json, acceptsWhatIsJson) {
  EXPECT_EQ(valueOf(parseJson("x.json", "[1, {\"a\": null}]", DuplicateKeys::refuse)).size(), 2u);
}

TEST(Json, tellsWhereItBreaks) {
  EXPECT_TRUE(contains(parseError("{\"a\": 1,"), "x.json: error: not valid JSON at byte 9 of 8"));
  EXPECT_TRUE(contains(parseError(""), "not valid JSON"));
  EXPECT_TRUE(contains(parseError("[1] 2"), "not valid JSON"));
  EXPECT_TRUE(contains(parseError("\"\xff\""), "not valid JSON"));
  EXPECT_TRUE(contains(parseError("[1e999]"), "not valid JSON"));
  EXPECT_TRUE(contains(parseError("{\"a\n\": 1}"), "not valid JSON"));
}

TEST(Json, refusesDuplicateKeysWhereAsked) {
  EXPECT_TRUE(contains(parseError("{\"a\": 1, \"a\": 2}"), "key 'a' is given twice in one object"));
  EXPECT_EQ(parseError("{\"a\": {\"a\": 1}, \"b\": {\"a\": 2}}"), "");
  Json last = valueOf(parseJson("x.json", "{\"a\": 1, \"a\": 2}", DuplicateKeys::keepLast));
  EXPECT_EQ(last["a"], 2);
}

TEST(Json, refusesDeepNesting) {
  EXPECT_EQ(parseError(std::string(60, '[') + std::string(60, ']')), "");
  for (DuplicateKeys duplicates : {DuplicateKeys::refuse, DuplicateKeys::keepLast})
    EXPECT_TRUE(contains(parseError(std::string(100000, '['), duplicates), "nested deeper than 64"));
}

TEST(Json, messagesStayOnOneLine) {
  EXPECT_EQ(inQuotes("a\nb\x01"), "'a\\nb\\x01'");
  EXPECT_EQ(inQuotes(std::string(200, 'x')).size(), 120u + 5);
}

TEST(Json, describesValues) {
  EXPECT_EQ(describe(Json()), "null");
  EXPECT_EQ(describe(Json(-3)), "-3");
  EXPECT_EQ(describe(Json(1e-6)), "1e-06");
  EXPECT_EQ(describe(Json("t")), "'t'");
  EXPECT_EQ(describe(Json::array({1, 2})), "an array of 2");
  EXPECT_EQ(describe(Json::object()), "an object");
}

TEST(Json, fieldsNameFileFieldGotAndExpected) {
  Json object = {{"n", "seven"}, {"big", 18446744073709551615u}, {"half", 0.5}, {"no", nullptr}};
  auto message = [&](auto read) {
    Fields fields("c.json", "p.", object);
    read(fields);
    return messageOf(fields.takeError());
  };
  EXPECT_EQ(message([](Fields &f) { f.integer("n", 1, 0, 9); }),
            "c.json: error: field 'p.n' is 'seven', expected an integer from 0 to 9");
  EXPECT_TRUE(contains(message([](Fields &f) { f.integer("big", 1, 0, 9); }), "is 18446744073709551615, expected"));
  EXPECT_TRUE(contains(message([](Fields &f) { f.integer("half", 1, 0, 9); }), "is 0.5, expected an integer"));
  EXPECT_TRUE(contains(message([](Fields &f) { f.integer("no", 1, 0, 9); }), "is null, expected an integer"));
  EXPECT_TRUE(contains(message([](Fields &f) { f.boolean("half", true); }), "expected true or false"));
  EXPECT_TRUE(contains(message([](Fields &f) { f.string("half", ""); }), "expected a string"));
  EXPECT_TRUE(contains(message([](Fields &f) { f.number("half", 0, 1, 2); }), "expected a number from 1 to 2"));
  EXPECT_TRUE(contains(message([](Fields &f) { f.object("half"); }), "expected an object"));
  EXPECT_TRUE(contains(message([](Fields &f) { f.array("n"); }), "expected an array"));
  EXPECT_EQ(message([](Fields &f) {
              f.integer("absent", 1, 0, 9);
              f.optionalInteger("no", 0, 9);
            }),
            "");
}

TEST(Json, unreadFieldsAreErrorsUnlessHarmless) {
  Json object = {{"a", 1}, {"b", 2}};
  Fields fields("c.json", "", object);
  EXPECT_EQ(fields.integer("a", 0, 0, 9), 1);
  EXPECT_TRUE(contains(messageOf(fields.finish({})), "field 'b' is unknown"));
  Fields again("c.json", "", object);
  again.integer("a", 0, 0, 9);
  EXPECT_EQ(messageOf(again.finish({llvm::StringLiteral("b")})), "");
}

} // namespace
