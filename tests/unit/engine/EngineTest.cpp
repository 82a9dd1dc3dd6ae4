// What every engine promises (Engine.h), tested over the interface alone.
#include "Engines.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {
class EngineTest : public testing::TestWithParam<std::string> {
protected:
  std::unique_ptr<Engine> engine = test::openEngine(GetParam());
  std::vector<int32_t> tokens = test::someTokens(*engine, test::usedPositions(*engine));

  /// The bits that each of `fed` gives when it is decoded behind those before it, in a fresh engine.
  std::vector<uint64_t> alone(std::span<const int32_t> fed) const {
    const std::unique_ptr<Engine> fresh = test::openEngine(GetParam());
    Sequence sequence(*fresh, 0);
    std::vector<uint64_t> bits;
    for (int32_t token : fed)
      bits.push_back(decode(sequence, token));
    return bits;
  }
  static uint64_t decode(Sequence &sequence, int32_t token) {
    Logits logits;
    EXPECT_TRUE(sequence.decode(token, logits).ok());
    return test::bitsOf(sequence.engine(), logits.row(0));
  }
  std::vector<uint64_t> verify(Sequence &sequence, std::span<const int32_t> fed) const {
    Logits logits;
    EXPECT_TRUE(sequence.verify(fed, logits).ok());
    std::vector<uint64_t> bits;
    for (size_t row = 0; row < fed.size(); ++row)
      bits.push_back(test::bitsOf(*engine, logits.row(row)));
    return bits;
  }
  std::span<const int32_t> first(size_t count) const { return std::span(tokens).first(count); }
  size_t mostVerified() const { return static_cast<size_t>(engine->maxRows(engine->functions().verify)); }

  /// Feeds a random number of tokens from `at` on in a random way and compares what comes with `expected`.
  size_t feedSome(Sequence &sequence, size_t at, std::mt19937 &random, const std::vector<uint64_t> &expected) const {
    const auto left = static_cast<int64_t>(tokens.size() - at);
    const int64_t way = test::pick(random, 0, 2);
    const int64_t most =
        way == 0 ? 1 : engine->maxRows(way == 1 ? engine->functions().verify : engine->functions().prefill);
    const std::span<const int32_t> part =
        std::span(tokens).subspan(at, static_cast<size_t>(test::pick(random, 1, std::min(left, most))));
    if (way == 0)
      EXPECT_EQ(decode(sequence, part[0]), expected[at]) << "token " << at;
    else if (way == 1)
      EXPECT_TRUE(std::ranges::equal(verify(sequence, part), std::span(expected).subspan(at, part.size())));
    else
      EXPECT_TRUE(sequence.prefill(part).ok());
    return at + part.size();
  }
};
} // namespace

TEST_P(EngineTest, DecodeVerifyAndPrefillGiveTheSameBits) {
  const std::vector<uint64_t> expected = alone(tokens);
  EXPECT_NE(expected[0], expected[1]);
  Sequence sequence(*engine, engine->slots() - 1);
  for (size_t at = 0; at < tokens.size(); at += mostVerified()) {
    const auto part = std::span(tokens).subspan(at, std::min(mostVerified(), tokens.size() - at));
    EXPECT_TRUE(std::ranges::equal(verify(sequence, part), std::span(expected).subspan(at, part.size()))) << at;
  }
  sequence.reset();
  Logits logits;
  ASSERT_TRUE(sequence.feed(tokens, logits).ok());
  EXPECT_EQ(test::bitsOf(*engine, logits.row(0)), expected.back());
}

TEST_P(EngineTest, AnyDivisionIntoCallsGivesTheSameBits) {
  const std::vector<uint64_t> expected = alone(tokens);
  std::mt19937 random(7);
  Sequence sequence(*engine, 0);
  for (int round = 0; round < 10; ++round) {
    sequence.reset();
    for (size_t at = 0; at < tokens.size();)
      at = feedSome(sequence, at, random, expected);
  }
}

TEST_P(EngineTest, ThreadsAndChunksMakeNoDifference) {
  const std::vector<uint64_t> expected = alone(tokens);
  for (int64_t threads : {1, 3})
    for (int64_t chunk : {int64_t(1), engine->maxRows(engine->functions().prefill)}) {
      const std::unique_ptr<Engine> other = test::openEngine(GetParam(), {.threads = threads, .chunk = chunk});
      Sequence sequence(*other, 0);
      Logits logits;
      ASSERT_TRUE(sequence.feed(tokens, logits).ok());
      EXPECT_EQ(test::bitsOf(*other, logits.row(0)), expected.back()) << threads << " threads, chunk " << chunk;
    }
}

TEST_P(EngineTest, AClearedSlotIsAsNew) {
  const std::vector<int32_t> others = test::someTokens(*engine, 10, 2);
  const std::vector<uint64_t> expected = alone(others);
  Sequence sequence(*engine, 0);
  ASSERT_TRUE(sequence.prefill(tokens).ok());
  engine->clear(0);
  sequence.reset();
  for (size_t i = 0; i < others.size(); ++i)
    EXPECT_EQ(decode(sequence, others[i]), expected[i]);
  sequence.reset(); // nothing is cleared: what is there yet is not seen
  EXPECT_EQ(decode(sequence, tokens[0]), alone(first(1)).back());
}

TEST_P(EngineTest, ARewoundSequenceIsAsAFreshOne) {
  const std::vector<int32_t> others = test::someTokens(*engine, 10, 2);
  for (const size_t back : {size_t(1), size_t(5), tokens.size() / 2, tokens.size() - 1}) {
    Sequence sequence(*engine, 0);
    ASSERT_TRUE(sequence.prefill(tokens).ok());
    const auto kept = static_cast<size_t>(sequence.rewind(static_cast<int64_t>(tokens.size() - back)));
    std::vector<int32_t> all(tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>(kept));
    const auto room = std::min<size_t>(others.size(), static_cast<size_t>(sequence.remaining()));
    all.insert(all.end(), others.begin(), others.begin() + static_cast<ptrdiff_t>(room));
    const std::vector<uint64_t> expected = alone(all);
    for (size_t i = kept; i < all.size(); ++i)
      EXPECT_EQ(decode(sequence, all[i]), expected[i]) << back << " back, token " << i;
  }
}

TEST_P(EngineTest, ACopyGoesOnAsItsOriginal) {
  if (engine->slots() < 2)
    GTEST_SKIP() << "the program holds one sequence";
  const std::vector<uint64_t> expected = alone(tokens);
  const size_t half = tokens.size() / 2;
  Sequence one(*engine, 0), other(*engine, engine->slots() - 1);
  ASSERT_TRUE(other.prefill(test::someTokens(*engine, 30, 2)).ok()); // is overwritten
  ASSERT_TRUE(one.prefill(first(half)).ok());
  other.copyFrom(one);
  ASSERT_TRUE(one.prefill(test::someTokens(*engine, 10, 3)).ok()); // does not change the copy
  for (size_t i = half; i < tokens.size(); ++i)
    EXPECT_EQ(decode(other, tokens[i]), expected[i]);
}

TEST_P(EngineTest, ASnapshotComesBackAnywhere) {
  const std::vector<uint64_t> expected = alone(tokens);
  const size_t half = tokens.size() / 2;
  Sequence sequence(*engine, 0);
  ASSERT_TRUE(sequence.prefill(first(half)).ok());
  const Sequence::Saved saved = sequence.save();
  ASSERT_TRUE(sequence.prefill(std::span(tokens).subspan(half)).ok());
  ASSERT_TRUE(sequence.restore(saved).ok());
  const std::unique_ptr<Engine> fresh = test::openEngine(GetParam());
  Sequence elsewhere(*fresh, fresh->slots() - 1);
  ASSERT_TRUE(elsewhere.restore(saved).ok());
  for (size_t i = half; i < tokens.size(); ++i) {
    EXPECT_EQ(decode(sequence, tokens[i]), expected[i]);
    EXPECT_EQ(decode(elsewhere, tokens[i]), expected[i]);
  }
}

TEST_P(EngineTest, ForeignSnapshotsChangeNothing) {
  Sequence sequence(*engine, 0);
  ASSERT_TRUE(sequence.prefill(first(10)).ok());
  Sequence::Saved saved = sequence.save();
  saved.snapshot.bytes.pop_back();
  EXPECT_EQ(sequence.restore(saved).code(), ExitCode::usage);
  saved.snapshot.bytes.clear();
  EXPECT_EQ(sequence.restore(saved).code(), ExitCode::usage);
  EXPECT_EQ(decode(sequence, tokens[10]), alone(first(11)).back());
}

TEST_P(EngineTest, ACancelledCallFeedsNothing) {
  Cancel cancel;
  Sequence sequence(*engine, 0);
  ASSERT_TRUE(sequence.prefill(first(10), &cancel).ok());
  cancel.request();
  Logits logits;
  const Status status = sequence.feed(std::span(tokens).subspan(10, 20), logits, &cancel);
  EXPECT_EQ(status.code(), ExitCode::interrupted);
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(sequence.position(), 10);
  EXPECT_EQ(decode(sequence, tokens[10]), alone(first(11)).back());
}

TEST_P(EngineTest, RefusedCallsFeedNothing) {
  Sequence sequence(*engine, 0);
  ASSERT_TRUE(sequence.prefill(first(10)).ok());
  const auto vocab = static_cast<int32_t>(engine->program().vocab), slots = static_cast<int32_t>(engine->slots()),
             context = static_cast<int32_t>(engine->context());
  const auto &[decodes, verifies, prefills, blocks] = engine->functions();
  auto refused = [&](const gemmac_function &function, std::vector<gemmac_row> rows) {
    Logits logits;
    return engine->run(function, rows, logits).code() == ExitCode::internal;
  };
  EXPECT_TRUE(refused(decodes, {}));
  EXPECT_TRUE(refused(decodes, {{1, 10, 0, true}, {1, 11, 0, true}}));
  EXPECT_TRUE(refused(decodes, {{vocab, 10, 0, true}}));
  EXPECT_TRUE(refused(decodes, {{-1, 10, 0, true}}));
  EXPECT_TRUE(refused(decodes, {{1, context, 0, true}}));
  EXPECT_TRUE(refused(decodes, {{1, -1, 0, true}}));
  EXPECT_TRUE(refused(decodes, {{1, 10, slots, true}}));
  EXPECT_TRUE(refused(verifies, {{1, 10, 0, true}, {1, 12, 0, true}}));
  EXPECT_TRUE(refused(prefills, {{1, 10, 0, true}}));
  if (slots > 1)
    EXPECT_TRUE(refused(verifies, {{1, 10, 0, true}, {1, 0, 1, true}, {1, 11, 0, true}}));
  EXPECT_EQ(decode(sequence, tokens[10]), alone(first(11)).back());
}

TEST_P(EngineTest, TellsOfItself) {
  EXPECT_GE(engine->slots(), 1);
  EXPECT_EQ(engine->maxRows(engine->functions().decode), 1);
  EXPECT_GE(engine->maxRows(engine->functions().verify), 1);
  EXPECT_GT(engine->memory().slot, 0u);
  EXPECT_GT(engine->memory().working, 0u);
  EXPECT_NE(engine->describe(), "");
  const std::unique_ptr<Engine> smaller = test::openEngine(GetParam(), {.chunk = 3, .context = 20});
  EXPECT_EQ(smaller->context(), 20);
  EXPECT_EQ(smaller->maxRows(smaller->functions().prefill), 3);
  Sequence sequence(*smaller, 0);
  EXPECT_EQ(sequence.remaining(), 20);
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineTest, testing::ValuesIn(test::engineNames()),
                         [](const auto &info) { return info.param; });
