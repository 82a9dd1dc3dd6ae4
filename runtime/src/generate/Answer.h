// Shows an answer while it is generated.
#ifndef GEMMAC_RUNTIME_ANSWER_H
#define GEMMAC_RUNTIME_ANSWER_H

#include "base/Files.h"
#include "generate/Model.h"
#include "text/TextStream.h"

#include <string>
#include <vector>

namespace gemmac::runtime {

enum class Thoughts { hidden, shown, dimmed };

struct AnswerStyle {
  Thoughts thoughts = Thoughts::hidden; ///< what lies between thought_open and thought_close
  bool special = false;                 ///< print control and stop tokens, thoughts included, as they are
  bool ids = false;                     ///< print token ids, separated by spaces, instead of text
  bool startsInThought = false;         ///< the prompt opened a thought
};

/// Turns tokens into text on `out`, flushed after each token. Stop strings are looked for in the answer, not in
/// thoughts. Allocates nothing between begin() and finish() once its buffers have grown to a token's length.
class Answer {
public:
  Answer(const Model &model, Output &out, std::vector<std::string> stops, AnswerStyle style);

  /// Starts a new answer.
  void begin();
  /// \returns true when a stop string was found; nothing from its first byte on is shown.
  bool push(int32_t token);
  /// Shows what was held back and ends the style of an open thought.
  void finish();

  bool insideThought() const { return thinking; }
  bool outputFailed() const { return out.failed(); }

private:
  void showControl(int32_t token);
  void setThinking(bool now);
  void flushCharacters();
  void show(std::string_view text);

  const Model &model;
  Output &out;
  AnswerStyle style;
  int32_t thoughtOpen, thoughtClose; // -1: this model has none
  Utf8Stream characters;
  StopMatcher matcher;
  std::string decoded, visible;
  bool thinking = false, stopped = false, first = true;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_ANSWER_H
