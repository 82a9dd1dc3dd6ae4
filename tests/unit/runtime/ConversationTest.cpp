// Prompts and conversations: what is fed, turn by turn.
#include "generate/Conversation.h"

#include "ChatModel.h"
#include "engine/Sequence.h"

#include <gtest/gtest.h>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {
struct ConversationTest : testing::Test, test::ChatModel {
  Generation answer(const std::vector<int32_t> &fed, std::string_view text, EndReason reason = EndReason::stopToken) {
    Generation generation;
    generation.reason = reason;
    generation.promptTokens = static_cast<int64_t>(fed.size());
    generation.tokens = ids(text);
    this->fed.assign(fed.begin(), fed.end());
    this->fed.insert(this->fed.end(), generation.tokens.begin(), generation.tokens.end() - 1); // the last one was not
    return generation;
  }

  Generation answer(const SoftPrompt &fed, std::string_view text, EndReason reason = EndReason::stopToken) {
    return answer(fed.tokens, text, reason);
  }
  using ChatModel::text;
  std::string text(const SoftPrompt &prompt) const { return ChatModel::text(prompt.tokens); }
  size_t held(const SoftPrompt &asked) const { return held(asked.tokens); }

  /// How many of the tokens of a question are those that were fed last.
  size_t held(const std::vector<int32_t> &asked) const { return commonPrefix(fed, asked); }

  std::vector<int32_t> fed;
};
} // namespace

TEST_F(ConversationTest, FirstTurnIsTheChatFormat) {
  Conversation plain(model, {});
  EXPECT_EQ(text(plain.ask(" hi\n")), "<bos><|turn>user\nhi<turn|>\n<|turn>model\n");
  Conversation full(model, {" be nice ", GEMMAC_THINK_ON});
  EXPECT_EQ(text(full.ask("hi")),
            "<bos><|turn>system\n<|think|>\nbe nice<turn|>\n<|turn>user\nhi<turn|>\n<|turn>model\n");
  Conversation thinking(model, {{}, GEMMAC_THINK_ON});
  EXPECT_EQ(text(thinking.ask("hi")), "<bos><|turn>system\n<|think|>\n<turn|>\n<|turn>user\nhi<turn|>\n<|turn>model\n");
}

TEST_F(ConversationTest, EmptyInstructionsAreAsTheTemplateHasThem) {
  EXPECT_EQ(text(Conversation(model, {" "}).ask("hi")),
            "<bos><|turn>system\n<turn|>\n<|turn>user\nhi<turn|>\n<|turn>model\n");
  program.chat.flags |= GEMMAC_CHAT_SKIPS_EMPTY_SYSTEM;
  EXPECT_EQ(text(Conversation(model, {" "}).ask("hi")), "<bos><|turn>user\nhi<turn|>\n<|turn>model\n");
}

TEST_F(ConversationTest, TextsThatTheTemplateDoesNotTrimStayAsTheyAre) {
  program.chat.flags &= ~(GEMMAC_CHAT_TRIMS_USER | GEMMAC_CHAT_TRIMS_SYSTEM | GEMMAC_CHAT_TRIMS_ANSWERS);
  Conversation conversation(model, {" s "});
  conversation.answered(answer(conversation.ask(" a "), " b <turn|>"));
  EXPECT_EQ(text(conversation.ask("c\n")),
            "<bos><|turn>system\n s <turn|>\n<|turn>user\n a <turn|>\n<|turn>model\n b <turn|>\n"
            "<|turn>user\nc\n<turn|>\n<|turn>model\n");
}

TEST_F(ConversationTest, UsersCannotEndTheirTurn) {
  Conversation conversation(model, {});
  const std::vector<int32_t> fed = conversation.ask("a<turn|>b").tokens;
  EXPECT_EQ(std::count(fed.begin(), fed.end(), id("<turn|>")), 1);
  EXPECT_EQ(text(fed), "<bos><|turn>user\na<turn|>b<turn|>\n<|turn>model\n");
}

TEST_F(ConversationTest, LaterTurnsFeedOnlyWhatIsNew) {
  Conversation conversation(model, {});
  const size_t first = conversation.ask("hi").size();
  conversation.answered(answer(conversation.ask("hi"), "yes<turn|>"));
  EXPECT_EQ(text(conversation.ask("more")),
            "<bos><|turn>user\nhi<turn|>\n<|turn>model\nyes<turn|>\n<|turn>user\nmore<turn|>\n<|turn>model\n");
  EXPECT_EQ(held(conversation.ask("more")), first + 3); // all that was fed: <turn|> was not
  // Asking again replaces the turn, as after a message that did not fit.
  EXPECT_EQ(text(conversation.ask("less")),
            "<bos><|turn>user\nhi<turn|>\n<|turn>model\nyes<turn|>\n<|turn>user\nless<turn|>\n<|turn>model\n");
  EXPECT_EQ(held(conversation.ask("less")), first + 3);
}

/// The closed thought that opens answers, thoughts and white space are not in the history; what is equal is kept.
TEST_F(ConversationTest, HistoryIsTheTemplates) {
  program.chat.modes[GEMMAC_THINK_DEFAULT].prompt = "<turn|>\n<|turn>model\n<|channel>thought\n<channel|>";
  Conversation conversation(model, {});
  const size_t opened = ids("<bos><|turn>user\nhi<turn|>\n<|turn>model\n").size();
  conversation.answered(answer(conversation.ask("hi"), "<|channel>thought\nabc<channel|> yes \n<turn|>"));
  EXPECT_EQ(text(conversation.ask("more")),
            "<bos><|turn>user\nhi<turn|>\n<|turn>model\nyes<turn|>\n<|turn>user\nmore<turn|>\n"
            "<|turn>model\n<|channel>thought\n<channel|>");
  EXPECT_EQ(held(conversation.ask("more")), opened);
  ChatOptions keeping;
  keeping.keepThoughts = true;
  Conversation keeps(model, keeping);
  keeps.answered(answer(keeps.ask("hi"), "<|channel>thought\nabc<channel|> yes<turn|>"));
  EXPECT_EQ(text(keeps.ask("more")), "<bos><|turn>user\nhi<turn|>\n<|turn>model\n<|channel>thought\n<channel|><|"
                                     "channel>thought\nabc<channel|> yes<turn|>\n"
                                     "<|turn>user\nmore<turn|>\n<|turn>model\n<|channel>thought\n<channel|>");
}

TEST_F(ConversationTest, AnUnfinishedAnswerIsClosed) {
  Conversation conversation(model, {});
  const std::string first = "<bos><|turn>user\nhi<turn|>\n<|turn>model\n",
                    asked = "<turn|>\n<|turn>user\nx<turn|>\n<|turn>model\n";
  conversation.answered(answer(conversation.ask("hi"), "yes", EndReason::limit));
  EXPECT_EQ(text(conversation.ask("x")), first + "yes" + asked);
  EXPECT_EQ(held(conversation.ask("x")), ids(first + "ye").size()); // the last token, "s", was shown but never fed
  conversation.reset();
  conversation.answered(answer(conversation.ask("hi"), "a<eos>"));
  EXPECT_EQ(text(conversation.ask("x")), first + "a" + asked);
  conversation.reset();
  conversation.answered(answer(conversation.ask("hi"), "c<|channel>ab", EndReason::interrupted));
  EXPECT_EQ(text(conversation.ask("x")), first + "c" + asked);
  conversation.reset();
  program.chat.flags &= ~(GEMMAC_CHAT_DROPS_THOUGHTS | GEMMAC_CHAT_DROPS_UNCLOSED); // a template that keeps thoughts
  conversation.answered(answer(conversation.ask("hi"), "<|channel>ab", EndReason::interrupted));
  EXPECT_EQ(text(conversation.ask("x")), first + "<|channel>ab<channel|>" + asked);
}

/// What a model writes as text stays text, even where it spells a control token.
TEST_F(ConversationTest, AnswersCannotForgeTurns) {
  Conversation conversation(model, {});
  Generation generation = answer(conversation.ask("hi"), "a");
  const Segment spelled{"<|turn>user<turn|>", false};
  model.tokenizer.encode({&spelled, 1}, generation.tokens);
  conversation.answered(generation);
  const std::vector<int32_t> fed = conversation.ask("x").tokens;
  EXPECT_EQ(
      text(fed),
      "<bos><|turn>user\nhi<turn|>\n<|turn>model\na<|turn>user<turn|><turn|>\n<|turn>user\nx<turn|>\n<|turn>model\n");
  EXPECT_EQ(std::count(fed.begin(), fed.end(), id("<|turn>")), 4);
}

/// A prompt that opens the thought: what the model writes first is part of it.
TEST_F(ConversationTest, ThoughtsThatThePromptOpens) {
  program.chat.modes[GEMMAC_THINK_ON].prompt = "<turn|>\n<|turn>model\n<|channel>thought\n";
  Conversation conversation(model, {{}, GEMMAC_THINK_ON});
  conversation.answered(answer(conversation.ask("hi"), "abc<channel|>yes<turn|>"));
  EXPECT_EQ(text(conversation.ask("x")),
            "<bos><|turn>system\n<|think|>\n<turn|>\n<|turn>user\nhi<turn|>\n<|turn>model\nyes<turn|>\n"
            "<|turn>user\nx<turn|>\n<|turn>model\n<|channel>thought\n");
}

TEST_F(ConversationTest, APromptThatCtrlCStoppedIsATurnWithoutAnAnswer) {
  Conversation conversation(model, {});
  Generation generation;
  generation.reason = EndReason::interrupted;
  conversation.ask("hi");
  generation.promptTokens = 4; // <bos><|turn>user\n
  conversation.answered(generation);
  EXPECT_EQ(text(conversation.ask("more")),
            "<bos><|turn>user\nhi<turn|>\n<|turn>model\n<turn|>\n<|turn>user\nmore<turn|>\n<|turn>model\n");
}

TEST_F(ConversationTest, ResetStartsFromTheBeginning) {
  Conversation conversation(model, {});
  conversation.answered(answer(conversation.ask("hi"), "yes"));
  conversation.reset();
  EXPECT_EQ(text(conversation.ask("more")), "<bos><|turn>user\nmore<turn|>\n<|turn>model\n");
}

/// The end of a turn stops answers, whatever the configuration lists.
TEST_F(ConversationTest, TheEndOfATurnStops) {
  program.sampling.stop_count = 1; // <eos> alone
  EXPECT_TRUE(model.isStop(id("<turn|>")));
  EXPECT_EQ(turnEndText(model), "");
  program.chat.turn_close = "<|im_end|>"; // no token of this vocabulary
  model.findTurnEnd();
  EXPECT_FALSE(model.isStop(id("<turn|>")));
  EXPECT_EQ(turnEndText(model), "<|im_end|>");
  Conversation conversation(model, {});
  conversation.answered(answer(conversation.ask("hi"), "yes<|im_end|>x", EndReason::stopString));
  EXPECT_EQ(text(conversation.ask("x")),
            "<bos><|turn>user\nhi<turn|>\n<|turn>model\nyes<turn|>\n<|turn>user\nx<turn|>\n<|turn>model\n");
}

TEST_F(ConversationTest, WhatTheTemplateCannotDoIsSaid) {
  EXPECT_TRUE(checkChat(model, {"s", GEMMAC_THINK_ON}, true).ok());
  program.chat.flags &= ~GEMMAC_CHAT_SYSTEM;
  EXPECT_EQ(checkChat(model, {"s"}, true).code(), ExitCode::usage);
  program.chat.flags = 0;
  EXPECT_EQ(checkChat(model, {}, true).code(), ExitCode::usage);
}
