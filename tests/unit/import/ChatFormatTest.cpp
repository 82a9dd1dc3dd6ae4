// Chat templates: what is found by rendering them, what cannot be followed, formats chosen by name.
#include "ImportTest.h"
#include "compiler/import/ChatFormatReader.h"

using namespace gemmac;
using namespace gemmac::test;

namespace {

constexpr const char *turns =
    "{% for m in messages %}{{ '<|turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' + "
    "(m.content | trim) + '<turn|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|turn>model\\n' }}{% endif %}";

Vocabulary vocabulary(const Json &tokenizer = smallTokenizer()) {
  return valueOf(readTokenizer("tokenizer.json", tokenizer.dump(), 32));
}

ChatFormat probe(const std::string &text, const Vocabulary &known = vocabulary()) {
  return valueOf(probeChatTemplate("t.jinja", text, {{"bos_token", "<bos>"}, {"eos_token", "<eos>"}}, known));
}

std::string probeError(const std::string &text) {
  return errorOf(probeChatTemplate("t.jinja", text, {{"bos_token", "<bos>"}}, vocabulary()));
}

/// What is fed for a first question, and for a second one.
std::string fed(const ChatFormat &format, std::vector<std::string> texts, std::optional<std::string> system = {},
                gemmac_thinking thinking = GEMMAC_THINK_DEFAULT) {
  return composeChat(format, thinking, {std::move(system), std::move(texts)});
}

TEST(ChatProbe, turnsOfGemma4) {
  ChatFormat format = probe(std::string("{{ bos_token }}") + turns);
  EXPECT_TRUE(eachContains(format.differences, {}));
  EXPECT_EQ(fed(format, {" hi "}), "<bos><|turn>user\nhi<turn|>\n<|turn>model\n");
  EXPECT_EQ(fed(format, {"a", " b\n", "c"}, "s"), "<bos><|turn>system\ns<turn|>\n<|turn>user\na<turn|>\n<|turn>"
                                                  "model\nb<turn|>\n<|turn>user\nc<turn|>\n<|turn>model\n");
  EXPECT_EQ(format.turnClose, "<turn|>");
  EXPECT_EQ(format.thoughtOpen, "<|channel>"); // to be recognised; this template keeps them
  EXPECT_FALSE(format.flags & GEMMAC_CHAT_DROPS_THOUGHTS);
  EXPECT_EQ(format.name, "template");
}

TEST(ChatProbe, defaultSystemTurn) {
  ChatFormat format =
      probe("{{ bos_token }}{% if messages[0].role != 'system' %}<|turn>system\nYou are a pirate.<turn|>\n{% endif %}" +
            std::string(turns));
  EXPECT_EQ(fed(format, {"hi"}),
            "<bos><|turn>system\nYou are a pirate.<turn|>\n<|turn>user\nhi<turn|>\n<|turn>model\n");
  EXPECT_EQ(fed(format, {"hi"}, "s"), "<bos><|turn>system\ns<turn|>\n<|turn>user\nhi<turn|>\n<|turn>model\n");
  EXPECT_TRUE(format.differences.empty());
}

TEST(ChatProbe, bosIsFedThoughTheTemplateLacksIt) {
  ChatFormat format = probe(turns);
  EXPECT_EQ(fed(format, {"hi"}), "<bos><|turn>user\nhi<turn|>\n<|turn>model\n");
  EXPECT_TRUE(eachContains(format.differences, {"the template writes no <bos>"}));
}

TEST(ChatProbe, thinkingByDefaultAndBySwitch) {
  ChatFormat always = probe("{{ bos_token }}<|turn>system\n<|think|>\n<turn|>\n" + std::string(turns));
  for (gemmac_thinking thinking : {GEMMAC_THINK_DEFAULT, GEMMAC_THINK_ON, GEMMAC_THINK_OFF})
    EXPECT_EQ(fed(always, {"hi"}, {}, thinking),
              "<bos><|turn>system\n<|think|>\n<turn|>\n<|turn>user\nhi<turn|>\n<|turn>model\n");
  ChatFormat usual =
      probe("{{ bos_token }}{% if enable_thinking | default(true) %}<|think|>{% endif %}" + std::string(turns));
  EXPECT_EQ(usual.modes[GEMMAC_THINK_DEFAULT], usual.modes[GEMMAC_THINK_ON]);
  EXPECT_EQ(fed(usual, {"hi"}, {}, GEMMAC_THINK_ON), "<bos><|think|><|turn>user\nhi<turn|>\n<|turn>model\n");
  EXPECT_EQ(fed(usual, {"hi"}, {}, GEMMAC_THINK_OFF), "<bos><|turn>user\nhi<turn|>\n<|turn>model\n");
}

/// ChatML of a fine-tune: other marks, the role assistant, no trimming, thoughts cut at their last end.
TEST(ChatProbe, otherRolesAndMarks) {
  ChatFormat format =
      probe("{% for m in messages %}{% set c = m.content %}{% if m.role == 'assistant' and '</think>' in c %}"
            "{% set c = c.split('</think>')[-1].lstrip('\n') %}{% endif %}<|im_start|>{{ m.role }}\n{{ c }}<|im_end|>\n"
            "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}");
  EXPECT_EQ(
      fed(format, {" a", "<think>\nt\n</think>\n\nb ", "c"}, "s"),
      "<bos><|im_start|>system\ns<|im_end|>\n<|im_start|>user\n a<|im_end|>\n<|im_start|>assistant\nb <|im_end|>\n"
      "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n<think>\n");
  EXPECT_EQ(format.turnClose, "<|im_end|>");
  EXPECT_EQ(format.thoughtClose, "</think>");
  EXPECT_EQ(format.name, "template");
  EXPECT_TRUE(
      eachContains(format.differences, {"writes no <bos>", "'<|im_end|>', which is no token of the tokenizer"}));
}

TEST(ChatProbe, instructionsJoinTheFirstQuestion) {
  ChatFormat format =
      probe("{{ bos_token }}{% if messages[0].role == 'system' %}{% set p = messages[0].content + '\n\n' %}"
            "{% set messages = messages[1:] %}{% else %}{% set p = '' %}{% endif %}{% for m in messages %}"
            "<|turn>{{ m.role }}\n{{ (p if loop.first else '') + m.content | trim }}<turn|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|turn>assistant\n{% endif %}");
  EXPECT_TRUE(format.differences.empty());
  EXPECT_EQ(fed(format, {" a ", "b", "c"}, " s "), "<bos><|turn>user\n s \n\na<turn|>\n<|turn>assistant\nb<turn|>\n"
                                                   "<|turn>user\nc<turn|>\n<|turn>assistant\n");
}

TEST(ChatProbe, instructionsThatAreRefusedOrIgnored) {
  std::string refused = "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}";
  for (const std::string &text :
       {refused + turns, std::string("{{ bos_token }}{% for m in messages if m.role != 'system' %}"
                                     "<|turn>{{ m.role }} {{ m.content }}<turn|>{% endfor %}")}) {
    ChatFormat format = probe(text);
    EXPECT_FALSE(format.flags & GEMMAC_CHAT_SYSTEM);
    EXPECT_TRUE(oneContains(format.differences, "takes no instructions"));
  }
}

/// What a template of Gemma 3 writes, instructions untrimmed before the first question.
TEST(ChatProbe, gemma3) {
  Json tokenizer = smallTokenizer();
  for (auto [from, to] : {std::pair("<|turn>", "<start_of_turn>"), {"<turn|>", "<end_of_turn>"}}) {
    Json &vocab = tokenizer["model"]["vocab"];
    vocab[to] = vocab[from];
    vocab.erase(from);
    for (Json &token : tokenizer["added_tokens"])
      if (token["content"] == from)
        token["content"] = to;
  }
  for (auto [from, to] : {std::pair("<|channel>", "<unused1>"), {"<channel|>", "<unused2>"}})
    for (Json &token : tokenizer["added_tokens"])
      if (token["content"] == from) {
        token["content"] = to;
        tokenizer["model"]["vocab"][to] = tokenizer["model"]["vocab"][from];
        tokenizer["model"]["vocab"].erase(from);
      }
  ChatFormat format =
      probe("{{ bos_token }}{% if messages[0].role == 'system' %}{% set prefix = messages[0].content + '\n\n' %}"
            "{% set rest = messages[1:] %}{% else %}{% set prefix = '' %}{% set rest = messages %}{% endif %}"
            "{% for m in rest %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
            "{{ raise_exception('roles must alternate') }}{% endif %}"
            "{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\n' + "
            "(prefix if loop.first else '') }}{{ m.content | trim }}{{ '<end_of_turn>\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}",
            vocabulary(tokenizer));
  EXPECT_EQ(format.name, "gemma3");
  EXPECT_TRUE(eachContains(format.differences, {}));
  EXPECT_TRUE(sameFormat(format, gemma3Format("<bos>")));
}

TEST(ChatProbe, promptsThatOpenNoAnswer) {
  ChatFormat format =
      probe("{{ bos_token }}{% for m in messages %}<|turn>{{ m.role }}\n{{ m.content }}<turn|>\n{% endfor %}");
  EXPECT_EQ(fed(format, {"hi"}), "<bos><|turn>user\nhi<turn|>\n");
  EXPECT_TRUE(oneContains(format.differences, "opens no answer"));
}

TEST(ChatProbe, textsInParts) {
  ChatFormat format = probe(
      "{{ bos_token }}{% for m in messages %}<|turn>{{ m.role }}\n{% for p in m.content %}{{ p.text }}{% endfor %}"
      "<turn|>\n{% endfor %}{% if add_generation_prompt %}<|turn>assistant\n{% endif %}");
  EXPECT_EQ(fed(format, {"hi"}), "<bos><|turn>user\nhi<turn|>\n<|turn>assistant\n");
}

TEST(ChatProbe, whatCannotBeFollowed) {
  const char *advice = "--chat-format gemma4 or gemma3";
  EXPECT_TRUE(contains(probeError("{{ messages | nosuch }}"), "t.jinja: error: line 1", "filter 'nosuch' is not known",
                       advice));
  EXPECT_TRUE(contains(probeError("\n{% if %}"), "t.jinja: error: line 2", advice));
  EXPECT_TRUE(contains(probeError("something else"), "does not write each text", advice));
  EXPECT_TRUE(contains(probeError("{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}"),
                       "does not write each text"));
  EXPECT_TRUE(contains(probeError("{{ raise_exception('only tools') }}"), "the template says: only tools", advice));
  // The number of turns, and the last question, change what is around the first.
  EXPECT_TRUE(contains(probeError("{{ messages | length }}" + std::string(turns)), "does not follow one pattern",
                       "with one question", advice));
  EXPECT_TRUE(
      contains(probeError("{% for m in messages %}{% if loop.index0 == 2 %}!{% endif %}{{ m.content }};{% endfor %}"),
               "with three questions: the template writes"));
}

TEST(ChatProbe, whatDiffersInRareConversationsIsSaid) {
  ChatFormat format =
      probe("{{ bos_token }}{% for m in messages %}<|turn>{{ m.role }}\n{{ m.content.lstrip() }}<turn|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|turn>assistant\n{% endif %}");
  EXPECT_TRUE(oneContains(format.differences, "with white space around a question: the template writes"));
  ChatFormat dated = probe("{{ bos_token }}{{ strftime_now('%Y') }}" + std::string(turns));
  EXPECT_TRUE(oneContains(dated.differences, "the date of the day"));
}

Checkpoint chosen(const std::string &format, const std::optional<std::string> &text) {
  Checkpoint checkpoint;
  checkpoint.bosId = 2;
  EXPECT_EQ(messageOf(importChat("t.jinja", text, {}, vocabulary(), {.chatFormat = format}, checkpoint)), "");
  return checkpoint;
}

TEST(ChatFormat, byName) {
  Checkpoint checkpoint = chosen("gemma4", "{{ broken");
  EXPECT_EQ(checkpoint.chat.name, "gemma4");
  EXPECT_EQ(fed(checkpoint.chat, {"hi"}), "<bos><|turn>user\nhi<turn|>\n<|turn>model\n<|channel>thought\n<channel|>");
  EXPECT_TRUE(oneContains(checkpoint.notes, "--chat-format is gemma4"));
  EXPECT_TRUE(chosen("gemma4", std::nullopt).chat.chats());
  EXPECT_FALSE(chosen("none", turns).chat.chats());
  EXPECT_TRUE(oneContains(chosen("", std::nullopt).notes, "no chat template"));
  Checkpoint without;
  EXPECT_TRUE(contains(messageOf(importChat("t.jinja", turns, {}, vocabulary(), {.chatFormat = "gemma3"}, without)),
                       "no token <start_of_turn>"));
}

TEST(ChatFormat, thoughtsInHistory) {
  ChatFormat format = gemma4Format("<bos>", false);
  EXPECT_EQ(answerInHistory(format, "<|channel>thought\nx<channel|> a <|channel>y<channel|>b\n"), "a b");
  EXPECT_EQ(answerInHistory(format, "a<|channel>cut"), "a");
  EXPECT_EQ(answerInHistory(format, "a<channel|>b"), "ab");
  EXPECT_EQ(answerInHistory(gemma3Format("<bos>"), " <think>x</think> "), "<think>x</think>");
}

std::string settingsError(const Json &json) { return errorOf(readTokenizerSettings("t.json", json.dump())); }

TEST(TokenizerSettings, spellings) {
  auto read = [](const Json &json) { return valueOf(readTokenizerSettings("t.json", json.dump())); };
  EXPECT_EQ(read({{"bos_token", "<bos>"}, {"anything", 1}}).bosToken, "<bos>");
  EXPECT_EQ(read({{"bos_token", {{"content", "<bos>"}}}}).bosToken, "<bos>");
  EXPECT_EQ(read({{"bos_token", nullptr}}).bosToken, std::nullopt);
  EXPECT_EQ(read({{"chat_template", "T"}}).chatTemplate, "T");
  Json named = {{{"name", "tool_use"}, {"template", "A"}}, {{"name", "default"}, {"template", "B"}}};
  EXPECT_EQ(read({{"chat_template", named}}).chatTemplate, "B");
  EXPECT_TRUE(contains(settingsError({{"bos_token", 2}}), "'bos_token' is 2, expected a string"));
  EXPECT_TRUE(contains(settingsError({{"chat_template", 2}}), "'chat_template' is 2"));
  EXPECT_TRUE(contains(settingsError({{"chat_template", Json::array()}}), "a template named 'default'"));
  EXPECT_TRUE(contains(settingsError(3), "expected an object"));
}

} // namespace
