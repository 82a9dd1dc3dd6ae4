// Runs compiled programs of this machine while another one is being compiled.
#ifndef GEMMAC_COMPILER_CALIBRATE_PROGRAMRUNNER_H
#define GEMMAC_COMPILER_CALIBRATE_PROGRAMRUNNER_H

#include "compiler/artifact/ScratchDirectory.h"

#include <string>
#include <vector>

namespace gemmac {

class ProgramRunner {
public:
  ProgramRunner(const ScratchDirectory &scratch, unsigned threads) : scratch(scratch), threads(threads) {}

  /// Runs `program` with `arguments` and `input` on its standard input. \returns its standard output.
  /// Errors name the command and what the program said: a defect, since everything given to it comes from us.
  llvm::Expected<std::string> run(const std::string &program, std::vector<std::string> arguments,
                                  llvm::StringRef input = "") const;
  /// The same for commands that compute: with the threads of this compilation.
  llvm::Expected<std::string> compute(const std::string &program, std::vector<std::string> arguments,
                                      llvm::StringRef input = "") const;
  std::string file(llvm::StringRef name) const { return scratch.file(name); }

private:
  const ScratchDirectory &scratch;
  unsigned threads;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_CALIBRATE_PROGRAMRUNNER_H
