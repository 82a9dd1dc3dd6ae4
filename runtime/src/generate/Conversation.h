// What the model is to read of a conversation, and how much of it lies in the KV cache already.
#ifndef GEMMAC_RUNTIME_CONVERSATION_H
#define GEMMAC_RUNTIME_CONVERSATION_H

#include "generate/Generation.h"
#include "generate/History.h"
#include "generate/Prompt.h"

#include <optional>
#include <string>
#include <vector>

namespace gemmac::runtime {

/// The history is what the checkpoint's chat template makes of it: thoughts of earlier answers are left out where it
/// leaves them out, and the whole is tokenized anew for each question. Tokens that the session holds already are not
/// fed again.
class Conversation {
public:
  Conversation(const Model &model, const ChatOptions &options);

  /// All tokens up to the next answer, after a user's `text`. Calling it again replaces the question.
  const std::vector<int32_t> &ask(std::string_view text);

  /// How many of the tokens of ask() are those that were fed last, the last one excepted: it is to yield logits.
  size_t held() const;

  /// Takes note of what generate() did with the tokens of ask() from number `from` on.
  void answered(const Generation &generation, size_t from);

  /// From the start again.
  void reset();

private:
  struct Turn {
    std::string user;
    std::vector<MarkedPiece> answer;
  };

  void system(Prompt &prompt) const;
  std::string_view trimmed(std::string_view text, uint32_t flag) const;
  MarkedText said(const Generation &generation) const;

  const Model &model;
  const ChatOptions options;
  const gemmac_chat_mode &mode;
  std::vector<Turn> turns; // answered ones
  std::string question;
  std::vector<int32_t> fed; // what lies in the KV cache
  std::vector<int32_t> next;
};

/// Whether the checkpoint's chat format can do what was asked for. Says so where an option does nothing.
Status checkChat(const Model &model, const ChatOptions &options, bool quiet);

/// Text that ends an answer where the end of a turn is no token; empty: a token does, or nothing.
std::string_view turnEndText(const Model &model);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_CONVERSATION_H
