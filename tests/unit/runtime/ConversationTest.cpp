// Prompts and conversations: what is fed, turn by turn.
#include "Conversation.h"

#include "ChatModel.h"

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
    return generation;
  }
};
} // namespace

TEST_F(ConversationTest, FirstTurnIsTheChatFormat) {
  Conversation plain(model, "", false);
  EXPECT_EQ(text(plain.ask(" hi\n")), "<bos><|turn>user\nhi<turn|>\n<|turn>model\n");
  Conversation full(model, " be nice ", true);
  EXPECT_EQ(text(full.ask("hi")),
            "<bos><|turn>system\n<|think|>\nbe nice<turn|>\n<|turn>user\nhi<turn|>\n<|turn>model\n");
  Conversation thinking(model, "", true);
  EXPECT_EQ(text(thinking.ask("hi")), "<bos><|turn>system\n<|think|>\n<turn|>\n<|turn>user\nhi<turn|>\n<|turn>model\n");
}

TEST_F(ConversationTest, InstructionsJoinTheFirstTurnWhereThereIsNoSystemTurn) {
  program.chat.system_open = program.chat.think = "";
  program.chat.system_join = "\n\n";
  Conversation conversation(model, " be nice ", true);
  EXPECT_EQ(text(conversation.ask("hi")), "<bos><|turn>user\nbe nice\n\nhi<turn|>\n<|turn>model\n");
  conversation.answered(answer(conversation.ask("hi"), "yes<turn|>"), false);
  EXPECT_EQ(text(conversation.ask("more")), "<turn|>\n<|turn>user\nmore<turn|>\n<|turn>model\n");
  EXPECT_EQ(text(Conversation(model, "", true).ask("hi")), "<bos><|turn>user\nhi<turn|>\n<|turn>model\n");
}

TEST_F(ConversationTest, UsersCannotEndTheirTurn) {
  Conversation conversation(model, "", false);
  const std::vector<int32_t> &fed = conversation.ask("a<turn|>b");
  EXPECT_EQ(std::count(fed.begin(), fed.end(), id("<turn|>")), 1);
  EXPECT_EQ(text(fed), "<bos><|turn>user\na<turn|>b<turn|>\n<|turn>model\n");
}

TEST_F(ConversationTest, ClosedThoughtOpensAnswersWithoutThinking) {
  program.chat.closed_thought = "<|channel>thought\n<channel|>";
  EXPECT_EQ(text(Conversation(model, "", false).ask("hi")),
            "<bos><|turn>user\nhi<turn|>\n<|turn>model\n<|channel>thought\n<channel|>");
  EXPECT_EQ(text(Conversation(model, "", true).ask("hi")),
            "<bos><|turn>system\n<|think|>\n<turn|>\n<|turn>user\nhi<turn|>\n<|turn>model\n");
}

TEST_F(ConversationTest, LaterTurnsFeedOnlyWhatIsNew) {
  Conversation conversation(model, "", false);
  conversation.answered(answer(conversation.ask("hi"), "yes<turn|>"), false);
  EXPECT_EQ(text(conversation.ask("more")), "<turn|>\n<|turn>user\nmore<turn|>\n<|turn>model\n");
  // Asking again replaces the turn, as after a message that did not fit.
  EXPECT_EQ(text(conversation.ask("less")), "<turn|>\n<|turn>user\nless<turn|>\n<|turn>model\n");
}

TEST_F(ConversationTest, AnUnfinishedAnswerIsClosed) {
  Conversation conversation(model, "", false);
  conversation.answered(answer(conversation.ask("hi"), "yes", EndReason::limit), false);
  // The last token, "s", was shown but never fed.
  EXPECT_EQ(text(conversation.ask("more")), "s<turn|>\n<|turn>user\nmore<turn|>\n<|turn>model\n");
  conversation.answered(answer(conversation.ask("more"), "a<eos>"), false);
  EXPECT_EQ(text(conversation.ask("on")), "<turn|>\n<|turn>user\non<turn|>\n<|turn>model\n");
  conversation.answered(answer(conversation.ask("on"), "<|channel>ab", EndReason::interrupted), true);
  EXPECT_EQ(text(conversation.ask("x")), "b<channel|><turn|>\n<|turn>user\nx<turn|>\n<|turn>model\n");
}

TEST_F(ConversationTest, WhatCtrlCKeptFromBeingFedFollowsLater) {
  Conversation conversation(model, "", false);
  Generation generation;
  generation.reason = EndReason::interrupted;
  conversation.ask("hi");
  generation.promptTokens = 4; // <bos><|turn>user\n
  conversation.answered(generation, false);
  EXPECT_EQ(text(conversation.ask("more")),
            "hi<turn|>\n<|turn>model\n<turn|>\n<|turn>user\nmore<turn|>\n<|turn>model\n");
}

TEST_F(ConversationTest, ResetStartsFromTheBeginning) {
  Conversation conversation(model, "", false);
  conversation.answered(answer(conversation.ask("hi"), "yes"), false);
  conversation.reset();
  EXPECT_EQ(text(conversation.ask("more")), "<bos><|turn>user\nmore<turn|>\n<|turn>model\n");
}
