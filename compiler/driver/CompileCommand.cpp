#include "compiler/driver/CompileCommand.h"

#include "compiler/artifact/Link.h"
#include "compiler/compile/Compile.h"

#include "llvm/ADT/StringExtras.h"

#include <thread>

namespace gemmac {

void bindOption(CLI::App &command, const CompileOption &option, CompileOptions &options, std::string &word) {
  if (option.flag) {
    command.add_flag(option.name, option.flag(options), option.help);
    return;
  }
  if (option.list) {
    command.add_option(option.name, option.list(options), option.help)
        ->type_name(option.valueName)
        ->allow_extra_args(false)
        ->take_all();
    return;
  }
  CLI::Option *bound = command.add_option(option.name, word, option.help)->type_name(option.valueName);
  if (option.problem)
    bound->check(CLI::Validator(option.problem, ""));
  if (!option.shownDefault.empty())
    bound->default_str(option.shownDefault);
  bound->required(option.name.front() != '-');
}

CompileCommand::CompileCommand(CLI::App &app)
    : command(app.add_subcommand("compile", "Compile a checkpoint into one executable")) {
  options.threads = std::max(1u, std::thread::hardware_concurrency());
  for (auto [option, word] : llvm::zip_equal(table, words))
    bindOption(*command, option, options, word);
}

llvm::Error CompileCommand::findTarget(const TargetRegistry &targets) {
  options.target = targets.find(options.targetName);
  if (!options.target)
    return usageError("--target: error: unknown target '{0}', expected native or one of {1}", options.targetName,
                      llvm::join(targets.names(), ", "));
  if (options.levels.empty())
    return llvm::Error::success();
  llvm::Expected<std::unique_ptr<TargetBackend>> named = withLevelsNamed(*options.target, options.levels);
  if (!named)
    return usageError("--isa: error: {0}", llvm::toString(named.takeError()));
  fewerLevels = std::move(*named);
  options.target = fewerLevels.get();
  return llvm::Error::success();
}

/// Now, not after minutes of work.
llvm::Error CompileCommand::findRuntimes(const TargetRegistry &targets, const std::string &program) {
  options.runtime = runtimeDirectory(program, options.target->name());
  if (options.emit == EmitKind::executable && needsRuntime(*options.target) && !hasRuntime(options.runtime))
    return usageError("--target: error: this installation has no runtime for {0}: {1}/link.txt is missing, and --emit "
                      "exe needs it; build gemmac with that name in CMake's GEMMAC_RUNTIME_TRIPLES (docs/packages.md)",
                      options.target->name(), options.runtime);
  if (!options.calibration)
    return llvm::Error::success();
  options.native = targets.find("native");
  if (!options.native)
    return usageError(
        "--calibration: error: runs programs of this machine, for which gemmac has no target; leave it out");
  options.nativeRuntime = runtimeDirectory(program, options.native->name());
  return llvm::Error::success();
}

llvm::Error CompileCommand::run(const TargetRegistry &targets, const std::string &program) {
  if (llvm::Error error = readOptions(table, words, options))
    return error;
  if (llvm::Error error = findTarget(targets))
    return error;
  if (llvm::Error error = completeOptions(options))
    return error;
  if (llvm::Error error = findRuntimes(targets, program))
    return error;
  return compileCheckpoint(std::move(options));
}

} // namespace gemmac
