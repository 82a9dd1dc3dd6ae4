// Scheduler: answers side by side are those that each of them gets alone, and everybody hears of his own.
#include "generate/Scheduler.h"

#include "Allocations.h"
#include "ChatModel.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {
/// Writes down what it hears.
struct Listening : Listener {
  std::string heard; // kinds and texts: "p3/5" for a prompt, "t" for a token
  std::function<bool(const Event &)> act = [](const Event &) { return true; };

  bool on(const Event &event) override {
    switch (event.kind) {
    case Event::Kind::prompt:
      heard += "p" + std::to_string(event.fed) + "/" + std::to_string(event.total);
      break;
    case Event::Kind::thoughtOpen:
      heard += "{";
      break;
    case Event::Kind::thoughtClose:
      heard += "}";
      break;
    case Event::Kind::token:
      heard += " ";
      break;
    case Event::Kind::end:
      heard += "end";
      break;
    default:
      heard += event.text;
    }
    return act(event);
  }
};

/// A request with all that it needs.
struct Asked {
  Asked(Engine &engine, int64_t slot, std::vector<int32_t> tokens, int64_t vocab)
      : sequence(engine, slot), prompt(std::move(tokens)), sampler(vocab, {.temperature = 1, .seed = 3}, {}),
        request{sequence, prompt, sampler, listener, result} {}
  Sequence sequence;
  std::vector<int32_t> prompt;
  Sampler sampler;
  Listening listener;
  Generation result;
  Request request;
};

struct SchedulerTest : testing::Test, test::ChatModel {
  static constexpr int64_t slots = 12; // more than a call takes
  SchedulerTest() {
    program.slots = slots;
    EXPECT_TRUE(model.openEngine({.threads = 1, .chunk = 4}).ok());
  }

  Asked &ask(std::string_view prompt, int64_t limit = 0) {
    asked.emplace_back(model.engine(), static_cast<int64_t>(asked.size()), ids(prompt), program.vocab);
    asked.back().request.limit = limit;
    return asked.back();
  }
  /// One whose answer is known beforehand.
  Asked &ask(std::string_view prompt, const std::vector<int32_t> &given) {
    Asked &one = ask(prompt);
    one.request.given = given;
    return one;
  }

  std::deque<Asked> asked;
};
} // namespace

TEST_F(SchedulerTest, EventsTellTheWholeStory) {
  const std::vector<int32_t> answer = ids("<|channel>hm<channel|>yes");
  Asked &one = ask("abcdefghi", answer);
  ASSERT_TRUE(generate(model, one.request).ok());
  EXPECT_EQ(one.listener.heard, "p4/9p8/9p9/9{ h m } y e s end");
  EXPECT_EQ(one.result.tokens, answer);
  EXPECT_EQ(one.result.promptTokens, 9);
  EXPECT_EQ(one.result.reason, EndReason::limit);
  EXPECT_EQ(one.sequence.position(), 9 + static_cast<int64_t>(answer.size()) - 1); // the last one is not fed
}

TEST_F(SchedulerTest, ControlTokensAreToldWhereTheyAreAskedFor) {
  const std::vector<int32_t> answer = ids("<|channel>hm<channel|>yes<turn|>");
  Asked &one = ask("a", answer);
  one.request.text.special = true;
  ASSERT_TRUE(generate(model, one.request).ok());
  EXPECT_EQ(one.listener.heard, "p1/1{<|channel> h m <channel|>} y e s <turn|> end");
}

TEST_F(SchedulerTest, EndsHaveReasons) {
  const std::vector<int32_t> answer = ids("abcdef");
  Asked &stopped = ask("x", answer);
  stopped.request.text.stops = {"cd"};
  ASSERT_TRUE(generate(model, stopped.request).ok());
  EXPECT_EQ(stopped.result.reason, EndReason::stopString);
  EXPECT_EQ(stopped.listener.heard, "p1/1a b   end");
  stopped.sequence.reset();

  stopped.request.text.stops.clear();
  stopped.request.limit = 2;
  ASSERT_TRUE(generate(model, stopped.request).ok());
  EXPECT_EQ(stopped.result.reason, EndReason::limit);
  EXPECT_EQ(stopped.result.tokens.size(), 2u);
  stopped.sequence.reset();

  stopped.request.limit = 0;
  stopped.listener.act = [](const Event &event) { return event.kind != Event::Kind::token; };
  ASSERT_TRUE(generate(model, stopped.request).ok());
  EXPECT_EQ(stopped.result.reason, EndReason::outputFailed);
  EXPECT_EQ(stopped.result.tokens.size(), 1u);
}

TEST_F(SchedulerTest, AFullContextEndsAnAnswer) {
  const std::vector<int32_t> answer(test::fakeContext, id("a"));
  Asked &one = ask("abcd", answer);
  ASSERT_TRUE(generate(model, one.request).ok());
  EXPECT_EQ(one.result.reason, EndReason::context);
  EXPECT_EQ(one.sequence.remaining(), 0);
  EXPECT_EQ(static_cast<int64_t>(one.result.tokens.size()), test::fakeContext - 4 + 1);
}

TEST_F(SchedulerTest, StopTokensEndAnAnswer) {
  stops.resize(static_cast<size_t>(program.vocab)); // whatever comes
  for (size_t i = 0; i < stops.size(); ++i)
    stops[i] = static_cast<int32_t>(i);
  program.sampling.stop_ids = stops.data();
  program.sampling.stop_count = static_cast<int32_t>(stops.size());
  Asked &one = ask("abc");
  ASSERT_TRUE(generate(model, one.request).ok());
  EXPECT_EQ(one.result.reason, EndReason::stopToken);
  EXPECT_EQ(one.result.tokens.size(), 1u);
}

TEST_F(SchedulerTest, CancelStopsBetweenCalls) {
  Cancel cancel;
  Asked &one = ask("abcdefghi", 20);
  one.request.cancel = &cancel;
  one.listener.act = [&](const Event &event) {
    if (event.kind == Event::Kind::prompt && event.fed == 4)
      cancel.request();
    return true;
  };
  ASSERT_TRUE(generate(model, one.request).ok());
  EXPECT_EQ(one.result.reason, EndReason::interrupted);
  EXPECT_EQ(one.result.promptTokens, 4);
  EXPECT_EQ(one.listener.heard, "p4/9end");
  EXPECT_EQ(one.sequence.position(), 4);

  cancel.clear();
  one.listener.act = [&](const Event &event) {
    if (event.kind == Event::Kind::token)
      cancel.request();
    return true;
  };
  ASSERT_TRUE(generate(model, one.request).ok());
  EXPECT_EQ(one.result.reason, EndReason::interrupted);
  EXPECT_EQ(one.result.tokens.size(), 1u); // it is told, as its time was spent
}

TEST_F(SchedulerTest, RefusesPromptsThatCannotBeFed) {
  Asked &empty = ask("");
  EXPECT_EQ(Scheduler(model, model.engine()).add(empty.request).code(), ExitCode::usage);
  empty.prompt.assign(test::fakeContext + 1, 1);
  empty.request.prompt = empty.prompt;
  EXPECT_EQ(generate(model, empty.request).code(), ExitCode::context);
  empty.prompt.assign(2, static_cast<int32_t>(program.vocab));
  empty.request.prompt = empty.prompt;
  EXPECT_EQ(generate(model, empty.request).code(), ExitCode::usage);
  Asked &one = ask("abc");
  Scheduler scheduler(model, model.engine());
  ASSERT_TRUE(scheduler.add(one.request).ok());
  EXPECT_EQ(scheduler.add(one.request).code(), ExitCode::usage); // its sequence is in use
}

/// Each with a prompt, a sampler and an end of its own; they join one after the other.
TEST_F(SchedulerTest, SideBySideEachGetsWhatItGetsAlone) {
  const char *prompts[] = {"a", "abcdefghijkl", "hello", "xyzxyzxyz", "qr", "abcabc", "n", "zzzzzzz", "mm", "op"};
  std::vector<std::vector<int32_t>> alone;
  for (const char *prompt : prompts) {
    Asked &one = ask(prompt, 5 + static_cast<int64_t>(alone.size()) % 4 * 7);
    ASSERT_TRUE(generate(model, one.request).ok());
    alone.push_back(one.result.tokens);
    asked.clear();
  }
  Scheduler scheduler(model, model.engine());
  for (size_t i = 0; i < alone.size(); ++i) {
    Asked &one = ask(prompts[i], 5 + static_cast<int64_t>(i) % 4 * 7);
    ASSERT_TRUE(scheduler.add(one.request).ok());
    scheduler.step();
  }
  while (!scheduler.idle())
    scheduler.step();
  for (size_t i = 0; i < alone.size(); ++i)
    EXPECT_EQ(asked[i].result.tokens, alone[i]) << prompts[i];
}

TEST_F(SchedulerTest, MoreAnswersThanACallTakesTakeTurns) {
  const std::vector<int32_t> answer(20, id("a"));
  Scheduler scheduler(model, model.engine());
  for (int64_t i = 0; i < slots; ++i)
    ASSERT_TRUE(scheduler.add(ask("x", answer).request).ok());
  for (int step = 0; step < 6; ++step)
    scheduler.step();
  for (const Asked &one : asked)
    EXPECT_EQ(one.result.tokens.size(), 6u * test::fakeVerifyRows / slots);
}

TEST_F(SchedulerTest, PromptsTakeTurns) {
  const std::vector<int32_t> answer(3, id("a"));
  Scheduler scheduler(model, model.engine());
  Asked &longer = ask("abcdefghijklmnopqrstuvwxyz", answer), &shorter = ask("abc", answer);
  ASSERT_TRUE(scheduler.add(longer.request).ok());
  ASSERT_TRUE(scheduler.add(shorter.request).ok());
  scheduler.step();
  EXPECT_EQ(longer.result.promptTokens, 4);
  scheduler.step(); // two of the shorter one, and there is room for two more
  EXPECT_EQ(shorter.result.promptTokens, 2);
  EXPECT_EQ(longer.result.promptTokens, 6);
  scheduler.step();
  EXPECT_EQ(shorter.result.tokens.size(), 1u); // while the other is still read
  EXPECT_EQ(longer.result.promptTokens, 10);
}

TEST_F(SchedulerTest, OneIsCancelledAndTheOthersGoOn) {
  const std::vector<int32_t> answer(10, id("a"));
  Cancel cancel;
  Scheduler scheduler(model, model.engine());
  Asked &one = ask("abc", answer), &other = ask("xyz", answer);
  one.request.cancel = &cancel;
  Asked &joining = ask("j", answer);
  one.listener.act = [&](const Event &event) { // a request may come from within an event
    if (event.kind == Event::Kind::end)
      EXPECT_TRUE(scheduler.add(joining.request).ok());
    return true;
  };
  ASSERT_TRUE(scheduler.add(one.request).ok());
  ASSERT_TRUE(scheduler.add(other.request).ok());
  for (int step = 0; step < 4; ++step)
    scheduler.step();
  cancel.request();
  while (!scheduler.idle())
    scheduler.step();
  EXPECT_EQ(one.result.reason, EndReason::interrupted);
  EXPECT_LT(one.result.tokens.size(), answer.size());
  EXPECT_EQ(other.result.tokens, answer);
  EXPECT_EQ(joining.result.tokens, answer);
}

TEST_F(SchedulerTest, ErrorsAreTheEndOfThoseWhomTheyConcern) {
  const std::vector<int32_t> answer = ids("abc");
  Asked &wrong = ask("abcdef", answer), &right = ask("x", answer);
  Scheduler scheduler(model, model.engine());
  ASSERT_TRUE(scheduler.add(wrong.request).ok());
  ASSERT_TRUE(scheduler.add(right.request).ok());
  wrong.prompt[0] = static_cast<int32_t>(program.vocab); // no token: the engine refuses the call
  while (!scheduler.idle())
    scheduler.step();
  EXPECT_EQ(wrong.result.reason, EndReason::failed);
  EXPECT_EQ(wrong.result.status.code(), ExitCode::internal);
  EXPECT_EQ(wrong.listener.heard, "end");
  EXPECT_EQ(right.result.tokens, answer);
}

TEST_F(SchedulerTest, NothingIsAllocatedForTokens) {
  program.sampling.stop_count = 0; // nothing stops it
  model.turnEnd = -1;
  Asked &one = ask("abcdefghi", 40);
  Scheduler scheduler(model, model.engine());
  one.listener.heard.reserve(4096);
  ASSERT_TRUE(scheduler.add(one.request).ok());
  test::countAllocations(true);
  for (int step = 0; step < 30; ++step)
    scheduler.step();
  EXPECT_EQ(test::countAllocations(false), 0u);
  EXPECT_GT(one.result.tokens.size(), 20u);
}
