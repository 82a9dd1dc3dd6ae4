#include "Prompt.h"

#include "Text.h"
#include "TokenStream.h"

namespace gemmac::runtime {

void Prompt::begin(std::string_view system, bool think) {
  const gemmac_chat &chat = model.program.chat;
  piece(chat.bos, true);
  system = trim(system);
  if (*chat.system_join != '\0') {
    instructions = system;
    return;
  }
  if (system.empty() && !think)
    return;
  piece(chat.system_open, true);
  if (think)
    piece(chat.think, true);
  piece(system, false);
  closeTurn();
}

void Prompt::user(std::string_view text, bool think) {
  const gemmac_chat &chat = model.program.chat;
  piece(chat.user_open, true);
  if (!instructions.empty()) {
    piece(instructions, false);
    piece(chat.system_join, true);
    instructions = {};
  }
  piece(trim(text), false);
  closeTurn();
  piece(chat.model_open, true);
  if (!think)
    piece(chat.closed_thought, true);
}

void Prompt::encode(std::vector<int32_t> &ids) const {
  TokenStream stream(model.tokenizer);
  for (const Segment &segment : segments)
    stream.push(segment, ids);
  stream.finish(ids);
}

} // namespace gemmac::runtime
