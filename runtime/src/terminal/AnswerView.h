// Shows an answer while it is generated: the style of thoughts, ids in place of text.
#ifndef GEMMAC_RUNTIME_ANSWERVIEW_H
#define GEMMAC_RUNTIME_ANSWERVIEW_H

#include "base/Files.h"
#include "generate/Event.h"

namespace gemmac::runtime {

enum class Thoughts { hidden, shown, dimmed };

struct AnswerStyle {
  Thoughts thoughts = Thoughts::hidden; ///< what lies between thought_open and thought_close
  bool special = false;                 ///< thoughts and control tokens stand as they are
  bool ids = false;                     ///< token ids, separated by spaces, instead of text
};

/// Writes events of one answer after another to `out`, flushed after each token. Allocates nothing.
class AnswerView : public Listener {
public:
  AnswerView(Output &out, AnswerStyle style) : out(out), style(style) {}

  /// \returns false once the output has failed.
  bool on(const Event &event) override;

private:
  bool styled() const { return style.thoughts == Thoughts::dimmed && !style.special && !style.ids; }
  void show(std::string_view text);
  void setDim(bool now);
  void closeThought();
  void showId(int32_t token);
  void finish();

  Output &out;
  const AnswerStyle style;
  bool dim = false, first = true;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_ANSWERVIEW_H
