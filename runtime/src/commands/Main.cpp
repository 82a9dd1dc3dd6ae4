// main() of every compiled program.
#include "base/Files.h"
#include "base/Notice.h"
#include "base/Signals.h"
#include "commands/CommandLine.h"
#include "commands/Commands.h"

#include <malloc.h>
#include <unistd.h>

namespace gemmac::runtime {

static bool needsEngine(const Options &options) {
  const Command command = options.command;
  return command == Command::answer || command == Command::bench || command == Command::score ||
         (command == Command::media && !options.tell.soft.empty());
}

static Status runCommand(Model &model, const Options &options) {
  switch (options.command) {
  case Command::info:
    return runInfo(model, options);
  case Command::media:
    return runMedia(model, options);
  case Command::tokenize:
    return runTokenize(model, options.special);
  case Command::detokenize:
    return runDetokenize(model, options.special);
  case Command::bench:
    return runBench(model, options.bench, options.json);
  case Command::score:
    return runScore(model, options.score, options.json);
  case Command::answer:
    break;
  }
  const bool chats = !options.answer.prompt && options.answer.promptIds.empty() && isatty(STDIN_FILENO);
  if (chats && options.answer.raw)
    return {ExitCode::usage, "--raw needs a text to continue: give -p TEXT or standard input"};
  return chats ? runChat(model, options.answer, options.sampling) : runAnswer(model, options.answer, options.sampling);
}

/// Large blocks, such as pixels and soft tokens, go back to the system when they are freed. Without this, glibc takes
/// blocks as large as one that was freed from its heap from then on, where those that stay keep the room of those that
/// went: five pictures in a prompt left 12 MB behind.
static void giveLargeBlocksBack() { (void)mallopt(M_MMAP_THRESHOLD, 128 << 10); }

static int run(int argc, char **argv) {
  giveLargeBlocksBack();
  setProgramName(argc > 0 ? argv[0] : nullptr);
  installSignalHandlers();
  if (Status status = secureStandardDescriptors(); !status.ok()) {
    notice("error: " + status.message());
    return static_cast<int>(status.code());
  }
  Options options;
  int exitCode = 0;
  if (!parseCommandLine(argc, argv, gemmac_the_program, options, exitCode))
    return exitCode;
  Model model(gemmac_the_program);
  Status status = model.openData(argc > 0 ? argv[0] : nullptr);
  if (status.ok() && needsEngine(options))
    status = model.openEngine(options.engine);
  if (status.ok())
    status = runCommand(model, options);
  if (!status.message().empty())
    notice("error: " + status.message());
  return static_cast<int>(status.code());
}

} // namespace gemmac::runtime

int main(int argc, char **argv) { return gemmac::runtime::run(argc, argv); }
