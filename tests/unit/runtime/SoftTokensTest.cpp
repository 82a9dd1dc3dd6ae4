// Soft tokens on their way from a prompt to the program: through sequences, the scheduler and conversations.
#include "ChatModel.h"
#include "generate/Conversation.h"
#include "generate/Scheduler.h"

#include <gtest/gtest.h>

#include <bit>
#include <deque>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {
constexpr int64_t hidden = 4, blockRows = 12, softBytes = hidden * 4, softOffset = 1 << 15;
constexpr gemmac_value softInput = {GEMMAC_SOFT_TOKENS, softOffset, softBytes, hidden, 1, GEMMAC_F32};

/// As test::runHashes(), with a hash of its row in the place of a soft token. What a block leaves depends on all of its
/// rows.
template <bool Block> void runSoft(const gemmac_call *call, int64_t thread) {
  auto hashOf = [&](int64_t row) {
    if (call->rows[row].token >= 0)
      return static_cast<uint64_t>(call->rows[row].token) + 1;
    uint64_t hash = 7;
    const auto *values = reinterpret_cast<const float *>(call->arena + softOffset + row * softBytes);
    for (int64_t i = 0; i < hidden; ++i)
      hash = (hash ^ std::bit_cast<uint32_t>(values[i])) * 0x100000001b3u;
    return hash;
  };
  for (int64_t run = 0; thread == 0 && run < call->run_count; ++run) {
    const gemmac_run rows = call->runs[run];
    uint64_t all = 1;
    for (int64_t row = rows.first; Block && row < rows.first + rows.count; ++row)
      all = all * 31 + hashOf(row);
    for (int64_t row = rows.first; row < rows.first + rows.count; ++row)
      reinterpret_cast<int32_t *>(call->cache)[call->rows[row].slot * test::fakeContext + call->rows[row].position] =
          static_cast<int32_t>((hashOf(row) ^ all) & 0xffffff);
  }
}

struct SoftTokens : testing::Test, test::ChatModel {
  std::vector<gemmac_function> functions;
  std::vector<gemmac_function_fn> runs;
  gemmac_code code = {"base", GEMMAC_CODE_CPU, 0, nullptr};
  std::deque<CpuEngine> engines;

  SoftTokens() {
    functions.assign(program.functions, program.functions + 3);
    functions[2].input_count = 1;
    functions[2].inputs = &softInput;
    functions.push_back({GEMMAC_PREFILL_BLOCK, blockRows, 1, &softInput, 0, nullptr, 0, 0, 0, {}});
    runs.assign(program.code->run, program.code->run + 2);
    runs.push_back(runSoft<false>);
    runs.push_back(runSoft<true>);
    code.run = runs.data();
    program.functions = functions.data();
    program.function_count = 4;
    program.code = &code;
    program.code_count = 1;
    program.hidden = hidden;
    program.arena_bytes = softOffset + 64 * softBytes;
    program.media = {id("<|think|>"), 0, id("<|channel>"), id("<bos>"), 0, id("<eos>"), 16, 3, 1024, 280};
    EXPECT_TRUE(checkRuntime().ok());
  }
  Status checkRuntime() {
    std::optional<TextFunctions> found;
    return findTextFunctions(program, found);
  }
  Engine &open(int64_t chunk) {
    engines.emplace_back();
    EXPECT_TRUE(engines.back().open(program, model.file, {.threads = 2, .isa = "", .chunk = chunk, .context = 0}).ok());
    return engines.back();
  }
  static std::shared_ptr<const SoftRows> picture(float seed, size_t count, bool block = true) {
    SoftRows rows{hidden, {}, block};
    for (size_t i = 0; i < count * hidden; ++i)
      rows.values.push_back(seed + static_cast<float>(i));
    return std::make_shared<const SoftRows>(std::move(rows));
  }
  static SoftPrompt prompt(float seed, bool block = true) {
    SoftPrompt result;
    result.tokens = {3, 4, 5};
    result.append(picture(seed, 9, block));
    result.tokens.insert(result.tokens.end(), {6, 7, 8});
    result.append(picture(2, 2, false));
    result.tokens.insert(result.tokens.end(), {9, 10});
    return result;
  }
  std::vector<float> feed(Sequence &sequence, const Feed &tokens) {
    Logits logits;
    const Status status = sequence.feed(tokens, logits);
    EXPECT_TRUE(status.ok()) << status.message();
    return {logits.row(0), logits.row(0) + vocabulary.tokens.size()};
  }
};
} // namespace

TEST_F(SoftTokens, ChunksMakeNoDifference) {
  for (bool block : {true, false}) {
    const SoftPrompt tokens = prompt(1, block);
    Sequence whole(open(16), 0);
    const std::vector<float> expected = feed(whole, tokens);
    for (int64_t chunk : {1, 2, 5}) {
      Sequence parts(open(chunk), 0);
      EXPECT_EQ(feed(parts, tokens), expected) << chunk;
    }
    EXPECT_NE(feed(*std::make_unique<Sequence>(open(16), 0), prompt(3, block)), expected);
  }
}

TEST_F(SoftTokens, APictureThatWasSeenIsNotFedAgain) {
  const SoftPrompt tokens = prompt(1), other = prompt(9);
  Sequence sequence(open(4), 0);
  const std::vector<float> expected = feed(sequence, tokens);
  EXPECT_EQ(sequence.keepCommon(tokens), static_cast<int64_t>(tokens.size()) - 1);
  EXPECT_EQ(sequence.keepCommon(other), 3);
  feed(sequence, Feed(other).subspan(3));
  EXPECT_EQ(sequence.keepCommon(tokens), 3);
  EXPECT_EQ(feed(sequence, Feed(tokens).subspan(3)), expected);
  sequence.rewind(7); // amid the picture
  EXPECT_EQ(sequence.keepCommon(tokens), 3);
  EXPECT_EQ(feed(sequence, Feed(tokens).subspan(3)), expected);
}

TEST_F(SoftTokens, CallsThatBreakTheRulesAreRefused) {
  Engine &engine = open(16);
  const auto &[decode, verify, prefill, block] = engine.functions();
  ASSERT_NE(block, nullptr);
  auto refused = [&](const gemmac_function &function, std::vector<gemmac_row> rows) {
    Logits logits;
    return engine.run(function, rows, logits).code() == ExitCode::internal;
  };
  EXPECT_FALSE(refused(prefill, {{-5, 0, 0, 0, 0}, {4, 1, 0, 0, 0}}));
  EXPECT_TRUE(refused(verify, {{-5, 0, 0, 0, 0}}));
  EXPECT_TRUE(refused(prefill, {{-5, 0, 0, 0, 1}}));
  EXPECT_FALSE(refused(*block, {{-5, 0, 0, 0, 1}, {-6, 1, 0, 0, 1}, {-7, 0, 1, 0, 2}}));
  EXPECT_TRUE(refused(*block, {{-5, 0, 0, 0, 0}}));
  EXPECT_TRUE(refused(*block, {{-5, 0, 0, 0, 1}, {-6, 1, 0, 0, 2}}));
}

TEST_F(SoftTokens, FunctionsMustTakeThemAsTheyAre) {
  functions[1].input_count = 1;
  functions[1].inputs = &softInput;
  EXPECT_NE(checkRuntime().message().find("'verify' wants input 'soft_tokens'"), std::string::npos);
  functions[1].input_count = 0;
  gemmac_value narrow = softInput;
  narrow.width = hidden - 1;
  functions[2].inputs = &narrow;
  EXPECT_NE(checkRuntime().message().find("soft tokens of 3 elements, expected"), std::string::npos);
  functions[2].input_count = 0;
  EXPECT_NE(checkRuntime().message().find("'prefill_block', but takes no soft tokens"), std::string::npos);
}

namespace {
struct Silent : Listener {
  bool on(const Event &) override { return true; }
};

struct Answer {
  Answer(Engine &engine, int64_t slot, SoftPrompt tokens, int64_t vocab)
      : sequence(engine, slot), prompt(std::move(tokens)), sampler(vocab, {}, {}),
        request{sequence, prompt, sampler, listener, result} {
    request.limit = 6;
  }
  Sequence sequence;
  SoftPrompt prompt;
  Sampler sampler;
  Silent listener;
  Generation result;
  Request request;
};
} // namespace

TEST_F(SoftTokens, AnswersSideBySideAreThoseOfEachAlone) {
  const auto vocab = static_cast<int64_t>(vocabulary.tokens.size());
  std::vector<SoftPrompt> prompts = {prompt(1), prompt(4), prompt(6, false), prompt(8)};
  prompts.emplace_back().tokens = {3, 11, 12, 13, 14, 15};
  std::vector<std::vector<int32_t>> alone;
  for (const SoftPrompt &tokens : prompts) {
    Answer one(open(8), 0, tokens, vocab);
    EXPECT_TRUE(generate(model, one.request).ok());
    alone.push_back(one.result.tokens);
  }
  Engine &engine = open(8);
  Scheduler scheduler(model, engine);
  std::deque<Answer> answers;
  for (const SoftPrompt &tokens : prompts) {
    answers.emplace_back(engine, static_cast<int64_t>(answers.size()), tokens, vocab);
    EXPECT_TRUE(scheduler.add(answers.back().request).ok());
  }
  while (!scheduler.idle())
    scheduler.step();
  for (size_t i = 0; i < prompts.size(); ++i)
    EXPECT_EQ(answers[i].result.tokens, alone[i]) << i;
}

TEST_F(SoftTokens, PromptsThatCannotBeFedAreRefused) {
  const auto vocab = static_cast<int64_t>(vocabulary.tokens.size());
  auto problem = [&](SoftPrompt tokens) {
    Engine &engine = open(8);
    Answer one(engine, 0, std::move(tokens), vocab);
    return Scheduler(model, engine).add(one.request);
  };
  SoftPrompt last;
  last.tokens = {3};
  last.append(picture(1, 2));
  EXPECT_EQ(problem(last).code(), ExitCode::usage);
  SoftPrompt alone;
  alone.tokens = {3, -4, 5};
  EXPECT_EQ(problem(alone).code(), ExitCode::usage);
  SoftPrompt large;
  large.append(picture(1, blockRows + 1));
  large.tokens.push_back(3);
  EXPECT_EQ(problem(large).message(), "13 soft tokens of the prompt see each other, but this program takes 12");
}

TEST_F(SoftTokens, WhatIsNotShownAnyMoreIsLetGo) {
  Conversation conversation(model, {});
  const std::shared_ptr<const SoftRows> rows = picture(1, 2);
  conversation.ask("hi", {{Medium::Kind::image, rows}});
  EXPECT_GT(rows.use_count(), 1);
  conversation.withdraw();
  EXPECT_EQ(rows.use_count(), 1);
  conversation.ask("hi", {{Medium::Kind::image, rows}});
  Generation generation;
  generation.tokens = ids("yes<turn|>");
  conversation.answered(generation);
  conversation.ask("more");
  conversation.withdraw();
  EXPECT_EQ(rows.use_count(), 2); // of the history
  conversation.reset();
  EXPECT_EQ(rows.use_count(), 1);
}

TEST_F(SoftTokens, MediaStandBeforeTheText) {
  Conversation conversation(model, {});
  const std::vector<Medium> media = {{Medium::Kind::image, picture(1, 2)}, {Medium::Kind::audio, picture(5, 1, false)}};
  const SoftPrompt first = conversation.ask(" hi ", media);
  std::vector<int32_t> expected = ids("<bos><|turn>user\n<|think|>");
  EXPECT_EQ(first.parts.size(), 2u);
  EXPECT_EQ(first.parts[0].at, expected.size());
  EXPECT_EQ(std::vector(first.tokens.begin(), first.tokens.begin() + static_cast<ptrdiff_t>(expected.size())),
            expected);
  EXPECT_EQ(first.parts[1].at, expected.size() + 2 + 2); // the picture's end, the sound's beginning
  const std::vector<int32_t> rest = ids("<eos>hi<turn|>\n<|turn>model\n");
  EXPECT_EQ(std::vector(first.tokens.end() - static_cast<ptrdiff_t>(rest.size()), first.tokens.end()), rest);
  Generation generation;
  generation.tokens = ids("yes<turn|>");
  conversation.answered(generation);
  const SoftPrompt second = conversation.ask("more");
  EXPECT_EQ(second.parts.size(), 2u);
  EXPECT_EQ(commonPrefix(first.tokens, second.tokens), first.tokens.size());
}
