// Sizes of files, and what --max-size says when a program of fixed formats is too large.
#include "compiler/choose/SizeLimit.h"

#include "compiler/artifact/ProgramFile.h"
#include "compiler/base/Errors.h"

#include <gtest/gtest.h>

using namespace gemmac;

// The inverse is never too much, and gives nothing away but the alignment of buffers.
TEST(SizeLimit, MostMatrixBytesFit) {
  for (uint64_t limit : {1'000'000ul, 2'500'000ul, 4'194'304ul, 5'000'000ul, 12'345'678ul, 3'000'000'000ul})
    for (uint64_t elf : {100'000ul, 900'000ul, 2'900'000ul})
      for (uint64_t tokenizer : {0ul, 70'001ul}) {
        FileParts parts{elf, tokenizer};
        int64_t most = mostMatrixBytes(parts, limit);
        if (most < 0) {
          EXPECT_GT(programBytes(parts, 0), limit);
          continue;
        }
        uint64_t bytes = programBytes(parts, static_cast<uint64_t>(most));
        EXPECT_LE(bytes, limit);
        EXPECT_GT(programBytes(parts, static_cast<uint64_t>(most) + bufferAlign), limit);
      }
}

static llvm::Expected<ProgramSummary> plan(const CompileOptions &options) {
  ProgramSummary summary;
  summary.weightBytes = 1'000'000 * formatInfo(options.formats.weights).bits;
  return summary;
}

static std::string message(uint64_t limit) {
  CompileOptions options;
  options.formats.weights = Format::Q8;
  options.maxFile = limit;
  llvm::Error error = fileTooLarge(options, {500'000, 1000}, 8'000'000, plan);
  EXPECT_TRUE(error.isA<UsageError>());
  return llvm::toString(std::move(error));
}

TEST(SizeLimit, SaysWhatWouldFit) {
  std::string text = message(7'000'000);
  EXPECT_NE(text.find("--max-size: error: the program would take 9.63 MiB ("), std::string::npos) << text;
  EXPECT_NE(text.find("code and runtime 488 KiB, weights 7.63 MiB, tokenizer 0.98 KiB"), std::string::npos) << text;
  EXPECT_NE(text.find("--weights q4 would fit"), std::string::npos) << text;
  text = message(1'000'000);
  EXPECT_NE(text.find("--weights q2 would be the least, and too much"), std::string::npos) << text;
}
