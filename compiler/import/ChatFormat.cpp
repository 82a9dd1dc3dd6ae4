#include "compiler/import/ChatFormat.h"

#include "compiler/import/template/Value.h" // what white space is

using namespace gemmac;
using llvm::StringRef;

static StringRef trimmed(const ChatFormat &format, uint32_t flag, StringRef text) {
  return format.flags & flag ? jinja::strip(text) : text;
}

/// Leaves spans from mark to mark out; what has only one of its marks is left to the flags.
static std::string withoutSpans(const ChatFormat &format, StringRef text) {
  StringRef open = format.thoughtOpen, close = format.thoughtClose;
  bool dropsMarks = format.flags & GEMMAC_CHAT_DROPS_MARKS;
  std::string result;
  while (true) {
    size_t from = text.find(open), to = text.find(close);
    if (to < from) { // a close without an open
      result += text.take_front(dropsMarks ? to : to + close.size());
      text = text.substr(to + close.size());
      continue;
    }
    result += text.take_front(from);
    if (from == StringRef::npos)
      return result;
    text = text.substr(from);
    to = text.find(close, open.size());
    if (to == StringRef::npos) {
      if (!(format.flags & GEMMAC_CHAT_DROPS_UNCLOSED))
        result += dropsMarks ? text.substr(open.size()) : text;
      return result;
    }
    text = text.substr(to + close.size());
    if (format.flags & GEMMAC_CHAT_DROPS_BREAKS)
      text = text.ltrim('\n');
  }
}

std::string gemmac::answerInHistory(const ChatFormat &format, StringRef answer) {
  if (format.flags & GEMMAC_CHAT_DROPS_TO_LAST_CLOSE) {
    size_t close = answer.rfind(format.thoughtClose);
    if (close != StringRef::npos)
      answer = answer.substr(close + format.thoughtClose.size());
    if (close != StringRef::npos && format.flags & GEMMAC_CHAT_DROPS_BREAKS)
      answer = answer.ltrim('\n');
  }
  std::string kept = format.flags & GEMMAC_CHAT_DROPS_THOUGHTS ? withoutSpans(format, answer) : answer.str();
  return trimmed(format, GEMMAC_CHAT_TRIMS_ANSWERS, kept).str();
}

std::string gemmac::composeChat(const ChatFormat &format, gemmac_thinking thinking, const ChatTexts &texts) {
  const ChatMode &mode = format.modes[thinking];
  std::string result = format.bos;
  StringRef system = texts.system ? trimmed(format, GEMMAC_CHAT_TRIMS_SYSTEM, *texts.system) : StringRef();
  bool skipped = system.empty() && format.flags & GEMMAC_CHAT_SKIPS_EMPTY_SYSTEM;
  result += texts.system && !skipped ? mode.systemOpen + system.str() + mode.systemClose : mode.start;
  for (size_t i = 0; i < texts.turns.size(); ++i) {
    if (i % 2 == 0)
      result += trimmed(format, GEMMAC_CHAT_TRIMS_USER, texts.turns[i]);
    else
      result += mode.answered + answerInHistory(format, texts.turns[i]) + mode.next;
  }
  return result + mode.prompt;
}

static constexpr uint32_t usualFlags =
    GEMMAC_CHAT_EXISTS | GEMMAC_CHAT_SYSTEM | GEMMAC_CHAT_TRIMS_USER | GEMMAC_CHAT_TRIMS_ANSWERS;

ChatFormat gemmac::gemma4Format(StringRef bos, bool closedThought) {
  ChatFormat format;
  format.name = "gemma4";
  format.bos = bos.str();
  format.turnClose = "<turn|>";
  format.thoughtOpen = "<|channel>";
  format.thoughtClose = "<channel|>";
  format.flags = usualFlags | GEMMAC_CHAT_TRIMS_SYSTEM | GEMMAC_CHAT_DROPS_THOUGHTS | GEMMAC_CHAT_DROPS_UNCLOSED |
                 GEMMAC_CHAT_DROPS_MARKS;
  std::string user = "<|turn>user\n", model = "<turn|>\n<|turn>model\n", system = "<|turn>system\n",
              think = "<|think|>\n", close = "<turn|>\n";
  std::string closed = closedThought ? "<|channel>thought\n<channel|>" : "";
  format.modes[GEMMAC_THINK_DEFAULT] = {user, system, close + user, model + closed, model, close + user};
  format.modes[GEMMAC_THINK_OFF] = format.modes[GEMMAC_THINK_DEFAULT];
  format.modes[GEMMAC_THINK_ON] = {
      system + think + close + user, system + think, close + user, model, model, close + user};
  return format;
}

ChatFormat gemmac::gemma3Format(StringRef bos) {
  ChatFormat format;
  format.name = "gemma3";
  format.bos = bos.str();
  format.turnClose = "<end_of_turn>";
  format.flags = usualFlags;
  std::string user = "<start_of_turn>user\n", model = "<end_of_turn>\n<start_of_turn>model\n";
  for (ChatMode &mode : format.modes)
    mode = {user, user, "\n\n", model, model, "<end_of_turn>\n" + user};
  return format;
}

bool gemmac::sameFormat(const ChatFormat &a, const ChatFormat &b) {
  return a.bos == b.bos && a.turnClose == b.turnClose && a.thoughtOpen == b.thoughtOpen &&
         a.thoughtClose == b.thoughtClose && a.flags == b.flags &&
         std::equal(std::begin(a.modes), std::end(a.modes), std::begin(b.modes));
}
