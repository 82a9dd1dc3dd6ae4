#include "generate/Answer.h"

#include "base/Signals.h"

#include <charconv>

namespace gemmac::runtime {

static constexpr std::string_view dim = "\x1b[2m", plain = "\x1b[0m";

Answer::Answer(const Model &model, Output &out, std::vector<std::string> stops, AnswerStyle style)
    : model(model), out(out), style(style), thoughtOpen(model.tokenizer.single(model.program.chat.thought_open)),
      thoughtClose(model.tokenizer.single(model.program.chat.thought_close)), matcher(std::move(stops)) {
  if (thoughtClose < 0)
    thoughtOpen = -1;
  decoded.reserve(4096);
  visible.reserve(4096);
}

void Answer::begin() {
  std::string nothing;
  characters.finish(nothing);
  matcher.reset();
  thinking = stopped = false;
  first = true;
  if (style.startsInThought && thoughtOpen >= 0)
    setThinking(true);
}

void Answer::show(std::string_view text) {
  if (!style.ids)
    out.write(text);
}

// Passes completed characters on: thoughts straight to the screen, the answer through the stop strings.
void Answer::flushCharacters() {
  if (thinking) {
    if (style.special || style.thoughts != Thoughts::hidden)
      show(decoded);
  } else {
    visible.clear();
    stopped = matcher.push(decoded, visible);
    show(visible);
  }
  decoded.clear();
}

void Answer::setThinking(bool now) {
  if (thinking == now)
    return;
  thinking = now;
  if (style.special || style.ids || style.thoughts == Thoughts::hidden)
    return;
  if (style.thoughts == Thoughts::dimmed) {
    styledOnSignal(now);
    out.writeCode(now ? dim : plain);
  }
  if (!now)
    show("\n");
}

void Answer::showControl(int32_t token) {
  characters.finish(decoded);
  flushCharacters();
  if (stopped)
    return;
  if (token == thoughtOpen || style.special) {
    visible.clear();
    matcher.finish(visible);
    show(visible);
  }
  if (token == thoughtOpen)
    setThinking(true);
  if (style.special)
    show(model.tokenizer.text(token));
  if (token == thoughtClose)
    setThinking(false);
}

bool Answer::push(int32_t token) {
  if (style.ids) {
    char digits[16];
    char *end = std::to_chars(digits, digits + sizeof(digits), token).ptr;
    if (!first)
      out.write(" ");
    out.write({digits, static_cast<size_t>(end - digits)});
  }
  first = false;
  if (model.tokenizer.kind(token) == GEMMAC_TOKEN_CONTROL) {
    showControl(token);
  } else if (style.special || !model.isStop(token)) { // the end of an answer is no part of it
    characters.push(model.tokenizer.text(token), decoded);
    flushCharacters();
  }
  out.flush();
  return stopped;
}

void Answer::finish() {
  if (!stopped) {
    characters.finish(decoded);
    flushCharacters();
  }
  if (!stopped) {
    visible.clear();
    matcher.finish(visible);
    show(visible);
  }
  if (thinking && style.thoughts == Thoughts::dimmed && !style.special && !style.ids) {
    styledOnSignal(false);
    out.writeCode(plain);
  }
  out.flush();
}

} // namespace gemmac::runtime
