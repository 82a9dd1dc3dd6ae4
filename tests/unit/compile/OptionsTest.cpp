// The table of options: what words become, what follows from them, what does not go together.
#include "compiler/pipeline/OptionTable.h"

#include <gtest/gtest.h>

#include <set>

using namespace gemmac;

namespace {

using Words = std::map<std::string, std::string>; ///< by the last name of an option

/// Reads and completes; the error's text, empty for none.
std::string read(const Words &given, CompileOptions &options) {
  std::vector<CompileOption> table = compileOptionTable();
  std::vector<std::string> words;
  size_t known = 0;
  for (const CompileOption &option : table) {
    auto found = given.find(option.lastName());
    known += found != given.end();
    words.push_back(found == given.end() ? "" : found->second);
  }
  EXPECT_EQ(known, given.size());
  if (llvm::Error error = readOptions(table, words, options))
    return llvm::toString(std::move(error));
  llvm::Error error = completeOptions(options);
  return error ? llvm::toString(std::move(error)) : "";
}

std::string problem(Words given) {
  CompileOptions options;
  given.try_emplace("--output", "program");
  return read(given, options);
}

TEST(OptionTable, StatesEachOptionOnceAndWithHelp) {
  std::set<std::string> names;
  for (const CompileOption &option : compileOptionTable()) {
    EXPECT_TRUE(names.insert(option.lastName()).second) << option.name;
    EXPECT_FALSE(option.help.empty()) << option.name;
    EXPECT_EQ((option.read != nullptr) + (option.flag != nullptr) + (option.list != nullptr), 1) << option.name;
    EXPECT_EQ(option.flag || option.lastName() == "MODEL", option.valueName.empty()) << option.name;
  }
}

TEST(OptionTable, DefaultsFollowFromOtherOptions) {
  CompileOptions usual;
  EXPECT_EQ(read({{"--output", "p"}}, usual), "");
  EXPECT_EQ(usual.plan.caches.format, Format::F16);
  EXPECT_EQ(usual.rounding, Rounding::search);
  EXPECT_EQ(usual.emit, EmitKind::executable);
  EXPECT_FALSE(usual.calibration || usual.stopAfter);
  EXPECT_TRUE(usual.open.chunk && usual.open.cache && usual.open.embeddings && usual.open.weights);

  CompileOptions exact;
  EXPECT_EQ(read({{"--output", "p"}, {"--weights", "f32"}, {"--cache", "sliding=q8"}, {"--chunk", "7"}}, exact), "");
  EXPECT_EQ(exact.plan.caches.format, Format::F32);
  EXPECT_EQ(exact.plan.caches.slidingFormat, Format::Q8);
  EXPECT_EQ(exact.plan.functions.chunk, 7);
  EXPECT_FALSE(exact.open.chunk || exact.open.cache || exact.open.weights);

  CompileOptions chosen;
  EXPECT_EQ(read({{"--output", "p"}, {"--weights", "auto"}, {"--max-size", "1kB"}}, chosen), "");
  EXPECT_TRUE(chosen.chooseFormats);
  EXPECT_EQ(chosen.calibration, "");
  EXPECT_EQ(chosen.rounding, Rounding::feedback);
  EXPECT_EQ(chosen.maxFile, 1000u);

  CompileOptions printed;
  EXPECT_EQ(read({{"--emit", "mlir"}}, printed), "");
  EXPECT_EQ(printed.stopAfter, Stage::lower);
  EXPECT_EQ(printed.output, "-");
}

TEST(OptionTable, ErrorsNameTheOptionAndWhatItTakes) {
  EXPECT_EQ(problem({{"--embeddings", "q9"}}),
            "--embeddings: error: unknown format 'q9', expected f32, bf16, q12, q8, q6, q5, q4, q3, q2, c8, c4 or c2");
  EXPECT_EQ(problem({{"--max-rss", "much"}}),
            "--max-rss: error: got 'much', expected a size such as 1.1GB, 1400MB or 1GiB");
  EXPECT_EQ(problem({{"--jobs", "99999999999"}}),
            "--jobs: error: got '99999999999', expected a whole number from 1 to 2147483647");
  EXPECT_EQ(problem({{"--cache", "q8,full=q4"}}),
            "--cache: error: 'q8,full=q4' gives full layers two formats; give one");
  EXPECT_EQ(problem({{"--stop-after", "code"}}),
            "--stop-after: error: unknown phase 'code', expected one of import, fuse, quantize, plan, lower");
  EXPECT_EQ(problem({{"--stop-after", "plan"}, {"--emit", "obj"}}),
            "--stop-after: error: gives MLIR, but --emit asks for obj; leave one of them out");
  EXPECT_EQ(problem({{"--output", "-"}}), "-o: error: only --emit mlir can go to standard output; name a file");
}

} // namespace
