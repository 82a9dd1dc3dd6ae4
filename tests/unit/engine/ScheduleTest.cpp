// Several sequences that come and go, in calls with rows of any of them, each against what its tokens give alone.
#include "Engines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {

/// What tokens give when they are the only ones of an engine.
class Alone {
public:
  explicit Alone(const std::string &name) : engine(test::openEngine(name)), sequence(*engine, 0) {}

  /// The bits of the last one's logits.
  uint64_t bits(std::span<const int32_t> tokens) {
    Logits logits;
    const auto kept = static_cast<size_t>(sequence.keepCommon(tokens));
    EXPECT_TRUE(sequence.feed(tokens.subspan(kept), logits).ok());
    return test::bitsOf(*engine, logits.row(0));
  }

private:
  std::unique_ptr<Engine> engine;
  Sequence sequence;
};

/// A random schedule: what happens next, and the comparison.
class Schedule {
public:
  Schedule(Engine &engine, Alone &alone, uint32_t seed) : engine(engine), alone(alone), random(seed) {
    for (int64_t slot = 0; slot < std::min<int64_t>(engine.slots(), 8); ++slot)
      sequences.emplace_back(engine, slot);
  }

  void run(int steps) {
    const auto &[decode, verify, prefill, block] = engine.functions();
    const gemmac_function *const functions[] = {&decode, &verify, &prefill};
    for (int step = 0; step < steps; ++step) {
      if (test::pick(random, 0, 3) == 0)
        change();
      call(*functions[test::pick(random, 0, 2)]);
    }
  }

private:
  Sequence &any() {
    return sequences[static_cast<size_t>(test::pick(random, 0, static_cast<int64_t>(sequences.size()) - 1))];
  }
  bool givesLogits(const gemmac_function &function) const { return &function != &engine.functions().prefill; }
  int32_t anyToken() {
    return static_cast<int32_t>(test::pick(random, 0, std::min<int64_t>(engine.program().vocab, 50) - 1));
  }

  /// Leaves, goes back, is copied, is kept, comes back.
  void change() {
    Sequence &one = any();
    switch (test::pick(random, 0, 4)) {
    case 0:
      return one.reset();
    case 1:
      one.rewind(test::pick(random, std::max<int64_t>(0, one.position() - 10), one.position()));
      return;
    case 2:
      if (Sequence &other = any(); &other != &one)
        one.copyFrom(other);
      return;
    case 3:
      saved = one.save();
      return;
    default:
      if (saved)
        EXPECT_TRUE(one.restore(*saved).ok());
    }
  }

  /// Rows of some sequences in one call.
  void call(const gemmac_function &function) {
    int64_t room = engine.maxRows(function);
    std::vector<gemmac_row> rows;
    std::vector<std::pair<Sequence *, std::vector<int32_t>>> parts;
    std::vector<Sequence *> order;
    for (Sequence &one : sequences)
      order.push_back(&one);
    std::ranges::shuffle(order, random);
    for (Sequence *one : order) {
      if (one->position() >= test::usedPositions(engine))
        one->reset();
      const int64_t most = std::min({room, one->remaining(), int64_t(givesLogits(function) ? 3 : 60)});
      std::vector<int32_t> tokens(static_cast<size_t>(test::pick(random, rows.empty() ? 1 : 0, most)));
      for (int32_t &token : tokens) {
        token = anyToken();
        rows.push_back(one->row(token, givesLogits(function), &token - tokens.data()));
      }
      room -= static_cast<int64_t>(tokens.size());
      parts.emplace_back(one, std::move(tokens));
    }
    runAndCompare(function, rows, parts);
  }

  void runAndCompare(const gemmac_function &function, std::span<const gemmac_row> rows,
                     std::span<const std::pair<Sequence *, std::vector<int32_t>>> parts) {
    Logits logits;
    const Status status = engine.run(function, rows, logits);
    ASSERT_TRUE(status.ok()) << status.message();
    size_t row = 0;
    for (const auto &[sequence, tokens] : parts)
      for (int32_t token : tokens) {
        sequence->fed({&token, 1});
        if (givesLogits(function))
          EXPECT_EQ(test::bitsOf(engine, logits.row(row)), alone.bits(sequence->tokens())) << "row " << row;
        ++row;
      }
  }

  Engine &engine;
  Alone &alone;
  std::mt19937 random;
  std::deque<Sequence> sequences;
  std::optional<Sequence::Saved> saved;
};

class ScheduleTest : public testing::TestWithParam<std::string> {};

} // namespace

TEST_P(ScheduleTest, EachGetsWhatItGetsAlone) {
  const std::unique_ptr<Engine> engine = test::openEngine(GetParam());
  Alone alone(GetParam());
  for (uint32_t seed = 0; seed < 200 && !HasFailure(); ++seed) {
    SCOPED_TRACE("schedule " + std::to_string(seed));
    Schedule(*engine, alone, seed).run(25);
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, ScheduleTest, testing::ValuesIn(test::engineNames()),
                         [](const auto &info) { return info.param; });
