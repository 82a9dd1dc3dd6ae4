// What is shown of an answer, token by token.
#include "generate/TextEvents.h"

#include "Allocations.h"
#include "ChatModel.h"
#include "generate/Sampler.h"
#include "terminal/AnswerView.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {
/// Collects what an Output writes.
class Capture {
public:
  Capture() { EXPECT_EQ(pipe2(ends, O_NONBLOCK), 0); }
  ~Capture() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  int fd() const { return ends[1]; }
  std::string take() {
    char bytes[65536];
    ssize_t got = ::read(ends[0], bytes, sizeof(bytes));
    return got > 0 ? std::string(bytes, static_cast<size_t>(got)) : "";
  }

private:
  int ends[2];
};

/// What is told of an answer, on its way to an output.
struct Answer {
  Answer(const Model &model, Output &out, std::vector<std::string> stops, AnswerStyle style,
         bool startsInThought = false)
      : view(out, style), events(model, view, {std::move(stops), style.special, startsInThought}) {}
  bool push(int32_t token) {
    const bool stopped = events.push(token);
    view.on({.kind = Event::Kind::token, .token = token});
    return stopped;
  }
  void finish() {
    events.finish();
    view.on({.kind = Event::Kind::end});
  }
  AnswerView view;
  TextEvents events;
};

struct AnswerTest : testing::Test, test::ChatModel {
  Capture capture;
  Output out{capture.fd(), "a pipe"};

  std::string shown(std::string_view text, AnswerStyle style, std::vector<std::string> stops = {},
                    bool *stopped = nullptr) {
    Answer answer(model, out, std::move(stops), style);
    answer.events.begin();
    for (int32_t token : ids(text))
      if (answer.push(token)) {
        if (stopped)
          *stopped = true;
        break;
      }
    answer.finish();
    return capture.take();
  }
};

constexpr const char *thoughtful = "<|channel>thought\nhm<channel|>yes<turn|>";
} // namespace

TEST_F(AnswerTest, ControlTokensAreHidden) {
  EXPECT_EQ(shown("yes<turn|>", {}), "yes");
  EXPECT_EQ(shown("yes<turn|>", {.special = true}), "yes<turn|>");
}

TEST_F(AnswerTest, StopTokensAreHiddenEvenWhenTheyAreWords) {
  stops[0] = id("z");
  EXPECT_EQ(shown("yesz", {}), "yes");
  EXPECT_EQ(shown("yesz", {.special = true}), "yesz");
  EXPECT_EQ(shown("yez", {}, {"ez"}), "ye"); // nor are they part of a stop string
}

TEST_F(AnswerTest, Thoughts) {
  EXPECT_EQ(shown(thoughtful, {}), "yes");
  EXPECT_EQ(shown(thoughtful, {.thoughts = Thoughts::shown}), "thought\nhm\nyes");
  EXPECT_EQ(shown(thoughtful, {.thoughts = Thoughts::dimmed}), "\x1b[2mthought\nhm\x1b[0m\nyes");
  EXPECT_EQ(shown(thoughtful, {.thoughts = Thoughts::dimmed, .special = true}), thoughtful);
  EXPECT_EQ(shown("<|channel>hm", {.thoughts = Thoughts::dimmed}), "\x1b[2mhm\x1b[0m"); // stopped in between
}

TEST_F(AnswerTest, StopStringsLookAtTheAnswerOnly) {
  bool stopped = false;
  EXPECT_EQ(shown("<|channel>end<channel|>the end it", {.thoughts = Thoughts::shown}, {"end"}, &stopped), "end\nthe ");
  EXPECT_TRUE(stopped);
}

TEST_F(AnswerTest, HeldBackTextAppearsAtTheEnd) {
  EXPECT_EQ(shown("the en", {}, {"end"}), "the en");
  EXPECT_EQ(shown("the en<turn|>", {}, {"end"}), "the en");
}

TEST_F(AnswerTest, CharactersAppearWhole) {
  Answer answer(model, out, {}, {});
  const std::vector<int32_t> bytes = ids("\xf0\x9f\x98\x80");
  ASSERT_EQ(bytes.size(), 4u);
  for (size_t i = 0; i < 3; ++i) {
    answer.push(bytes[i]);
    EXPECT_EQ(capture.take(), "");
  }
  answer.push(bytes[3]);
  EXPECT_EQ(capture.take(), "\xf0\x9f\x98\x80");
  answer.push(bytes[0]);
  answer.push(ids("a")[0]);
  EXPECT_EQ(capture.take(), "\xef\xbf\xbd"
                            "a");
  answer.push(bytes[0]);
  answer.finish();
  EXPECT_EQ(capture.take(), "\xef\xbf\xbd");
}

TEST_F(AnswerTest, Ids) {
  const int32_t a = id("a"), close = id("<turn|>");
  EXPECT_EQ(shown("aa<turn|>", {.ids = true}),
            std::to_string(a) + " " + std::to_string(a) + " " + std::to_string(close));
  bool stopped = false;
  shown("aba", {.ids = true}, {"b"}, &stopped);
  EXPECT_TRUE(stopped);
}

TEST_F(AnswerTest, AThoughtThatThePromptOpened) {
  Answer answer(model, out, {}, {.thoughts = Thoughts::dimmed}, true);
  answer.events.begin();
  for (int32_t token : ids("hm<channel|>yes"))
    answer.push(token);
  answer.finish();
  EXPECT_EQ(capture.take(), "\x1b[2mhm\x1b[0m\nyes");
}

TEST_F(AnswerTest, ViewsShowOneAnswerAfterAnother) {
  AnswerView view(out, {.thoughts = Thoughts::dimmed});
  view.on({.kind = Event::Kind::thoughtOpen});
  view.on({.kind = Event::Kind::thought, .text = "hm"});
  view.on({.kind = Event::Kind::end});
  EXPECT_EQ(capture.take(), "\x1b[2mhm\x1b[0m");
  view.on({.kind = Event::Kind::text, .text = "x"});
  view.on({.kind = Event::Kind::end});
  EXPECT_EQ(capture.take(), "x");
  AnswerView ids(out, {.ids = true});
  for (int32_t token : {1, 2}) {
    ids.on({.kind = Event::Kind::token, .token = token});
    ids.on({.kind = Event::Kind::end});
  }
  EXPECT_EQ(capture.take(), "12"); // no space before a first one
}

TEST_F(AnswerTest, NobodyHearsWhereTheOutputFailed) {
  Output closed(-1, "nothing");
  AnswerView view(closed, {});
  EXPECT_TRUE(view.on({.kind = Event::Kind::text, .text = "x"}));
  EXPECT_FALSE(view.on({.kind = Event::Kind::token, .token = 1}));
}

TEST_F(AnswerTest, TokenLoopAllocatesNothing) {
  Answer answer(model, out, {"never"}, {});
  Sampler sampler(program.vocab, {.temperature = 1, .topK = 20, .topP = 0.9, .repetitionPenalty = 1.1}, {});
  std::vector<float> logits(static_cast<size_t>(program.vocab), 0.5f);
  const std::vector<int32_t> tokens = ids("nevneve\xf0\x9f\x98\x80r");
  test::countAllocations(true);
  for (int round = 0; round < 20; ++round)
    for (int32_t token : tokens) {
      answer.push(token);
      sampler.accept(sampler.sample(logits.data()));
    }
  EXPECT_EQ(test::countAllocations(false), 0u);
}
