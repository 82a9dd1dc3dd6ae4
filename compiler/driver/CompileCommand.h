// `gemmac compile` on the command line.
#ifndef GEMMAC_COMPILER_DRIVER_COMPILECOMMAND_H
#define GEMMAC_COMPILER_DRIVER_COMPILECOMMAND_H

#include "compiler/pipeline/OptionTable.h"

#include <CLI/CLI.hpp>

namespace gemmac {

/// Adds an option of the table to a command. Its value is left in `word`, or in `options` for flags and lists.
void bindOption(CLI::App &command, const CompileOption &option, CompileOptions &options, std::string &word);

class CompileCommand {
public:
  /// Adds the command to `app`, which must outlive this.
  explicit CompileCommand(CLI::App &app);
  bool parsed() const { return command->parsed(); }
  /// \param program path of gemmac itself: runtimes lie beside it.
  llvm::Error run(const TargetRegistry &targets, const std::string &program);

private:
  llvm::Error findTarget(const TargetRegistry &targets);
  llvm::Error findRuntimes(const TargetRegistry &targets, const std::string &program);

  CLI::App *command;
  std::vector<CompileOption> table = compileOptionTable();
  std::vector<std::string> words{table.size()}; ///< of each row
  CompileOptions options;
  std::unique_ptr<TargetBackend> fewerLevels; ///< what options.target points to with --isa
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_DRIVER_COMPILECOMMAND_H
