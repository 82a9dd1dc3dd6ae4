// `PROG` on a terminal: a conversation.
#include "Commands.h"

#include "Conversation.h"
#include "Notice.h"
#include "Signals.h"
#include "Text.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace gemmac::runtime {

namespace {
/// Lines from a terminal.
class LineReader {
public:
  enum class Result { line, end, failed };

  /// Reads up to the next line break, which it removes. The first Ctrl-C prints a hint; a second one ends the program
  /// in the signal handler.
  Result read(Output &out, std::string &line);

private:
  std::string pending;
};
} // namespace

LineReader::Result LineReader::read(Output &out, std::string &line) {
  for (bool warned = false;;) {
    if (size_t end = pending.find('\n'); end != pending.npos) {
      line = pending.substr(0, end);
      pending.erase(0, end + 1);
      clearInterrupt();
      return Result::line;
    }
    if (!waitForInput(STDIN_FILENO, warned)) {
      warned = true;
      pending.clear();
      out.write("\nPress Ctrl-C again or type /exit to leave.\n> ");
      out.flush();
      continue;
    }
    char bytes[4096];
    ssize_t got = ::read(STDIN_FILENO, bytes, sizeof(bytes));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return errno == EIO ? Result::end : Result::failed; // EIO: the terminal is gone
    if (got == 0 && pending.empty())
      return Result::end;
    if (got == 0)
      pending += '\n';
    pending.append(bytes, static_cast<size_t>(got));
  }
}

static constexpr std::string_view help =
    "/reset  forget the conversation and start a new one\n"
    "/exit   leave (or Ctrl-D)\n"
    "/help   this list\n"
    "A line that ends with \\ goes on in the next one. Ctrl-C stops an answer; twice, it leaves.\n";

// One message; lines that end with a backslash are joined by line breaks.
static LineReader::Result readMessage(LineReader &reader, Output &out, std::string &message) {
  message.clear();
  for (const char *mark = "> ";; mark = "  ") {
    out.write(mark);
    out.flush();
    std::string line;
    if (auto result = reader.read(out, line); result != LineReader::Result::line)
      return result;
    const bool more = !line.empty() && line.back() == '\\';
    if (more)
      line.back() = '\n';
    message += line;
    if (!more)
      return LineReader::Result::line;
  }
}

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
  const std::vector<int32_t> &tokens = conversation.ask(message);
  if (static_cast<int64_t>(tokens.size()) > model.session.remaining()) {
    notice(
        format("this message needs %zu tokens, but only %lld of the context's %lld are left; shorten it, or /reset to "
               "start a new conversation",
               tokens.size(), static_cast<long long>(model.session.remaining()),
               static_cast<long long>(model.session.context())));
    return {};
  }
  Generation generation;
  if (Status status = generate(model, sampler, tokens, options.limit, answer, generation); !status.ok())
    return status;
  conversation.answered(generation, answer.insideThought());
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
  if (!Prompt(model).hasChatFormat())
    return {ExitCode::usage, "this checkpoint has no chat format; use -p TEXT --raw to have it continue a text"};
  AnswerStyle style;
  style.special = options.special;
  style.ids = options.printIds;
  if (!options.hideThoughts)
    style.thoughts = isatty(STDOUT_FILENO) ? Thoughts::dimmed : Thoughts::shown;
  Output out(STDOUT_FILENO, "standard output");
  Chat chat{model,
            options,
            out,
            Sampler(program.vocab, sampling,
                    {program.sampling.suppress_ids, static_cast<size_t>(program.sampling.suppress_count)}),
            Answer(model, out, options.stops, style),
            Conversation(model, options.system, options.think)};
  if (!options.quiet)
    notice(format("%s, %s, %s, %s, context %lld. /help lists the commands, Ctrl-C stops an answer.",
                  program.name, program.weights, model.level->name, model.threads->describe().c_str(),
                  static_cast<long long>(model.session.context())));
  LineReader reader;
  for (std::string message; !out.failed();) {
    auto result = readMessage(reader, out, message);
    if (result == LineReader::Result::failed)
      return {ExitCode::inputOutput, format("cannot read standard input: %s", strerror(errno))};
    if (result == LineReader::Result::end) {
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
    else if (Status status = chat.reply(text); !status.ok())
      return status;
  }
  return out.finish();
}

} // namespace gemmac::runtime
