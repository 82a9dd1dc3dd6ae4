// Token ids of prompts: pieces of the checkpoint's chat format around people's text, pictures and sounds.
#ifndef GEMMAC_RUNTIME_PROMPT_H
#define GEMMAC_RUNTIME_PROMPT_H

#include "engine/Feed.h"
#include "generate/Model.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gemmac::runtime {

/// A picture, a sound or a frame of a video in a message, as a tower made rows of it.
struct Medium {
  enum class Kind { image, audio };
  Kind kind;
  std::shared_ptr<const SoftRows> rows;
  std::string before = {}; ///< text that stands right before it
};

/// When a frame of a video begins, as prompts say it: "00:07".
/// \param begin  in seconds.
std::string frameTime(double begin);
/// What stands before a frame of a video (spec 4.6): "00:07 ", and a space before that unless it is the first.
/// \param begin  of the frame, in seconds.
std::string frameLabel(double begin, bool first);

/// Collects pieces of a prompt and encodes them as one text. Keeps references: the pieces must live until encode().
/// Format pieces may hold control tokens, people's text may not (docs/chat.md).
class Prompt {
public:
  explicit Prompt(const Model &model) : model(model) {}

  void piece(std::string_view text, bool controlAllowed) { pieces.push_back({{text, controlAllowed}, nullptr}); }
  /// Its soft tokens between the tokens that begin and end them (spec 6.2), of which the program must have some.
  void medium(const Medium &medium) {
    piece(medium.before, false);
    pieces.push_back({{}, &medium});
  }

  /// Appends the ids of all pieces.
  void encode(SoftPrompt &prompt) const;

private:
  struct Piece {
    Segment text;
    const Medium *medium; ///< null: the text
  };

  const Model &model;
  std::vector<Piece> pieces;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_PROMPT_H
