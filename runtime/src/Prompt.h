// Token ids of prompts: the checkpoint's chat format around people's text.
#ifndef GEMMAC_RUNTIME_PROMPT_H
#define GEMMAC_RUNTIME_PROMPT_H

#include "Model.h"

#include <string_view>
#include <vector>

namespace gemmac::runtime {

/// Collects pieces of a prompt and encodes them as one text. Keeps references: the pieces must live until encode().
/// Format pieces may hold control tokens, people's text may not (spec 6.3).
class Prompt {
public:
  explicit Prompt(const Model &model) : model(model) {}

  bool hasChatFormat() const { return *model.program.chat.user_open != '\0'; }

  /// <bos> and, if there is something to say in it, the system turn. In a format without one the next user's turn
  /// begins with the instructions.
  void begin(std::string_view system, bool think);
  /// A user's turn and the opening of the model's answer. Text is trimmed, as the template does.
  void user(std::string_view text, bool think);
  /// Ends the turn that is open.
  void closeTurn() { piece(model.program.chat.turn_close, true); }
  void piece(std::string_view text, bool controlAllowed) { segments.push_back({text, controlAllowed}); }

  /// Appends the ids of all pieces.
  void encode(std::vector<int32_t> &ids) const;

private:
  const Model &model;
  std::vector<Segment> segments;
  std::string_view instructions; ///< that wait for a user's turn
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_PROMPT_H
