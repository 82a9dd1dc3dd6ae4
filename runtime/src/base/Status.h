// Exit codes of a compiled program and the small status that every fallible function of the runtime returns.
#ifndef GEMMAC_RUNTIME_STATUS_H
#define GEMMAC_RUNTIME_STATUS_H

#include <string>
#include <utility>

namespace gemmac::runtime {

/// Documented in docs/cli-program.md and in `--help`.
enum class ExitCode {
  success = 0,
  internal = 1,       ///< a defect of gemmac or of the compiled model
  usage = 2,          ///< bad command line
  damagedProgram = 3, ///< the program file was cut short or altered
  inputOutput = 4,    ///< a file, standard output or memory
  cpu = 5,            ///< this processor lacks what the program needs
  context = 6,        ///< the prompt does not fit into the context
  interrupted = 130   ///< Ctrl-C
};

/// Success, or an exit code with one line for people: what, where, got and expected, what to do.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(ExitCode code, std::string message) : exitCode(code), text(std::move(message)) {}

  bool ok() const { return exitCode == ExitCode::success; }
  ExitCode code() const { return exitCode; }
  /// Empty when there is nothing to say, such as after Ctrl-C or when a pipe was closed.
  const std::string &message() const { return text; }

private:
  ExitCode exitCode = ExitCode::success;
  std::string text;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_STATUS_H
