// The compiler's command line: compile, targets, inspect. The options of compile are in
// compiler/pipeline/OptionTable.cpp.
#include "compiler/artifact/Link.h"
#include "compiler/artifact/OutputFile.h"
#include "compiler/base/Messages.h"
#include "compiler/base/Process.h"
#include "compiler/driver/CommandLine.h"
#include "compiler/driver/CompileCommand.h"
#include "compiler/driver/Inspect.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <sstream>

using namespace gemmac;

static constexpr const char *footer = R"(
Examples:
  gemmac compile gemma-4-E2B-it -o gemma          4-bit program for this machine; ./gemma chats
  gemmac compile gemma-4-E2B-it -o gemma-arm --target aarch64-linux --context 32768
  gemmac compile gemma-4-E2B-it -o gemma --weights auto --max-rss 1.2GB
                                                  the best quality that keeps 1.2 GB, measured
  gemmac compile model -o exact --weights f32     reproduces the reference token for token
  gemmac compile gemma-3-270m.gguf -o gemma       from a GGUF file
  gemmac compile model --stop-after plan          prints the plan as MLIR; gemmac-opt reads it
  gemmac inspect gemma-4-E2B-it                   what a checkpoint is

Exit codes: 0 success; 1 defect of gemmac; 2 bad command line; 3 bad checkpoint; 4 a file could not be read or
written, or the disk is full; 130 interrupted. On any but 0 no output file is left behind. An option that is given twice
counts as it is given last.)";

static llvm::Error print(llvm::StringRef text) {
  std::error_code code = writeStandardOutput(text);
  return code ? standardOutputError(code) : llvm::Error::success();
}

static llvm::Error listTargets(const TargetRegistry &targets, const std::string &program) {
  std::string text;
  llvm::raw_string_ostream os(text);
  const TargetBackend *native = targets.find("native");
  for (const std::string &name : targets.names()) {
    const TargetBackend *target = targets.find(name);
    os << name << (target == native ? "  (native)" : "") << "\n";
    for (const TargetLevel &level : target->levels())
      os << "  " << level.name << ": " << level.description << "\n";
    std::string runtime = runtimeDirectory(program, name);
    if (needsRuntime(*target) && !hasRuntime(runtime))
      os << "  no runtime in this installation (" << runtime << "): --emit exe is not possible\n";
  }
  return print(text);
}

static llvm::Error inspect(const std::string &path, const ImportOptions &options) {
  llvm::Expected<Checkpoint> checkpoint = importCheckpoint(path, options);
  return checkpoint ? print(printable(describeCheckpoint(*checkpoint))) : checkpoint.takeError();
}

/// CLI11's words, where they are not a person's.
static std::string explain(const CLI::ParseError &error) {
  std::string text = error.what();
  if (error.get_name() == "ArgumentMismatch")
    return text.substr(0, text.find(':')) + ": needs a value";
  if (text == "A subcommand is required")
    return "expected a command: compile, targets or inspect";
  return text;
}

static llvm::Error run(int argc, char **argv, void (*registerTargets)(TargetRegistry &)) {
  CLI::App app("gemmac compiles checkpoints of Gemma 3 and 4 into standalone programs.", "gemmac");
  app.footer(footer);
  app.require_subcommand(1);
  app.set_version_flag("--version", "gemmac " GEMMAC_VERSION);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast); // so that scripts can add options
  CompileCommand compileCommand(app);
  CLI::App *targetsCommand = app.add_subcommand("targets", "List targets and their ISA levels");
  CLI::App *inspectCommand = app.add_subcommand("inspect", "Tell what a checkpoint is, without compiling it");
  CompileOptions inspected;
  inspectCommand->add_option("MODEL", inspected.input, "Hugging Face directory or GGUF file")
      ->type_name("")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  const std::vector<CompileOption> inspectOptions = {ignoreConfigOption(), projectorOption()};
  std::vector<std::string> inspectWords(inspectOptions.size());
  for (auto [option, word] : llvm::zip_equal(inspectOptions, inspectWords))
    bindOption(*inspectCommand, option, inspected, word);
  auto isNamed = [&](CLI::App *command) { return command->get_name() == argv[1]; };
  if (argc > 1 && argv[1][0] != '-' && app.get_subcommands(isNamed).empty())
    return usageError("gemmac: error: unknown command '{0}', expected compile, targets or inspect", argv[1]);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &wanted) { // --help and --version
    std::ostringstream text;
    app.exit(wanted, text, text);
    return print(text.str());
  } catch (const CLI::ParseError &error) {
    return usageError("gemmac: error: {0}; --help explains the options", explain(error));
  }
  TargetRegistry targets;
  registerTargets(targets);
  static int anchor; // an address inside this program
  std::string program = llvm::sys::fs::getMainExecutable(argc > 0 ? argv[0] : "", &anchor);
  if (compileCommand.parsed())
    return compileCommand.run(targets, program);
  if (targetsCommand->parsed())
    return listTargets(targets, program);
  if (llvm::Error error = readOptions(inspectOptions, inspectWords, inspected))
    return error;
  return inspect(inspected.input, inspected.reading);
}

int gemmac::runCommandLine(int argc, char **argv, void (*registerTargets)(TargetRegistry &)) {
  installInterruptHandler();
  ProcessGuard guard("gemmac", removeUnfinishedFiles);
  if (std::error_code failed = secureStandardDescriptors()) {
    llvm::errs() << "gemmac: error: a standard descriptor is closed and nothing can take its place: "
                 << failed.message() << "\n";
    return static_cast<int>(ExitCode::inputOutput);
  }
  return static_cast<int>(reportError(run(argc, argv, registerTargets)));
}
