// What the model is to read of a conversation.
#ifndef GEMMAC_RUNTIME_CONVERSATION_H
#define GEMMAC_RUNTIME_CONVERSATION_H

#include "generate/Event.h"
#include "generate/History.h"
#include "generate/Options.h"
#include "generate/Prompt.h"

#include <optional>
#include <string>
#include <vector>

namespace gemmac::runtime {

/// The history is what the checkpoint's chat template makes of it: thoughts of earlier answers are left out where it
/// leaves them out, and the whole is tokenized anew for each question. What a sequence holds of it already need not be
/// fed again (Sequence::keepCommon()).
class Conversation {
public:
  Conversation(const Model &model, const ChatOptions &options);

  /// All tokens up to the next answer, after a user's `media`, in order, and `text`. Calling it again replaces the
  /// question.
  const SoftPrompt &ask(std::string_view text, std::vector<Medium> media = {});

  /// Forgets the question of ask(), and what it showed.
  void withdraw();

  /// Takes note of what was generated after the tokens of ask().
  void answered(const Generation &generation);

  /// From the start again.
  void reset();

private:
  struct Turn {
    std::vector<Medium> media;
    std::string user;
    std::vector<MarkedPiece> answer;
  };

  void system(Prompt &prompt) const;
  void user(Prompt &prompt, const std::vector<Medium> &media, std::string_view text) const;
  std::string_view trimmed(std::string_view text, uint32_t flag) const;
  MarkedText said(const Generation &generation) const;

  const Model &model;
  const ChatOptions options;
  const gemmac_chat_mode &mode;
  std::vector<Turn> turns;   // answered ones
  std::vector<Medium> shown; // with the question
  std::string question;
  SoftPrompt next;
};

/// Whether the checkpoint's chat format can do what was asked for. Says so where an option does nothing.
Status checkChat(const Model &model, const ChatOptions &options, bool quiet);

/// Text that ends an answer where the end of a turn is no token; empty: a token does, or nothing.
std::string_view turnEndText(const Model &model);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_CONVERSATION_H
