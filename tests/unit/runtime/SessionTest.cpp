// Session: the same logits however a prompt is cut up and however many threads there are.
#include "engine/Session.h"

#include "FakeProgram.h"
#include "base/Signals.h"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <numeric>
#include <unistd.h>
#include <vector>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {
struct Opened {
  gemmac_program program = test::fakeProgram();
  ThreadPool pool;
  Image image;
  Session session;
  Status status;

  explicit Opened(int64_t threads = 1, Session::Options options = {}) {
    EXPECT_TRUE(pool.start(threads).ok());
    status = session.open(program, image, program.levels[0], pool, options);
  }
};
} // namespace

static std::vector<float> row(const float *logits) { return {logits, logits + test::fakeVocab}; }

static std::vector<int32_t> someTokens(size_t count) {
  std::vector<int32_t> tokens(count);
  std::iota(tokens.begin(), tokens.end(), 3);
  return tokens;
}

TEST(Session, ChunksAndThreadsMakeNoDifference) {
  const std::vector<int32_t> tokens = someTokens(37);
  Opened reference;
  ASSERT_TRUE(reference.status.ok());
  std::vector<float> expected;
  for (int32_t token : tokens)
    expected = row(reference.session.decode(token));
  for (int64_t threads : {1, 2, 5})
    for (int64_t chunk : {1, 3, 16}) {
      Opened other(threads, {.chunk = chunk});
      ASSERT_TRUE(other.status.ok());
      EXPECT_EQ(row(other.session.feed(tokens)), expected) << threads << " threads, chunk " << chunk;
      EXPECT_EQ(other.session.position(), 37);
    }
}

TEST(Session, VerifyGivesEveryRow) {
  const std::vector<int32_t> tokens = someTokens(8);
  Opened one, all;
  const float *rows = all.session.verify(tokens);
  for (size_t i = 0; i < tokens.size(); ++i)
    EXPECT_EQ(row(rows + static_cast<int64_t>(i) * all.session.logitsStride()), row(one.session.decode(tokens[i])));
}

TEST(Session, ResetStartsOver) {
  Opened opened;
  const std::vector<float> first = row(opened.session.decode(5));
  opened.session.decode(6);
  opened.session.reset();
  EXPECT_EQ(opened.session.remaining(), test::fakeContext);
  EXPECT_EQ(row(opened.session.decode(5)), first);
}

TEST(Session, RewindsAsIfLaterTokensHadNotBeenFed) {
  const std::vector<int32_t> tokens = someTokens(20);
  Opened opened, fresh;
  opened.session.feed(tokens);
  EXPECT_EQ(opened.session.rewind(12), 12);
  fresh.session.feed(std::span(tokens).first(12));
  EXPECT_EQ(row(opened.session.decode(9)), row(fresh.session.decode(9)));
  EXPECT_EQ(opened.session.rewind(13), 13); // nothing to go back
}

/// A ring of 24 positions for a window of 8 has room for 16 tokens that are taken back.
TEST(Session, RewindsToTheStartWhereAWindowHasLostWhatItNeeds) {
  gemmac_cache caches[] = {{"0", "f16", 1, 64, 8, 24, 0, -1, 64},
                           {"1", "f16", 1, 64, 0, test::fakeContext, 0, -1, 64},
                           {"2", "f16", 1, 64, 2, 3, 0, 0, 64}}; // the last reads the first one's
  auto rewound = [&](int64_t fed, int64_t position) {
    Opened opened;
    opened.program.caches = caches;
    opened.program.cache_count = 3;
    opened.session.feed(someTokens(static_cast<size_t>(fed)));
    return opened.session.rewind(position);
  };
  EXPECT_EQ(rewound(24, 1), 1);   // the ring has not come round
  EXPECT_EQ(rewound(40, 23), 23); // looks back to position 16 of the 16 to 39 that are there
  EXPECT_EQ(rewound(40, 22), 0);
  EXPECT_EQ(rewound(40, 40), 40);
  EXPECT_EQ(rewound(26, 5), 0); // looks back to position 0
  Opened twice;
  twice.program.caches = caches;
  twice.program.cache_count = 3;
  twice.session.feed(someTokens(40));
  EXPECT_EQ(twice.session.rewind(30), 30);
  EXPECT_EQ(twice.session.rewind(22), 0); // what 39 overwrote does not come back
}

TEST(Session, StopsBetweenChunksWhenInterrupted) {
  Opened opened(1, {.chunk = 4});
  clearInterrupt();
  installSignalHandlers();
  raise(SIGINT);
  EXPECT_EQ(opened.session.feed(someTokens(20)), nullptr);
  EXPECT_EQ(opened.session.position(), 0);
  clearInterrupt();
  EXPECT_NE(opened.session.feed(someTokens(20)), nullptr);
}

TEST(Session, RefusesWhatWasNotCompiledIn) {
  Opened chunk(1, {.chunk = test::fakeChunk + 1});
  EXPECT_EQ(chunk.status.code(), ExitCode::usage);
  EXPECT_NE(chunk.status.message().find("--chunk 17"), std::string::npos) << chunk.status.message();
  Opened context(1, {.context = test::fakeContext + 1});
  EXPECT_EQ(context.status.code(), ExitCode::usage);
  Opened smaller(1, {.context = 10});
  EXPECT_TRUE(smaller.status.ok());
  EXPECT_EQ(smaller.session.remaining(), 10);
}

TEST(Session, ReportsMemoryThatCannotBeReserved) {
  gemmac_program program = test::fakeProgram();
  program.slot_bytes = int64_t(1) << 60;
  ThreadPool pool;
  ASSERT_TRUE(pool.start(1).ok());
  Image image;
  Session session;
  EXPECT_EQ(session.open(program, image, program.levels[0], pool, {}).code(), ExitCode::inputOutput);
}

namespace {
/// A program of two tables; its logits are what the rows of the tables hold.
struct TableProgram {
  static constexpr int64_t rowBytes = 128, firstBytes = 5, secondBytes = 3;

  template <bool Logits> static void runPhase(const gemmac_call *call, int64_t thread) {
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
  gemmac_level level = {"base", 0, {runPhase<true>, runPhase<true>, runPhase<false>}};
  gemmac_program program = test::fakeProgram();
  Image image;

  TableProgram() {
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
    EXPECT_TRUE(image.openFile(path.c_str(), description).ok());
  }
  ~TableProgram() { unlink(path.c_str()); }
};
} // namespace

TEST(Session, ReadsTheRowsOfTablesForEveryToken) {
  TableProgram tables;
  ThreadPool pool;
  ASSERT_TRUE(pool.start(2).ok());
  Session session;
  ASSERT_TRUE(session.open(tables.program, tables.image, tables.level, pool, {.chunk = 3}).ok());
  const std::vector<int32_t> tokens = {7, 0, 39, 1, 7, 38, 5};
  const float *logits = session.feed(tokens);
  for (size_t back = 0; back < tokens.size(); ++back) {
    const int32_t token = tokens[tokens.size() - 1 - back];
    EXPECT_EQ(logits[back], static_cast<float>(token * 1000 + token + 100));
  }
  logits = session.verify(std::vector<int32_t>{2, 3});
  EXPECT_EQ(logits[0], 2102.0f);
  EXPECT_EQ(logits[session.logitsStride()], 3103.0f);
}
