#include "generate/Conversation.h"

#include "base/Notice.h"
#include "base/Text.h"

#include <algorithm>
#include <cstring>

namespace gemmac::runtime {

Conversation::Conversation(const Model &model, const ChatOptions &options)
    : model(model), options(options), mode(model.program.chat.modes[options.thinking]) {}

std::string_view Conversation::trimmed(std::string_view text, uint32_t flag) const {
  return model.program.chat.flags & flag ? trim(text) : text;
}

/// <bos>, and what stands before the first question.
void Conversation::system(Prompt &prompt) const {
  prompt.piece(model.program.chat.bos, true);
  const std::string_view text =
      options.system ? trimmed(*options.system, GEMMAC_CHAT_TRIMS_SYSTEM) : std::string_view();
  const bool skipped = text.empty() && model.program.chat.flags & GEMMAC_CHAT_SKIPS_EMPTY_SYSTEM;
  if (!options.system || skipped)
    return prompt.piece(mode.start, true);
  prompt.piece(mode.system_open, true);
  prompt.piece(text, false);
  prompt.piece(mode.system_close, true);
}

/// Chat templates write the items of a message one after another, with nothing between them.
void Conversation::user(Prompt &prompt, const std::vector<Medium> &media, std::string_view text) const {
  for (const Medium &medium : media)
    prompt.medium(medium);
  prompt.piece(text, false);
}

const SoftPrompt &Conversation::ask(std::string_view text, std::vector<Medium> media) {
  question = trimmed(text, GEMMAC_CHAT_TRIMS_USER);
  shown = std::move(media);
  Prompt prompt(model);
  system(prompt);
  for (const Turn &turn : turns) {
    user(prompt, turn.media, turn.user);
    prompt.piece(options.keepThoughts ? mode.prompt : mode.answered, true);
    for (const MarkedPiece &piece : turn.answer)
      prompt.piece(piece.text, piece.control);
    prompt.piece(mode.next, true);
  }
  user(prompt, shown, question);
  prompt.piece(mode.prompt, true);
  next = {};
  prompt.encode(next);
  return next;
}

/// What the model wrote, without the token or text that ended it. A thought that the prompt opened is part of it.
MarkedText Conversation::said(const Generation &generation) const {
  const gemmac_chat &chat = model.program.chat;
  MarkedText text;
  const std::string_view prompt = mode.prompt;
  if (!options.keepThoughts && opensThought(chat, prompt) && !opensThought(chat, mode.answered))
    text.append(prompt.substr(prompt.rfind(chat.thought_open)), true);
  for (int32_t token : generation.tokens)
    if (!model.isStop(token))
      text.append(model.tokenizer.text(token), model.tokenizer.kind(token) == GEMMAC_TOKEN_CONTROL);
  if (const std::string_view end = turnEndText(model); generation.reason == EndReason::stopString && !end.empty())
    text = text.part(0, text.text.find(end));
  return text;
}

void Conversation::answered(const Generation &generation) {
  const gemmac_chat &chat = model.program.chat;
  MarkedText text = said(generation);
  if (!options.keepThoughts)
    text = answerInHistory(chat, std::move(text));
  if (opensThought(chat, text.text))
    text.append(chat.thought_close, true);
  turns.push_back({shown, question, piecesOf(text)});
}

void Conversation::withdraw() {
  shown.clear();
  question.clear();
  next = {};
}

void Conversation::reset() {
  turns.clear();
  withdraw();
}

static bool same(const gemmac_chat_mode &a, const gemmac_chat_mode &b) {
  return !strcmp(a.start, b.start) && !strcmp(a.system_open, b.system_open) &&
         !strcmp(a.system_close, b.system_close) && !strcmp(a.prompt, b.prompt) && !strcmp(a.answered, b.answered) &&
         !strcmp(a.next, b.next);
}

Status checkChat(const Model &model, const ChatOptions &options, bool quiet) {
  const gemmac_chat &chat = model.program.chat;
  if (!(chat.flags & GEMMAC_CHAT_EXISTS))
    return {ExitCode::usage, "this checkpoint has no chat format; use -p TEXT --raw to have it continue a text"};
  if (options.system && !(chat.flags & GEMMAC_CHAT_SYSTEM))
    return {ExitCode::usage, "--system: the chat template of this checkpoint takes no instructions; leave it out"};
  const gemmac_chat_mode *modes = chat.modes;
  const bool switches = !same(modes[GEMMAC_THINK_ON], modes[GEMMAC_THINK_OFF]);
  if (!quiet && options.thinking != GEMMAC_THINK_DEFAULT && !switches)
    notice(format("note: %s has no effect: the chat template of this checkpoint does not switch thinking",
                  options.thinking == GEMMAC_THINK_ON ? "--think" : "--no-think"));
  return {};
}

std::string_view turnEndText(const Model &model) { return model.turnEnd < 0 ? model.program.chat.turn_close : ""; }

} // namespace gemmac::runtime
