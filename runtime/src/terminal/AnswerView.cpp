#include "terminal/AnswerView.h"

#include "base/Signals.h"

#include <charconv>

namespace gemmac::runtime {

static constexpr std::string_view dimCode = "\x1b[2m", plainCode = "\x1b[0m";

void AnswerView::show(std::string_view text) {
  if (!style.ids)
    out.write(text);
}

void AnswerView::setDim(bool now) {
  if (!styled() || dim == now)
    return;
  dim = now;
  styledOnSignal(now);
  out.writeCode(now ? dimCode : plainCode);
}

void AnswerView::closeThought() {
  setDim(false);
  if (!style.special && style.thoughts != Thoughts::hidden)
    show("\n");
}

void AnswerView::showId(int32_t token) {
  char digits[16];
  char *end = std::to_chars(digits, digits + sizeof(digits), token).ptr;
  if (!first)
    out.write(" ");
  out.write({digits, static_cast<size_t>(end - digits)});
  first = false;
}

/// Takes the style of an open thought back; the next answer begins anew.
void AnswerView::finish() {
  setDim(false);
  first = true;
  out.flush();
}

bool AnswerView::on(const Event &event) {
  switch (event.kind) {
  case Event::Kind::prompt:
    break;
  case Event::Kind::thoughtOpen:
    setDim(true);
    break;
  case Event::Kind::thought:
    if (style.special || style.thoughts != Thoughts::hidden)
      show(event.text);
    break;
  case Event::Kind::thoughtClose:
    closeThought();
    break;
  case Event::Kind::text:
  case Event::Kind::control:
    show(event.text);
    break;
  case Event::Kind::token:
    if (style.ids)
      showId(event.token);
    out.flush();
    break;
  case Event::Kind::end:
    finish();
    break;
  }
  return !out.failed();
}

} // namespace gemmac::runtime
