// The compiler's command line: compile, targets, inspect. What each option means is written here once and shown by
// --help; docs/cli.md is the longer reference.
#include "compiler/artifact/Link.h"
#include "compiler/artifact/OutputFile.h"
#include "compiler/artifact/ProgramSummary.h"
#include "compiler/driver/Compile.h"
#include "compiler/driver/Inspect.h"
#include "compiler/driver/Messages.h"
#include "compiler/driver/Process.h"
#include "dialects/formats/CacheLayout.h"
#include "targets/TargetBackend.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <cmath>
#include <sstream>
#include <thread>

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

namespace {

/// The words of the command line before they are checked.
struct Words {
  std::string target = "native", weights, embeddings, perLayerTable, cache, emit, rounding, calibration, activations;
  std::string maxResident, maxFile, maxDivergence, levels;
  std::optional<int64_t> context, chunk;
};

} // namespace

static int code(ExitCode exitCode) { return static_cast<int>(exitCode); }

static std::string phaseNames() {
  std::string names;
  for (const Phase &phase : phases())
    names += (names.empty() ? "" : ", ") + phase.name.str();
  return names;
}

static std::string phaseHelp() {
  std::string help = "Print the module after this phase:";
  for (const Phase &phase : phases())
    help += llvm::formatv("\n  {0,-9} {1}", phase.name, phase.summary);
  return help;
}

/// A whole number of at least 1; CLI11's own validators answer with ranges of floating-point numbers.
static std::string positive(const std::string &word) {
  int64_t value;
  if (llvm::StringRef(word).getAsInteger(10, value) || value < 1)
    return "got '" + word + "', expected a whole number above 0";
  return {};
}

static std::string chatFormatName(const std::string &word) {
  if (word != "gemma4" && word != "gemma3" && word != "none")
    return "got '" + word + "', expected gemma4, gemma3 or none";
  return {};
}

static std::string roundingWords() { return llvm::join(llvm::ArrayRef(roundingNames), ", "); }

static void addIgnoreConfig(CLI::App *command, ImportOptions &options) {
  command
      ->add_option(
          "--ignore-config", options.ignoredFields,
          "Leave out a field of config.json or GGUF metadata that gemmac does not know, as its message names it;\n"
          "may be given several times")
      ->type_name("FIELD")
      ->allow_extra_args(false)
      ->take_all();
}

static CLI::App *addCompile(CLI::App &app, CompileOptions &options, Words &words) {
  CLI::App *compile = app.add_subcommand("compile", "Compile a checkpoint into one executable");
  std::string formats = choosableFormatNames();
  options.threads = std::max(1u, std::thread::hardware_concurrency());
  auto word = [&](const char *name, std::string &value, const char *placeholder, const std::string &help) {
    return compile->add_option(name, value, help)->type_name(placeholder);
  };
  auto count = [&](const char *name, auto &value, const std::string &help) {
    return compile->add_option(name, value, help)->type_name("N")->check(CLI::Validator(positive, ""));
  };
  word("MODEL", options.input, "", "Hugging Face directory or GGUF file of a Gemma 3 or 4 model")->required();
  word("-o,--output", options.output, "FILE", "The program to write; - for standard output with --emit mlir");
  word("--target", words.target, "NAME", "A name from `gemmac targets`, or native")->capture_default_str();
  word("--isa", words.levels, "LEVELS",
       "ISA levels that the program holds, as avx2,avx512: a smaller program for fewer machines\n(default: all of the "
       "target)");
  word("--weights", words.weights, "F",
       "Format of matrices: " + formats +
           " (default: q4); or auto: one for each matrix, by how much it matters. Keeps\n"
           "--max-rss and --max-size with the least KL divergence, or --max-kld with the smallest program; else it is "
           "no\n"
           "larger than q4. Takes minutes, as programs run meanwhile");
  word("--embeddings", words.embeddings, "F",
       "Format of the embedding table and head (default: as --weights, but q5 or q6 at least)");
  word("--per-layer-table", words.perLayerTable, "F",
       "Format of the per-layer embedding table (default: as --weights)");
  word("--activations", words.activations, "BITS",
       "What quantized matrices multiply with: 8 or 16 bits (default: 16 with --weights q8, else 8). 16 costs prompts "
       "up to\n"
       "half of their speed, one token at a time little");
  word("--cache", words.cache, "F",
       "KV cache: " + cacheFormatNames() +
           ", or by kind of layer: sliding=F,full=F (default: f32 with --weights f32, else f16)");
  word("--rounding", words.rounding, "R",
       "How weights are rounded: " + roundingWords() + " (default: gptq with --calibration, else search)");
  word("--calibration", words.calibration, "FILE",
       "Text, or JSON with prompts, to round and measure with; 'default' for what gemmac brings along");
  word("--chat-format", options.reading.chatFormat, "NAME",
       "gemma4, gemma3 or none, instead of what the checkpoint's chat template says")
      ->check(CLI::Validator(chatFormatName, ""));
  count("--context", words.context, "Positions of a conversation (default: the model's, at most 4096)");
  count("--chunk", words.chunk,
        "Prompt tokens that are worked on at once (default: " + std::to_string(options.plan.chunk) + ")");
  count("--slots", options.plan.slots,
        "Sequences that the program holds at once, each with a KV cache of its own (default: 1, at most " +
            std::to_string(mostSlots) + ")");
  word(
      "--max-rss", words.maxResident, "SIZE",
      "Most memory that the program may keep resident, as 1.1GB or 900MiB. Chooses --chunk, --cache, --embeddings and\n"
      "--weights accordingly where they are not given, and says so; an error when it cannot be");
  word("--max-size", words.maxFile, "SIZE", "Largest file that the program may be; an error when it cannot be");
  word("--max-kld", words.maxDivergence, "NATS",
       "Most KL divergence from the unquantized program, measured on the calibration text; an error when it is more");
  word("--emit", words.emit, "KIND",
       "exe (default); mlir; llvm, asm, obj: OUT.<level>.ll, .s, .o, one for each ISA level");
  word("--stop-after", options.stopAfter, "PHASE", phaseHelp());
  word("--dump-phases", options.dumpDirectory, "DIR", "Write the module after every phase into this directory");
  addIgnoreConfig(compile, options.reading);
  count("-j,--jobs", options.threads, "Threads (default: all cores)");
  compile->add_flag("--profile", options.plan.marks, "Let the program measure its own steps: `PROG bench --kernels`");
  compile->add_flag("-q,--quiet", options.quiet, "No progress, notes or report");
  word("--json-report", options.jsonReport, "FILE", "Write the report as JSON: sizes, formats, phases");
  return compile;
}

static ExitCode usage(const std::string &message) {
  llvm::errs() << printable(message) << "\n";
  return ExitCode::usage;
}

/// Reads one format name into `result`. Empty leaves it as it is.
static ExitCode readFormat(const char *option, const std::string &word, std::optional<Format> &result) {
  if (word.empty())
    return ExitCode::success;
  std::optional<Format> format = parseFormat(word);
  if (!format || !llvm::is_contained(choosableFormats, *format))
    return usage(llvm::formatv("{0}: error: unknown format '{1}', expected {2}{3}", option, word,
                               choosableFormatNames(), llvm::StringRef(option) == "--weights" ? ", or auto" : ""));
  result = format;
  return ExitCode::success;
}

/// Reads "q8", "sliding=q8", "full=q4" or both kinds with a comma between them. A kind that is not named keeps its
/// default.
static ExitCode readCache(llvm::StringRef word, CompileOptions &options) {
  Format usual = options.formats.weights == Format::F32 ? Format::F32 : Format::F16;
  std::optional<Format> sliding, full;
  llvm::SmallVector<llvm::StringRef> parts;
  word.split(parts, ',');
  for (llvm::StringRef part : word.empty() ? llvm::ArrayRef<llvm::StringRef>() : parts) {
    auto [kind, name] = part.contains('=') ? part.split('=') : std::pair(llvm::StringRef(), part);
    std::optional<Format> format = parseFormat(name);
    if (!format || !isCacheFormat(*format))
      return usage(
          llvm::formatv("--cache: error: unknown format '{0}' in '{1}', expected {2}", name, word, cacheFormatNames()));
    bool both = !part.contains('=');
    if (!both && kind != "sliding" && kind != "full")
      return usage(llvm::formatv(
          "--cache: error: unknown kind of layers '{0}' in '{1}', expected sliding=F, full=F, or one format "
          "for both",
          kind, word));
    for (auto [layers, result] : {std::pair("sliding", &sliding), {"full", &full}}) {
      if (!both && kind != layers)
        continue;
      if (*result)
        return usage(llvm::formatv("--cache: error: '{0}' gives {1} layers two formats; give one", word, layers));
      *result = *format;
    }
  }
  options.plan.cacheFormat = full.value_or(usual);
  if (sliding.value_or(usual) != options.plan.cacheFormat)
    options.plan.slidingCacheFormat = sliding.value_or(usual);
  return ExitCode::success;
}

static ExitCode readFormats(const Words &words, CompileOptions &options) {
  std::optional<Format> weights;
  options.chooseFormats = words.weights == "auto"; // what it does not choose is as with the default
  if (!options.chooseFormats)
    if (ExitCode failed = readFormat("--weights", words.weights, weights); failed != ExitCode::success)
      return failed;
  options.formats.weights = weights.value_or(Format::Q4);
  if (ExitCode failed = readFormat("--embeddings", words.embeddings, options.formats.embeddings);
      failed != ExitCode::success)
    return failed;
  if (ExitCode failed = readFormat("--per-layer-table", words.perLayerTable, options.formats.perLayerTable);
      failed != ExitCode::success)
    return failed;
  return readCache(words.cache, options);
}

/// Cuts the target down to the levels that were named; `subset` then holds what `options` points to.
static ExitCode readLevels(const Words &words, std::unique_ptr<TargetBackend> &subset, CompileOptions &options) {
  if (words.levels.empty())
    return ExitCode::success;
  llvm::Expected<std::unique_ptr<TargetBackend>> named = withLevelsNamed(*options.target, words.levels);
  if (!named)
    return usage("--isa: error: " + llvm::toString(named.takeError()));
  subset = std::move(*named);
  options.target = subset.get();
  return ExitCode::success;
}

static ExitCode readActivations(const Words &words, CompileOptions &options) {
  if (words.activations.empty())
    return ExitCode::success;
  if (words.activations != "8" && words.activations != "16")
    return usage("--activations: error: got '" + words.activations + "', expected 8 or 16");
  options.activationBits = words.activations == "16" ? 16 : 8;
  return ExitCode::success;
}

/// Which rounding, and whether programs run for it.
static ExitCode readRounding(const Words &words, CompileOptions &options) {
  if (!words.calibration.empty())
    options.calibration = words.calibration == "default" ? "" : words.calibration;
  else if (options.chooseFormats || options.maxDivergence)
    options.calibration = "";
  options.rounding = options.calibration ? Rounding::feedback : Rounding::search;
  if (words.rounding.empty())
    return ExitCode::success;
  auto *found = llvm::find(roundingNames, llvm::StringRef(words.rounding));
  if (found == std::end(roundingNames))
    return usage("--rounding: error: unknown rounding '" + words.rounding + "', expected one of " + roundingWords());
  options.rounding = static_cast<Rounding>(found - std::begin(roundingNames));
  if (options.rounding >= Rounding::weighted && !options.calibration)
    options.calibration = "";
  return ExitCode::success;
}

static ExitCode readEmit(const Words &words, CompileOptions &options) {
  static constexpr std::pair<const char *, EmitKind> kinds[] = {{"mlir", EmitKind::mlir},
                                                                {"llvm", EmitKind::llvm},
                                                                {"asm", EmitKind::assembly},
                                                                {"obj", EmitKind::object},
                                                                {"exe", EmitKind::executable}};
  std::string word = !words.emit.empty() ? words.emit : options.stopAfter.empty() ? "exe" : "mlir";
  auto *found = llvm::find_if(kinds, [&](auto &kind) { return kind.first == word; });
  if (found == std::end(kinds))
    return usage("--emit: error: unknown kind '" + word + "', expected mlir, llvm, asm, obj or exe");
  options.emit = found->second;
  if (!options.stopAfter.empty() && !findPhase(options.stopAfter))
    return usage("--stop-after: error: unknown phase '" + options.stopAfter + "', expected one of " + phaseNames());
  if (!options.stopAfter.empty() && options.emit != EmitKind::mlir)
    return usage("--stop-after: error: gives MLIR, but --emit asks for " + word + "; leave one of them out");
  if (options.emit == EmitKind::mlir && !options.jsonReport.empty())
    return usage("--json-report: error: there is no report with --emit mlir; leave one of them out");
  if (options.output.empty() && options.emit == EmitKind::mlir)
    options.output = "-";
  if (options.output.empty())
    return usage("-o: error: no output was named; add -o FILE");
  if (options.output == options.jsonReport)
    return usage("--json-report: error: names the output file; give it another name");
  if (options.calibration && options.emit != EmitKind::executable)
    return usage(
        "--emit: error: --calibration, its roundings, --weights auto and --max-kld pack weights, which only --emit "
        "exe does; leave one out");
  if (options.maxFile && options.emit != EmitKind::executable)
    return usage("--max-size: error: limits what --emit exe writes; leave one of them out");
  if (options.output == "-" && options.emit != EmitKind::mlir)
    return usage("-o: error: only --emit mlir can go to standard output; name a file");
  return ExitCode::success;
}

/// Reads a size in bytes. Empty leaves it as it is.
static ExitCode readSize(const char *option, const std::string &word, uint64_t &result) {
  if (word.empty())
    return ExitCode::success;
  std::optional<uint64_t> bytes = parseBytes(word);
  if (!bytes)
    return usage(llvm::formatv("{0}: error: got '{1}', expected a size such as 1.1GB, 1400MB or 1GiB", option, word));
  result = *bytes;
  return ExitCode::success;
}

static ExitCode readLimits(const Words &words, CompileOptions &options) {
  if (ExitCode failed = readSize("--max-rss", words.maxResident, options.maxResident); failed != ExitCode::success)
    return failed;
  if (ExitCode failed = readSize("--max-size", words.maxFile, options.maxFile); failed != ExitCode::success)
    return failed;
  if (options.maxResident)
    options.open = {!words.chunk, words.cache.empty(), words.embeddings.empty(), words.weights.empty()};
  if (words.maxDivergence.empty())
    return ExitCode::success;
  double limit = 0;
  if (llvm::StringRef(words.maxDivergence).getAsDouble(limit) || !(limit > 0) || !std::isfinite(limit))
    return usage("--max-kld: error: got '" + words.maxDivergence +
                 "', expected a number above 0, in nats, such as 0.01");
  options.maxDivergence = limit;
  return ExitCode::success;
}

/// Finds the target's runtime now, not after minutes of work.
static ExitCode readRuntime(const std::string &program, CompileOptions &options) {
  options.runtime = runtimeDirectory(program, options.target->name());
  if (options.emit != EmitKind::executable || hasRuntime(options.runtime))
    return ExitCode::success;
  return usage("--target: error: this installation has no runtime for " + options.target->name().str() + ": " +
               options.runtime +
               "/link.txt is missing, and --emit exe needs it; build gemmac with that name in CMake's "
               "GEMMAC_RUNTIME_TRIPLES (docs/packages.md)");
}

static ExitCode compile(CompileOptions options, const Words &words, const TargetRegistry &targets,
                        const std::string &program) {
  options.target = targets.find(words.target);
  if (!options.target)
    return usage("--target: error: unknown target '" + words.target + "', expected native or one of " +
                 llvm::join(targets.names(), ", "));
  std::unique_ptr<TargetBackend> fewerLevels; // outlives the compilation
  if (ExitCode failed = readLevels(words, fewerLevels, options); failed != ExitCode::success)
    return failed;
  if (ExitCode failed = readFormats(words, options); failed != ExitCode::success)
    return failed;
  options.plan.chunk = words.chunk.value_or(options.plan.chunk);
  if (options.plan.slots > mostSlots)
    return usage(
        llvm::formatv("--slots: error: got {0}, expected at most {1} sequences", options.plan.slots, mostSlots));
  if (ExitCode failed = readActivations(words, options); failed != ExitCode::success)
    return failed;
  if (ExitCode failed = readLimits(words, options); failed != ExitCode::success)
    return failed;
  if (ExitCode failed = readRounding(words, options); failed != ExitCode::success)
    return failed;
  if (ExitCode failed = readEmit(words, options); failed != ExitCode::success)
    return failed;
  if (ExitCode failed = readRuntime(program, options); failed != ExitCode::success)
    return failed;
  if (!options.calibration)
    return compileCheckpoint(std::move(options), words.context);
  options.native = targets.find("native");
  if (!options.native)
    return usage("--calibration: error: runs programs of this machine, for which gemmac has no target; leave it out");
  options.nativeRuntime = runtimeDirectory(program, options.native->name());
  return compileCheckpoint(std::move(options), words.context);
}

static ExitCode print(llvm::StringRef text) {
  std::error_code code = writeStandardOutput(text);
  return code ? reportError(standardOutputError(code)) : ExitCode::success;
}

static ExitCode listTargets(const TargetRegistry &targets, const std::string &program) {
  std::string text;
  llvm::raw_string_ostream os(text);
  const TargetBackend *native = targets.find("native");
  for (const std::string &name : targets.names()) {
    const TargetBackend *target = targets.find(name);
    os << name << (target == native ? "  (native)" : "") << "\n";
    for (const TargetLevel &level : target->levels())
      os << "  " << level.name << ": " << level.description << "\n";
    std::string runtime = runtimeDirectory(program, name);
    if (!hasRuntime(runtime))
      os << "  no runtime in this installation (" << runtime << "): --emit exe is not possible\n";
  }
  return print(text);
}

static ExitCode inspect(const std::string &path, const ImportOptions &options) {
  llvm::Expected<Checkpoint> checkpoint = importCheckpoint(path, options);
  if (!checkpoint)
    return reportError(checkpoint.takeError());
  return print(printable(describeCheckpoint(*checkpoint)));
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

static int run(int argc, char **argv) {
  CLI::App app("gemmac compiles checkpoints of Gemma 3 and 4 into standalone programs.", "gemmac");
  app.footer(footer);
  app.require_subcommand(1);
  app.set_version_flag("--version", "gemmac " GEMMAC_VERSION);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast); // so that scripts can add options
  CompileOptions options;
  Words words;
  std::string inspected;
  CLI::App *compileCommand = addCompile(app, options, words);
  CLI::App *targetsCommand = app.add_subcommand("targets", "List targets and their ISA levels");
  CLI::App *inspectCommand = app.add_subcommand("inspect", "Tell what a checkpoint is, without compiling it");
  inspectCommand->add_option("MODEL", inspected, "Hugging Face directory or GGUF file")
      ->type_name("")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  addIgnoreConfig(inspectCommand, options.reading);
  auto isNamed = [&](CLI::App *command) { return command->get_name() == argv[1]; };
  if (argc > 1 && argv[1][0] != '-' && app.get_subcommands(isNamed).empty())
    return code(
        usage(std::string("gemmac: error: unknown command '") + argv[1] + "', expected compile, targets or inspect"));
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &wanted) { // --help and --version
    std::ostringstream text;
    app.exit(wanted, text, text);
    return code(print(text.str()));
  } catch (const CLI::ParseError &error) {
    return code(usage("gemmac: error: " + explain(error) + "; --help explains the options"));
  }
  TargetRegistry targets;
  registerAllTargets(targets);
  static int anchor; // an address inside this program
  std::string program = llvm::sys::fs::getMainExecutable(argc > 0 ? argv[0] : "", &anchor);
  if (compileCommand->parsed())
    return code(compile(std::move(options), words, targets, program));
  if (targetsCommand->parsed())
    return code(listTargets(targets, program));
  return code(inspect(inspected, options.reading));
}

int main(int argc, char **argv) {
  installInterruptHandler();
  ProcessGuard guard("gemmac", removeUnfinishedFiles);
  if (std::error_code failed = secureStandardDescriptors()) {
    llvm::errs() << "gemmac: error: a standard descriptor is closed and nothing can take its place: "
                 << failed.message() << "\n";
    return code(ExitCode::inputOutput);
  }
  return run(argc, argv);
}
