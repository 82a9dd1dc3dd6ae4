// From generated tokens to events: whole characters of the answer and of thoughts, and the end at a stop string.
#ifndef GEMMAC_RUNTIME_TEXTEVENTS_H
#define GEMMAC_RUNTIME_TEXTEVENTS_H

#include "generate/Event.h"
#include "generate/Model.h"
#include "text/TextStream.h"

#include <string>
#include <vector>

namespace gemmac::runtime {

struct TextOptions {
  std::vector<std::string> stops; ///< end the answer; looked for in the answer, not in thoughts
  bool special = false;           ///< tell of control and stop tokens, too; no stop string reaches across one then
  bool startsInThought = false;   ///< the prompt opened a thought
};

/// Allocates nothing between begin() and finish() once its buffers have grown to a token's length.
class TextEvents {
public:
  /// `model` and `listener` must outlive it.
  TextEvents(const Model &model, Listener &listener, TextOptions options);

  void begin();
  /// \returns true when a stop string was found; nothing from its first byte on is told.
  bool push(int32_t token);
  /// Tells what was held back.
  void finish();

private:
  void pushControl(int32_t token);
  void setThinking(bool now);
  void flushCharacters();
  void flushMatcher();
  void tell(Event::Kind kind, std::string_view text = {});

  const Model &model;
  Listener &listener;
  const bool special, startsInThought;
  int32_t thoughtOpen, thoughtClose; // -1: this model has none
  Utf8Stream characters;
  StopMatcher matcher;
  std::string decoded, visible;
  bool thinking = false, stopped = false;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_TEXTEVENTS_H
