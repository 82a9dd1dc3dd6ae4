// What a program says of itself is checked before anything relies on it: one clear error for each contradiction.
#include "program/ProgramCheck.h"

#include "FakeProgram.h"
#include "engine/CpuEngine.h"
#include "engine/Sequence.h"

#include <gtest/gtest.h>

#include <vector>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {

/// A program whose tables may be changed.
struct Claims {
  std::vector<gemmac_function> functions{test::fakeFunctions.begin(), test::fakeFunctions.end()};
  gemmac_value logits = *test::fakeFunctions[0].outputs;
  gemmac_code code = *test::fakeProgram().code;
  gemmac_program program = test::fakeProgram();

  /// decode has the logits of this struct.
  Claims() { functions[0].outputs = &logits; }

  Status check() {
    program.functions = functions.data();
    program.function_count = static_cast<int64_t>(functions.size());
    program.code = &code;
    program.code_count = 1;
    return checkProgram(program);
  }
  /// The message of an internal error; "" where there is none.
  std::string problem() {
    const Status status = check();
    EXPECT_EQ(status.code(), status.ok() ? ExitCode::success : ExitCode::internal);
    return status.message();
  }
};

const std::string prefix = "the compiled model describes itself inconsistently: ";

/// A function that no part of the runtime asks for.
constexpr gemmac_value patches = {"patches", 0, 64, 16, 2, GEMMAC_F32}, soft = {"soft", 1024, 128, 32, 1, GEMMAC_F32};
constexpr gemmac_function encode = {"encode", 4, 1, &patches, 1, &soft, 0, 0, 0, {}};

} // namespace

TEST(ProgramCheck, AbiAndSizes) {
  Claims claims;
  EXPECT_EQ(claims.problem(), "");
  claims.program.abi_version = GEMMAC_ABI_VERSION + 1;
  EXPECT_EQ(claims.problem(), "the model was compiled for runtime ABI 10, this runtime has 9");
  Claims shorter;
  shorter.program.struct_bytes = 8;
  EXPECT_NE(shorter.problem(), "");
  Claims empty;
  empty.program.slots = 0;
  EXPECT_EQ(empty.problem(), prefix + "a size is 0 or less");
}

TEST(ProgramCheck, FunctionsOfTextMustBeThere) {
  for (size_t missing = 0; missing < 3; ++missing) {
    Claims claims;
    const std::string name = claims.functions[missing].name;
    claims.functions.erase(claims.functions.begin() + static_cast<ptrdiff_t>(missing));
    EXPECT_EQ(claims.problem(), "the compiled model has no function '" + name + "'");
  }
  Claims claims;
  claims.functions[1].input_count = 1;
  claims.functions[1].inputs = &patches;
  EXPECT_EQ(claims.problem(),
            "the compiled model's function 'verify' wants input 'patches', but functions of text take tokens alone");
}

TEST(ProgramCheck, LogitsMustCoverTheVocabulary) {
  Claims none;
  none.functions[0].output_count = 0;
  EXPECT_EQ(none.problem(), "the compiled model's function 'decode' has no output 'logits'");
  Claims few;
  few.logits.width = test::fakeVocab - 1;
  EXPECT_EQ(few.problem(),
            "the compiled model's function 'decode' gives 39 logits a row, but the vocabulary has 40 tokens");
}

TEST(ProgramCheck, ValuesLieInTheArena) {
  Claims claims;
  claims.logits.offset = claims.program.arena_bytes - 4;
  EXPECT_EQ(claims.problem(), prefix + "'logits' of function 'decode' lies outside of the arena: 1 x 1 x 192 bytes at "
                                       "byte 1532 of 1536");
  for (const gemmac_value &wrong : {gemmac_value{"logits", -4, 192, 40, 1, GEMMAC_F32},
                                    {"logits", 2, 192, 40, 1, GEMMAC_F32},
                                    {"logits", 0, 192, 0, 1, GEMMAC_F32},
                                    {"logits", 0, 156, 40, 1, GEMMAC_F32},
                                    {"logits", 0, INT64_MAX - 3, 40, 1, GEMMAC_F32},
                                    {"logits", 0, 192, 40, 0, GEMMAC_F32},
                                    {"logits", 0, 192, 40, 100, GEMMAC_F32},
                                    {"logits", 0, 192, 40, 1, 2}}) {
    claims.logits = wrong;
    EXPECT_EQ(claims.problem().find(prefix + "'logits' of function 'decode'"), 0u) << claims.problem();
  }
  Claims many;
  many.functions[1].max_rows = INT64_MAX;
  EXPECT_NE(many.problem().find("lies outside of the arena"), std::string::npos);
  Claims rows;
  rows.functions[2].max_rows = 0;
  EXPECT_EQ(rows.problem(), prefix + "function 'prefill' takes 0 rows");
  Claims input;
  gemmac_value far = patches;
  far.offset = 4096;
  input.functions.push_back(encode);
  input.functions.back().inputs = &far;
  EXPECT_NE(
      input.problem().find("'patches' of function 'encode' lies outside of the arena: 4 x 2 x 64 bytes at byte 4096"),
      std::string::npos);
}

TEST(ProgramCheck, CodeOfKnownKinds) {
  Claims claims;
  claims.code.kind = 7;
  EXPECT_EQ(claims.problem(), prefix + "code 'base' is of kind 7, which this runtime does not know");
  gemmac_program program = test::fakeProgram();
  program.code_count = 0;
  EXPECT_EQ(checkProgram(program).message(), prefix + "it has no code");
}

TEST(ProgramCheck, TablesFitTheRowThatTheyAreReadTo) {
  const gemmac_table table = {0, 64, 32};
  Claims claims;
  claims.program.table_count = 1;
  claims.program.tables = &table;
  claims.program.table_row_bytes = 95;
  EXPECT_EQ(claims.problem(), prefix + "rows of tables do not fit into what they are read to");
  claims.program.table_row_bytes = 96;
  EXPECT_EQ(claims.problem(), "");
}

// Functions are found by name, wherever they stand, and run by their place.
TEST(ProgramCheck, OtherFunctionsAreLeftAlone) {
  Claims claims;
  claims.functions.insert(claims.functions.begin(), encode);
  const gemmac_function_fn *runs = claims.code.run;
  const gemmac_function_fn moved[] = {nullptr, runs[0], runs[1], runs[2]};
  claims.code.run = moved;
  ASSERT_EQ(claims.problem(), "");
  const gemmac_program usual = test::fakeProgram();
  ProgramFile file;
  CpuEngine engine, alone;
  ASSERT_TRUE(engine.open(claims.program, file, {.threads = 2}).ok());
  ASSERT_TRUE(alone.open(usual, file, {.threads = 2}).ok());
  Sequence sequence(engine, 0), expected(alone, 0);
  const std::vector<int32_t> tokens = {3, 1, 4, 1, 5};
  Logits logits, wanted;
  ASSERT_TRUE(sequence.feed(tokens, logits).ok());
  ASSERT_TRUE(expected.feed(tokens, wanted).ok());
  for (int64_t token = 0; token < test::fakeVocab; ++token)
    EXPECT_EQ(logits.row(0)[token], wanted.row(0)[token]) << token;
}
