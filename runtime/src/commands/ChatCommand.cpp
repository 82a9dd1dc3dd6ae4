// `PROG` on a terminal: a conversation.
#include "commands/Commands.h"

#include "base/Notice.h"
#include "base/Signals.h"
#include "base/Text.h"
#include "generate/Conversation.h"
#include "terminal/LineEditor.h"
#include "terminal/Terminal.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace gemmac::runtime {

static constexpr std::string_view help =
    "/reset  forget the conversation and start a new one\n"
    "/exit   leave (or Ctrl-D)\n"
    "/help   this list\n"
    "A line that ends with \\ goes on in the next one; so does Alt-Enter, and what is pasted is one message.\n"
    "Up and down recall messages. Ctrl-C stops an answer; twice, it leaves.\n";

namespace {
/// The pieces of a conversation on the terminal.
struct Chat {
  Model &model;
  const AnswerOptions &options;
  Output &out;
  Sampler sampler;
  Answer answer;
  Conversation conversation;

  Status reply(std::string_view message);
  void reset();
};
} // namespace

void Chat::reset() {
  model.session.reset();
  sampler.reset();
  conversation.reset();
}

Status Chat::reply(std::string_view message) {
  const std::span<const int32_t> tokens = conversation.ask(message);
  size_t held = conversation.held();
  const auto context = static_cast<long long>(model.session.context()), used = static_cast<long long>(held);
  if (static_cast<long long>(tokens.size()) > context) {
    notice(
        format("this message needs %zu tokens, but only %lld of the context's %lld are left; shorten it, or /reset to "
               "start a new conversation",
               tokens.size() - held, context - used, context));
    return {};
  }
  held = static_cast<size_t>(model.session.rewind(static_cast<int64_t>(held)));
  sampler.reset();
  for (int32_t token : tokens.first(held))
    sampler.accept(token);
  Generation generation;
  if (Status status = generate(model, sampler, tokens.subspan(held), options.limit, answer, generation); !status.ok())
    return status;
  conversation.answered(generation, held);
  clearInterrupt();
  out.write("\n");
  out.flush();
  if (generation.reason == EndReason::interrupted)
    notice("stopped");
  if (generation.reason == EndReason::context)
    notice("the context is full; /reset starts a new conversation");
  return {};
}

Status runChat(Model &model, const AnswerOptions &options, const SamplingOptions &sampling) {
  const gemmac_program &program = model.program;
  if (Status status = checkChat(model, options.chat, options.quiet); !status.ok())
    return status;
  AnswerStyle style;
  style.special = options.special;
  style.ids = options.printIds;
  style.startsInThought = opensThought(program.chat, program.chat.modes[options.chat.thinking].prompt);
  if (!options.hideThoughts)
    style.thoughts = showsStyles() ? Thoughts::dimmed : Thoughts::shown;
  Output out(STDOUT_FILENO, "standard output");
  std::vector<std::string> stops = options.stops;
  if (!turnEndText(model).empty())
    stops.emplace_back(turnEndText(model));
  Chat chat{model,
            options,
            out,
            Sampler(program.vocab, sampling,
                    {program.sampling.suppress_ids, static_cast<size_t>(program.sampling.suppress_count)}),
            Answer(model, out, std::move(stops), style),
            Conversation(model, options.chat)};
  LineEditor editor(out);
  if (!options.quiet)
    notice(format("%s, %s, %s, %s, context %lld. /help lists the commands, Ctrl-C stops an answer.", program.name,
                  program.weights, model.level->name, model.threads->describe().c_str(),
                  static_cast<long long>(model.session.context())));
  for (std::string message; !out.failed();) {
    auto result = editor.read(message);
    if (result == LineEditor::Result::failed)
      return {ExitCode::inputOutput, format("cannot read standard input: %s", strerror(errno))};
    if (result == LineEditor::Result::end) {
      out.write("\n");
      break;
    }
    const std::string_view text = trim(message);
    if (text.empty())
      continue;
    if (text == "/exit" || text == "/quit")
      break;
    if (text == "/help")
      out.write(help);
    else if (text == "/reset")
      chat.reset();
    else if (text.front() == '/' && text.find_first_of(" \n/", 1) == text.npos)
      notice(format("no command '%.*s'; /help lists them", static_cast<int>(text.size()), text.data()));
    else if (Status status = chat.reply(message); !status.ok())
      return status;
  }
  return out.finish();
}

} // namespace gemmac::runtime
