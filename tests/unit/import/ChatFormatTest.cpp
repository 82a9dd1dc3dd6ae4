// Chat templates: recognition, and the empty closed thought.
#include "ImportTest.h"
#include "compiler/import/ChatFormatReader.h"

using namespace gemmac;
using namespace gemmac::test;

namespace {

const std::string head =
    "{{ bos_token }}{%- for m in messages -%}{{ '<|turn>' + m.role + '\\n' + m.content + '<turn|>\\n' }}"
    "{%- endfor -%}";

std::string prompt(const std::string &inside) {
  return head + "{%- if add_generation_prompt -%}{{- '<|turn>model\\n' -}}" + inside + "{%- endif -%}";
}

TEST(ClosedThought, writtenByTheGenerationPrompt) {
  EXPECT_TRUE(writesClosedThought(prompt("{%- if not think -%}{{- '<|channel>thought\\n<channel|>' -}}{%- endif -%}")));
  EXPECT_TRUE(writesClosedThought(prompt("{{ \"<|channel>thought\\n<channel|>\" }}")));
  EXPECT_TRUE(writesClosedThought(prompt("<|channel>thought\n<channel|>")));
  EXPECT_TRUE(writesClosedThought(head +
                                  "{% if add_generation_prompt %}{{ '<|turn>model\\n<|channel>thought\\n<channel|>' }}"
                                  "{% endif %}"));
}

TEST(ClosedThought, notWritten) {
  EXPECT_FALSE(writesClosedThought(prompt("")));
  // An open thought, two literals that never meet, and a thought around text are something else.
  EXPECT_FALSE(writesClosedThought(prompt("{%- if think -%}{{ '<|channel>thought\\n' }}{%- endif -%}")));
  EXPECT_FALSE(writesClosedThought(prompt("{{ '<|channel>thought\\n' ~ text ~ '\\n<channel|>' }}")));
  // Before the generation prompt, in a comment, in a test.
  EXPECT_FALSE(writesClosedThought("{{ '<|channel>thought\\n<channel|>' }}" + prompt("")));
  EXPECT_FALSE(writesClosedThought(prompt("{# '<|channel>thought\\n<channel|>' #}")));
  EXPECT_FALSE(writesClosedThought(prompt("{%- set x = '<|channel>thought\\n<channel|>' -%}")));
  EXPECT_FALSE(writesClosedThought(
      "{%- if add_generation_prompt -%}{{ '<|channel>thought\\n<channel|>' }}{%- endif -%}" + prompt("")));
}

TEST(ClosedThought, brokenTemplatesEnd) {
  for (const char *text :
       {"", "{", "{{", "{%", "{#", "{{ 'x", "{{ 'x\\", "{% if add_generation_prompt", "{{ '", "}}%}"})
    EXPECT_FALSE(writesClosedThought(text)) << text;
}

Vocabulary vocabulary(const Json &tokenizer = smallTokenizer()) {
  return valueOf(readTokenizer("tokenizer.json", tokenizer.dump(), 32));
}

TEST(ChatFormat, gemma4) {
  std::vector<std::string> notes;
  ChatFormat chat = readChatFormat(prompt("{{ '<|channel>thought\\n<channel|>' }}"), "<bos>", vocabulary(), notes);
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(chat.bos, "<bos>");
  EXPECT_EQ(chat.systemOpen, "<|turn>system\n");
  EXPECT_EQ(chat.userOpen, "<|turn>user\n");
  EXPECT_EQ(chat.modelOpen, "<|turn>model\n");
  EXPECT_EQ(chat.turnClose, "<turn|>\n");
  EXPECT_EQ(chat.think, "<|think|>\n");
  EXPECT_EQ(chat.closedThought, "<|channel>thought\n<channel|>");
  EXPECT_EQ(chat.thoughtOpen, "<|channel>");
  EXPECT_EQ(chat.thoughtClose, "<channel|>");
  EXPECT_EQ(readChatFormat(prompt(""), "<bos>", vocabulary(), notes).closedThought, "");
}

TEST(ChatFormat, otherTemplates) {
  std::vector<std::string> notes;
  EXPECT_EQ(readChatFormat("{{ '<start_of_turn>user' }}", "<bos>", vocabulary(), notes).userOpen, "");
  EXPECT_TRUE(eachContains(notes, {"neither Gemma 4's"}));
}

/// Gemma 3 has no system turn: instructions join the first user's turn.
TEST(ChatFormat, gemma3) {
  Json tokenizer = smallTokenizer();
  for (auto [from, to] : {std::pair("<|turn>", "<start_of_turn>"), {"<turn|>", "<end_of_turn>"}}) {
    Json &vocab = tokenizer["model"]["vocab"];
    vocab[to] = vocab[from];
    vocab.erase(from);
    for (Json &token : tokenizer["added_tokens"])
      if (token["content"] == from)
        token["content"] = to;
  }
  std::vector<std::string> notes;
  std::string text = "{{ bos_token }}{{ '<start_of_turn>' + role + '\n' }}{{ '<end_of_turn>\n' }}";
  ChatFormat chat = readChatFormat(text, "<bos>", vocabulary(tokenizer), notes);
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(chat.bos, "<bos>");
  EXPECT_EQ(chat.systemOpen, "");
  EXPECT_EQ(chat.systemJoin, "\n\n");
  EXPECT_EQ(chat.userOpen, "<start_of_turn>user\n");
  EXPECT_EQ(chat.modelOpen, "<start_of_turn>model\n");
  EXPECT_EQ(chat.turnClose, "<end_of_turn>\n");
  EXPECT_EQ(chat.think + chat.closedThought + chat.thoughtOpen + chat.thoughtClose, "");
  EXPECT_EQ(readChatFormat(text, "<bos>", vocabulary(), notes).userOpen, "");
  EXPECT_TRUE(eachContains(notes, {"no control token <start_of_turn>"}));
}

TEST(ChatFormat, controlTokensMustExist) {
  Json tokenizer = smallTokenizer();
  for (Json &token : tokenizer["added_tokens"])
    if (token["content"] == "<|turn>")
      token["special"] = false;
  std::vector<std::string> notes;
  EXPECT_EQ(readChatFormat(prompt(""), "<bos>", vocabulary(tokenizer), notes).bos, "");
  EXPECT_TRUE(eachContains(notes, {"no control token <|turn>"}));
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
