#include "generate/TextEvents.h"

namespace gemmac::runtime {

TextEvents::TextEvents(const Model &model, Listener &listener, TextOptions options)
    : model(model), listener(listener), special(options.special), startsInThought(options.startsInThought),
      thoughtOpen(model.tokenizer.single(model.program.chat.thought_open)),
      thoughtClose(model.tokenizer.single(model.program.chat.thought_close)), matcher(std::move(options.stops)) {
  if (thoughtClose < 0)
    thoughtOpen = -1;
  decoded.reserve(4096);
  visible.reserve(4096);
}

void TextEvents::begin() {
  if (startsInThought && thoughtOpen >= 0)
    setThinking(true);
}

void TextEvents::tell(Event::Kind kind, std::string_view text) {
  const bool marks = kind == Event::Kind::thoughtOpen || kind == Event::Kind::thoughtClose;
  if (marks || !text.empty())
    listener.on({.kind = kind, .text = text});
}

// Passes completed characters on: thoughts at once, the answer through the stop strings.
void TextEvents::flushCharacters() {
  if (thinking) {
    tell(Event::Kind::thought, decoded);
  } else {
    visible.clear();
    stopped = matcher.push(decoded, visible);
    tell(Event::Kind::text, visible);
  }
  decoded.clear();
}

void TextEvents::flushMatcher() {
  visible.clear();
  matcher.finish(visible);
  tell(Event::Kind::text, visible);
}

void TextEvents::setThinking(bool now) {
  if (thinking != now)
    tell(now ? Event::Kind::thoughtOpen : Event::Kind::thoughtClose);
  thinking = now;
}

void TextEvents::pushControl(int32_t token) {
  characters.finish(decoded);
  flushCharacters();
  if (stopped)
    return;
  if (token == thoughtOpen || special)
    flushMatcher();
  if (token == thoughtOpen)
    setThinking(true);
  if (special)
    tell(Event::Kind::control, model.tokenizer.text(token));
  if (token == thoughtClose)
    setThinking(false);
}

bool TextEvents::push(int32_t token) {
  if (model.tokenizer.kind(token) == GEMMAC_TOKEN_CONTROL) {
    pushControl(token);
  } else if (special || !model.isStop(token)) { // the end of an answer is no part of it
    characters.push(model.tokenizer.text(token), decoded);
    flushCharacters();
  }
  return stopped;
}

void TextEvents::finish() {
  if (stopped)
    return;
  characters.finish(decoded);
  flushCharacters();
  if (!stopped)
    flushMatcher();
}

} // namespace gemmac::runtime
