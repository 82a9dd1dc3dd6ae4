// A model with a chat format, for tests of what is shown and of what is fed. Its engine is open only where said.
#ifndef GEMMAC_TESTS_RUNTIME_CHATMODEL_H
#define GEMMAC_TESTS_RUNTIME_CHATMODEL_H

#include "FakeProgram.h"
#include "TokenizerTable.h"
#include "generate/Model.h"

#include <gtest/gtest.h>

namespace gemmac::test {

inline Vocabulary chatVocabulary() {
  Vocabulary v;
  for (const char *text : {"<eos>", "<bos>", "<|turn>", "<turn|>", "<|channel>", "<channel|>", "<|think|>"})
    v.add(text, GEMMAC_TOKEN_CONTROL);
  v.addAllBytes();
  v.add("\n");
  v.add("\xe2\x96\x81");
  for (char c = 'a'; c <= 'z'; ++c)
    v.add(std::string(1, c));
  for (const char *word : {"user", "model", "system", "thought"})
    v.addWord(word);
  return v;
}

/// Texts in <angle brackets> of the vocabulary are control tokens; everything else is encoded as text.
struct ChatModel {
  static constexpr int64_t mostTokens = 512; ///< no smaller than the vocabulary
  Vocabulary vocabulary = chatVocabulary();
  std::vector<uint64_t> table = TableWriter().write(vocabulary);
  std::vector<int32_t> stops = {id("<eos>"), id("<turn|>")};
  gemmac_program program = makeProgram();
  runtime::Model model{program};

  ChatModel() {
    EXPECT_TRUE(model.tokenizer
                    .open(reinterpret_cast<const uint8_t *>(table.data()), table.size() * 8,
                          static_cast<int64_t>(vocabulary.tokens.size()))
                    .ok());
    model.findTurnEnd();
  }

  gemmac_program makeProgram() const {
    gemmac_program p = fakeProgram();
    p.vocab = static_cast<int64_t>(vocabulary.tokens.size());
    p.arena_bytes = fakeVerifyRows * mostTokens * 4;
    p.functions = hashFunctions<mostTokens, mostTokens>.data();
    p.code = hashCode<mostTokens, mostTokens>;
    const gemmac_chat_mode usual = {"<|turn>user\n",           "<|turn>system\n",         "<turn|>\n<|turn>user\n",
                                    "<turn|>\n<|turn>model\n", "<turn|>\n<|turn>model\n", "<turn|>\n<|turn>user\n"};
    gemmac_chat_mode on = usual;
    on.start = "<|turn>system\n<|think|>\n<turn|>\n<|turn>user\n";
    on.system_open = "<|turn>system\n<|think|>\n";
    p.chat = {"<bos>",
              "<turn|>",
              "<|channel>",
              "<channel|>",
              GEMMAC_CHAT_EXISTS | GEMMAC_CHAT_SYSTEM | GEMMAC_CHAT_TRIMS_USER | GEMMAC_CHAT_TRIMS_SYSTEM |
                  GEMMAC_CHAT_TRIMS_ANSWERS | GEMMAC_CHAT_DROPS_THOUGHTS | GEMMAC_CHAT_DROPS_UNCLOSED |
                  GEMMAC_CHAT_DROPS_MARKS,
              {usual, on, usual}};
    p.sampling.stop_count = 2;
    p.sampling.stop_ids = stops.data();
    return p;
  }

  int32_t id(const std::string &text) const { return static_cast<int32_t>(vocabulary.id(text)); }
  std::vector<int32_t> ids(std::string_view text) const {
    std::vector<int32_t> result;
    const runtime::Segment segment{text, true};
    model.tokenizer.encode({&segment, 1}, result);
    return result;
  }
  std::string text(const std::vector<int32_t> &tokens) const {
    std::string joined;
    for (int32_t token : tokens)
      joined += model.tokenizer.text(token);
    return joined;
  }
};

} // namespace gemmac::test

#endif // GEMMAC_TESTS_RUNTIME_CHATMODEL_H
