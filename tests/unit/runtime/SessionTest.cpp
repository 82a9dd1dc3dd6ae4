// Session: the same logits however a prompt is cut up and however many threads there are.
#include "Session.h"

#include "FakeProgram.h"
#include "Signals.h"

#include <gtest/gtest.h>

#include <csignal>
#include <numeric>
#include <vector>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {
struct Opened {
  gemmac_program program = test::fakeProgram();
  ThreadPool pool;
  Session session;
  Status status;

  explicit Opened(int64_t threads = 1, Session::Options options = {}) {
    EXPECT_TRUE(pool.start(threads).ok());
    status = session.open(program, nullptr, program.levels[0], pool, options);
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
  program.cache_bytes = int64_t(1) << 60;
  ThreadPool pool;
  ASSERT_TRUE(pool.start(1).ok());
  Session session;
  EXPECT_EQ(session.open(program, nullptr, program.levels[0], pool, {}).code(), ExitCode::inputOutput);
}
