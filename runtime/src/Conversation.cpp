#include "Conversation.h"

namespace gemmac::runtime {

Conversation::Conversation(const Model &model, std::string system, bool think)
    : model(model), system(std::move(system)), think(think),
      thoughtClose(model.tokenizer.single(model.program.chat.thought_close)) {
  Prompt prompt(model);
  prompt.closeTurn();
  std::vector<int32_t> ids;
  prompt.encode(ids);
  turnClose = ids.empty() ? -1 : ids.front();
}

const std::vector<int32_t> &Conversation::ask(std::string_view text) {
  Prompt prompt(model);
  if (started)
    prompt.closeTurn();
  else
    prompt.begin(system, think);
  prompt.user(text, think);
  next = unread;
  prompt.encode(next);
  return next;
}

void Conversation::answered(const Generation &generation, bool insideThought) {
  started = true;
  unread.assign(next.begin() + generation.promptTokens, next.end());
  if (!generation.tokens.empty()) {
    // The turn's closing token will be fed with the next turn; any other stop token is no part of the answer.
    const int32_t last = generation.tokens.back();
    if (last != turnClose && !model.isStop(last))
      unread.push_back(last);
  }
  if (insideThought && thoughtClose >= 0)
    unread.push_back(thoughtClose);
}

void Conversation::reset() {
  started = false;
  unread.clear();
}

} // namespace gemmac::runtime
