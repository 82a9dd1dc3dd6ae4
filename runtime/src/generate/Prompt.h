// Token ids of prompts: pieces of the checkpoint's chat format around people's text.
#ifndef GEMMAC_RUNTIME_PROMPT_H
#define GEMMAC_RUNTIME_PROMPT_H

#include "generate/Model.h"

#include <string_view>
#include <vector>

namespace gemmac::runtime {

/// Collects pieces of a prompt and encodes them as one text. Keeps references: the pieces must live until encode().
/// Format pieces may hold control tokens, people's text may not (docs/chat.md).
class Prompt {
public:
  explicit Prompt(const Model &model) : model(model) {}

  void piece(std::string_view text, bool controlAllowed) { segments.push_back({text, controlAllowed}); }

  /// Appends the ids of all pieces.
  void encode(std::vector<int32_t> &ids) const;

private:
  const Model &model;
  std::vector<Segment> segments;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_PROMPT_H
