// Exit codes of gemmac; documented in docs/cli.md and in `gemmac --help`.
#ifndef GEMMAC_COMPILER_BASE_EXITCODES_H
#define GEMMAC_COMPILER_BASE_EXITCODES_H

namespace gemmac {
enum class ExitCode {
  success = 0,
  internal = 1,     ///< a stage of the compilation failed; a defect of gemmac
  usage = 2,        ///< bad command line, unknown target or format
  badInput = 3,     ///< the checkpoint is missing, damaged, contradictory or of another architecture
  inputOutput = 4,  ///< a file or standard output, or a full disk or memory
  interrupted = 130 ///< Ctrl-C, SIGTERM or SIGHUP; nothing is left behind
};
} // namespace gemmac

#endif // GEMMAC_COMPILER_BASE_EXITCODES_H
