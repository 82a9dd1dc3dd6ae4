// What the model has yet to read of a conversation whose history lies in the KV cache.
#ifndef GEMMAC_RUNTIME_CONVERSATION_H
#define GEMMAC_RUNTIME_CONVERSATION_H

#include "Generation.h"
#include "Prompt.h"

#include <string>
#include <vector>

namespace gemmac::runtime {

/// Only new tokens are ever fed: the history stays as it was generated, thoughts included, where a template would
/// drop the thoughts of earlier answers. Rewriting the past would mean reading all of it again.
class Conversation {
public:
  Conversation(const Model &model, std::string system, bool think);

  /// Tokens to feed for the next answer, after a user's `text`: the end of the last answer, the user's turn and the
  /// opening of the model's. Calling it again replaces the turn.
  const std::vector<int32_t> &ask(std::string_view text);

  /// Takes note of what generate() did with the tokens of ask().
  void answered(const Generation &generation, bool insideThought);

  /// From the start again.
  void reset();

private:
  const Model &model;
  std::string system;
  bool think;
  bool started = false;        // the first turn has been answered, so the next one begins by closing it
  int32_t turnClose;           // the token that begins turn_close, or -1
  int32_t thoughtClose;        // or -1
  std::vector<int32_t> unread; // of earlier turns: an answer's last token, or what Ctrl-C kept from being fed
  std::vector<int32_t> next;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_CONVERSATION_H
