// What is shown of an answer, token by token.
#include "generate/Answer.h"

#include "ChatModel.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <unistd.h>

using namespace gemmac;
using namespace gemmac::runtime;

static thread_local bool countAllocations = false;
static thread_local size_t allocations = 0;

void *operator new(size_t bytes) {
  allocations += countAllocations;
  if (void *memory = malloc(bytes))
    return memory;
  abort();
}
void operator delete(void *memory) noexcept { free(memory); }
void operator delete(void *memory, size_t) noexcept { free(memory); }

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

struct AnswerTest : testing::Test, test::ChatModel {
  Capture capture;
  Output out{capture.fd(), "a pipe"};

  std::string shown(std::string_view text, AnswerStyle style, std::vector<std::string> stops = {},
                    bool *stopped = nullptr) {
    Answer answer(model, out, std::move(stops), style);
    answer.begin();
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
  answer.begin();
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

TEST_F(AnswerTest, BeginForgetsTheLastAnswer) {
  Answer answer(model, out, {"end"}, {});
  answer.begin();
  answer.push(ids("e")[0]);
  answer.push(ids("\xf0")[0]);
  answer.begin();
  answer.push(ids("x")[0]);
  answer.finish();
  EXPECT_EQ(capture.take(), "x");
}

TEST_F(AnswerTest, TokenLoopAllocatesNothing) {
  Answer answer(model, out, {"never"}, {});
  Sampler sampler(program.vocab, {.temperature = 1, .topK = 20, .topP = 0.9, .repetitionPenalty = 1.1}, {});
  std::vector<float> logits(static_cast<size_t>(program.vocab), 0.5f);
  const std::vector<int32_t> tokens = ids("nevneve\xf0\x9f\x98\x80r");
  answer.begin();
  countAllocations = true;
  for (int round = 0; round < 20; ++round)
    for (int32_t token : tokens) {
      answer.push(token);
      sampler.accept(sampler.sample(logits.data()));
    }
  countAllocations = false;
  EXPECT_EQ(allocations, 0u);
}
