// Sequence over the engine of processors: the same logits however a prompt is cut up and however many threads there
// are.
#include "engine/Sequence.h"

#include "FakeProgram.h"
#include "engine/CpuEngine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <optional>
#include <unistd.h>
#include <vector>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {
struct Opened {
  gemmac_program program;
  ProgramFile file;
  CpuEngine engine;
  Status status;
  std::optional<Sequence> sequence;

  explicit Opened(EngineOptions options = {.threads = 1}, const gemmac_program &program = test::fakeProgram())
      : program(program) {
    status = engine.open(this->program, file, options);
    if (status.ok())
      sequence.emplace(engine, 0);
  }
  std::vector<float> decode(int32_t token) {
    Logits logits;
    EXPECT_TRUE(sequence->decode(token, logits).ok());
    return row(logits, 0);
  }
  std::vector<float> feed(std::span<const int32_t> tokens) {
    Logits logits;
    EXPECT_TRUE(sequence->feed(tokens, logits).ok());
    return row(logits, 0);
  }
  static std::vector<float> row(const Logits &logits, size_t index) {
    return {logits.row(index), logits.row(index) + test::fakeVocab};
  }
};
} // namespace

static std::vector<int32_t> someTokens(size_t count) {
  std::vector<int32_t> tokens(count);
  std::iota(tokens.begin(), tokens.end(), 3);
  return tokens;
}

TEST(Sequence, ChunksAndThreadsMakeNoDifference) {
  const std::vector<int32_t> tokens = someTokens(37);
  Opened reference;
  ASSERT_TRUE(reference.status.ok());
  std::vector<float> expected;
  for (int32_t token : tokens)
    expected = reference.decode(token);
  for (int64_t threads : {1, 2, 5})
    for (int64_t chunk : {1, 3, 16}) {
      Opened other({.threads = threads, .chunk = chunk});
      ASSERT_TRUE(other.status.ok());
      EXPECT_EQ(other.feed(tokens), expected) << threads << " threads, chunk " << chunk;
      EXPECT_EQ(other.sequence->position(), 37);
    }
}

TEST(Sequence, VerifyGivesEveryRow) {
  const std::vector<int32_t> tokens = someTokens(8);
  Opened one, all;
  Logits rows;
  ASSERT_TRUE(all.sequence->verify(tokens, rows).ok());
  for (size_t i = 0; i < tokens.size(); ++i)
    EXPECT_EQ(Opened::row(rows, i), one.decode(tokens[i]));
}

TEST(Sequence, ResetStartsOver) {
  Opened opened;
  const std::vector<float> first = opened.decode(5);
  opened.decode(6);
  opened.sequence->reset();
  EXPECT_EQ(opened.sequence->remaining(), test::fakeContext);
  EXPECT_EQ(opened.decode(5), first);
}

TEST(Sequence, RewindsAsIfLaterTokensHadNotBeenFed) {
  const std::vector<int32_t> tokens = someTokens(20);
  Opened opened, fresh;
  opened.feed(tokens);
  EXPECT_EQ(opened.sequence->rewind(12), 12);
  EXPECT_TRUE(std::ranges::equal(opened.sequence->tokens(), std::span(tokens).first(12)));
  fresh.feed(std::span(tokens).first(12));
  EXPECT_EQ(opened.decode(9), fresh.decode(9));
  EXPECT_EQ(opened.sequence->rewind(13), 13); // nothing to go back
}

TEST(Sequence, KeepsWhatTwoTextsBeginWith) {
  const std::vector<int32_t> tokens = someTokens(20);
  std::vector<int32_t> other = tokens;
  other[15] = 1;
  Opened opened;
  EXPECT_EQ(opened.sequence->keepCommon(tokens), 0);
  opened.feed(tokens);
  EXPECT_EQ(opened.sequence->keepCommon(other), 15);
  EXPECT_EQ(opened.sequence->keepCommon(std::span(tokens).first(15)), 14); // the last one is to yield logits
  EXPECT_EQ(opened.sequence->keepCommon(someTokens(30)), 14);
  EXPECT_EQ(opened.sequence->keepCommon({}), 0);
}

/// A ring of 24 positions for a window of 8 has room for 16 tokens that are taken back.
TEST(Sequence, RewindsToTheStartWhereAWindowHasLostWhatItNeeds) {
  gemmac_cache caches[] = {{"0", "f16", 1, 64, 8, 24, 0, -1, 64},
                           {"1", "f16", 1, 64, 0, test::fakeContext, 0, -1, 64},
                           {"2", "f16", 1, 64, 2, 3, 0, 0, 64}}; // the last reads the first one's
  gemmac_program program = test::fakeProgram();
  program.caches = caches;
  program.cache_count = 3;
  auto rewound = [&](int64_t fed, int64_t position) {
    Opened opened({.threads = 1}, program);
    opened.feed(someTokens(static_cast<size_t>(fed)));
    return opened.sequence->rewind(position);
  };
  EXPECT_EQ(rewound(24, 1), 1);   // the ring has not come round
  EXPECT_EQ(rewound(37, 20), 20); // looks back to position 13 of the 13 to 36 that are there
  EXPECT_EQ(rewound(37, 19), 0);
  EXPECT_EQ(rewound(37, 37), 37);
  EXPECT_EQ(rewound(26, 5), 0); // looks back to position 0
  Opened twice({.threads = 1}, program);
  twice.feed(someTokens(37));
  EXPECT_EQ(twice.sequence->rewind(27), 27);
  EXPECT_EQ(twice.sequence->rewind(19), 0); // what 36 overwrote does not come back
}

TEST(Sequence, StopsBetweenChunksWhenCancelled) {
  Opened opened({.threads = 1, .chunk = 4});
  Cancel cancel;
  cancel.request();
  Logits logits;
  EXPECT_EQ(opened.sequence->feed(someTokens(20), logits, &cancel).code(), ExitCode::interrupted);
  EXPECT_EQ(opened.sequence->position(), 0);
  cancel.clear();
  EXPECT_TRUE(opened.sequence->feed(someTokens(20), logits, &cancel).ok());
}

TEST(Sequence, RefusesWhatWasNotCompiledIn) {
  Opened chunk({.threads = 1, .chunk = test::fakeChunk + 1});
  EXPECT_EQ(chunk.status.code(), ExitCode::usage);
  EXPECT_NE(chunk.status.message().find("--chunk 17"), std::string::npos) << chunk.status.message();
  Opened context({.threads = 1, .context = test::fakeContext + 1});
  EXPECT_EQ(context.status.code(), ExitCode::usage);
  Opened smaller({.threads = 1, .context = 10});
  EXPECT_TRUE(smaller.status.ok());
  EXPECT_EQ(smaller.sequence->remaining(), 10);
}

TEST(Sequence, ReportsMemoryThatCannotBeReserved) {
  gemmac_program program = test::fakeProgram();
  program.slot_bytes = int64_t(1) << 60;
  EXPECT_EQ(Opened({.threads = 1}, program).status.code(), ExitCode::inputOutput);
}

namespace {
/// A program of two tables; its logits are what the rows of the tables hold.
struct TableProgram {
  static constexpr int64_t rowBytes = 128, firstBytes = 5, secondBytes = 3;

  template <bool Logits> static void runRows(const gemmac_call *call, int64_t thread) {
    auto *seen = reinterpret_cast<float *>(call->cache);
    auto *logits = reinterpret_cast<float *>(call->arena);
    for (int64_t row = 0; thread == 0 && row < call->row_count; ++row) {
      const int64_t position = call->rows[row].position;
      const uint8_t *bytes = call->table_rows + row * rowBytes;
      seen[position] = static_cast<float>(bytes[4] * 1000 + bytes[64 + 2]);
      for (int64_t v = 0; Logits && v < test::fakeVocab; ++v)
        logits[row * test::fakeStride + v] = seen[std::max<int64_t>(position - v, 0)];
    }
  }

  std::string path = testing::TempDir() + "gemmac-table-test-" + std::to_string(getpid());
  gemmac_table tables[2] = {{16, firstBytes, 0}, {16 + test::fakeVocab * firstBytes, secondBytes, 64}};
  gemmac_function_fn runs[3] = {runRows<true>, runRows<true>, runRows<false>};
  gemmac_code code = {"base", GEMMAC_CODE_CPU, 0, runs};
  gemmac_program program = test::fakeProgram();
  ProgramFile file;

  TableProgram() {
    program.code = &code;
    program.code_count = 1;
    program.table_count = 2;
    program.tables = tables;
    program.table_row_bytes = rowBytes;
    std::string data(16, '-');
    for (char token = 0; token < test::fakeVocab; ++token)
      data += std::string(4, '.') + token;
    for (char token = 0; token < test::fakeVocab; ++token)
      data += std::string(2, '.') + static_cast<char>(token + 100);
    std::ofstream(path, std::ios::binary) << std::string(4096, 'E') << data;
    const gemmac_image description = {
        {'G', 'E', 'M', 'M', 'A', 'C', 'I', 'M'}, 4096, data.size(), 4096 + data.size(), 0};
    EXPECT_TRUE(file.openFile(path.c_str(), description).ok());
  }
  ~TableProgram() { unlink(path.c_str()); }
};
} // namespace

TEST(Sequence, ReadsTheRowsOfTablesForEveryToken) {
  TableProgram tables;
  CpuEngine engine;
  ASSERT_TRUE(engine.open(tables.program, tables.file, {.threads = 2, .chunk = 3}).ok());
  Sequence sequence(engine, 0);
  const std::vector<int32_t> tokens = {7, 0, 39, 1, 7, 38, 5};
  Logits logits;
  ASSERT_TRUE(sequence.feed(tokens, logits).ok());
  for (size_t back = 0; back < tokens.size(); ++back) {
    const int32_t token = tokens[tokens.size() - 1 - back];
    EXPECT_EQ(logits.row(0)[back], static_cast<float>(token * 1000 + token + 100));
  }
  ASSERT_TRUE(sequence.verify(std::vector<int32_t>{2, 3}, logits).ok());
  EXPECT_EQ(logits.row(0)[0], 2102.0f);
  EXPECT_EQ(logits.row(1)[0], 3103.0f);
}

TEST(Sequence, AFileThatIsCutFeedsNothing) {
  TableProgram tables;
  CpuEngine engine;
  ASSERT_TRUE(engine.open(tables.program, tables.file, {.threads = 1}).ok());
  Sequence sequence(engine, 0);
  Logits logits;
  ASSERT_TRUE(sequence.decode(7, logits).ok());
  ASSERT_EQ(truncate(tables.path.c_str(), 4096), 0);
  EXPECT_EQ(sequence.decode(8, logits).code(), ExitCode::damagedProgram);
  EXPECT_EQ(sequence.position(), 1);
}
