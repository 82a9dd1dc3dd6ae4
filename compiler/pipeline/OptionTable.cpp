#include "compiler/pipeline/OptionTable.h"

#include "compiler/pipeline/Stages.h"
#include "dialects/formats/CacheLayout.h"

#include "llvm/ADT/STLExtras.h"

namespace gemmac {

static std::string stageHelp() {
  std::string help = "Print the module after this phase:";
  for (const StageInfo &stage : stages())
    help += llvm::formatv("\n  {0,-9} {1}", stage.name, stage.summary);
  return help;
}

static std::string chatFormatProblem(const std::string &word) {
  if (word != "gemma4" && word != "gemma3" && word != "none")
    return "got '" + word + "', expected gemma4, gemma3 or none";
  return {};
}

static std::string slotsProblem(const std::string &word) {
  std::string problem = positiveProblem(word);
  int64_t slots = 0;
  if (problem.empty() && (llvm::StringRef(word).getAsInteger(10, slots) || slots > mostSlots))
    problem = "got " + word + ", expected at most " + std::to_string(mostSlots);
  return problem;
}

static std::string imageTokensProblem(const std::string &word) {
  int64_t tokens = 0;
  if (!llvm::StringRef(word).getAsInteger(10, tokens) && llvm::is_contained(imageBudgets, tokens))
    return {};
  return "got '" + word + "', expected 70, 140, 280, 560 or 1120";
}

template <typename Place>
static CompileOption count(const char *name, Place place, std::string help, bool OpenOptions::*open = nullptr) {
  return {.name = name,
          .valueName = "N",
          .help = std::move(help),
          .read = countReader(place),
          .problem = positiveProblem,
          .open = open};
}

static CompileOption flag(const char *name, bool &(*place)(CompileOptions &), const char *help) {
  return {.name = name, .help = help, .flag = place};
}

CompileOption ignoreConfigOption() {
  return {.name = "--ignore-config",
          .valueName = "FIELD",
          .help =
              "Leave out a field of config.json or GGUF metadata that gemmac does not know, as its message names it;\n"
              "may be given several times",
          .list = [](CompileOptions &options) -> auto & { return options.reading.ignoredFields; }};
}

CompileOption projectorOption() {
  return {.name = "--mmproj",
          .valueName = "FILE",
          .help = "The file of a GGUF model's towers, for pictures and sounds",
          .read = textReader([](CompileOptions &options) -> auto & { return options.reading.projector; })};
}

/// What the program is for and how its numbers are stored.
static std::vector<CompileOption> programOptions() {
  const std::string formats = choosableFormatNames();
  return {
      {"MODEL", "", "Hugging Face directory or GGUF file of a Gemma 3 or 4 model", textReader(&CompileOptions::input)},
      projectorOption(),
      {"-o,--output", "FILE", "The program to write; - for standard output with --emit mlir",
       textReader(&CompileOptions::output)},
      {.name = "--target",
       .valueName = "NAME",
       .help = "A name from `gemmac targets`, or native",
       .read = textReader(&CompileOptions::targetName),
       .shownDefault = CompileOptions().targetName},
      {"--isa", "LEVELS",
       "ISA levels that the program holds, as avx2,avx512: a smaller program for fewer machines\n(default: all of the "
       "target)",
       textReader(&CompileOptions::levels)},
      {.name = "--weights",
       .valueName = "F",
       .help = "Format of matrices: " + formats +
               " (default: q4); or auto: one for each matrix, by how much it matters. Keeps\n"
               "--max-rss and --max-size with the least KL divergence, or --max-kld with the smallest program; else it "
               "is no\n"
               "larger than q4. Takes minutes, as programs run meanwhile",
       .read = readWeights,
       .open = &OpenOptions::weights},
      {.name = "--embeddings",
       .valueName = "F",
       .help = "Format of the embedding table and head (default: as --weights, but q5 or q6 at least)",
       .read = formatReader([](CompileOptions &options) -> auto & { return options.formats.embeddings; }),
       .open = &OpenOptions::embeddings},
      {"--per-layer-table", "F", "Format of the per-layer embedding table (default: as --weights)",
       formatReader([](CompileOptions &options) -> auto & { return options.formats.perLayerTable; })},
      {.name = "--vision-weights",
       .valueName = "F",
       .help = "Format of the vision tower's matrices (default: " + towerDefaultWords() + ")",
       .read = formatReader([](CompileOptions &options) -> auto & { return options.formats.vision; }),
       .open = &OpenOptions::visionWeights},
      {.name = "--audio-weights",
       .valueName = "F",
       .help = "Format of the audio tower's matrices (default: as with --vision-weights)",
       .read = formatReader([](CompileOptions &options) -> auto & { return options.formats.audio; }),
       .open = &OpenOptions::audioWeights},
      {"--without", "LIST", "Leave out what the model could do beside text: image, audio, or both with a comma between",
       readWithout},
      {.name = "--image-tokens",
       .valueName = "N",
       .help = "Most soft tokens of a picture: 70, 140, 280, 560 or 1120 (default: 1120). Fewer take less memory",
       .read = countReader([](CompileOptions &options) -> auto & { return options.plan.functions.imageTokens; }),
       .problem = imageTokensProblem,
       .open = &OpenOptions::imageTokens},
      {"--activations", "BITS",
       "What quantized matrices multiply with: 8 or 16 bits (default: 16 with --weights q8 or q12, and for those of\n"
       "towers in q8; else 8). 16 costs prompts up to half of their speed, one token at a time little. Matrices in\n"
       "q12 have 16 in any case",
       readActivations},
      {.name = "--cache",
       .valueName = "F",
       .help = "KV cache: " + cacheFormatNames() +
               ", or by kind of layer: sliding=F,full=F (default: f32 with --weights f32, else f16)",
       .read = readCache,
       .open = &OpenOptions::cache},
      {"--rounding", "R",
       "How weights are rounded: " + roundingWords() + " (default: gptq with --calibration, else search)",
       readRounding},
      {"--calibration", "FILE",
       "Text, or JSON with prompts, to round and measure with; 'default' for what gemmac brings along",
       readCalibration},
      {.name = "--chat-format",
       .valueName = "NAME",
       .help = "gemma4, gemma3 or none, instead of what the checkpoint's chat template says",
       .read = textReader([](CompileOptions &options) -> auto & { return options.reading.chatFormat; }),
       .problem = chatFormatProblem},
      count(
          "--context", [](CompileOptions &options) -> auto & { return options.asked.context; },
          "Positions of a conversation (default: the model's, at most 4096)"),
      count(
          "--chunk", [](CompileOptions &options) -> auto & { return options.plan.functions.chunk; },
          "Prompt tokens that are worked on at once (default: " + std::to_string(PlanOptions().functions.chunk) + ")",
          &OpenOptions::chunk),
      {.name = "--slots",
       .valueName = "N",
       .help = "Sequences that the program holds at once, each with a KV cache of its own (default: 1, at most " +
               std::to_string(mostSlots) + ")",
       .read = countReader([](CompileOptions &options) -> auto & { return options.plan.caches.slots; }),
       .problem = slotsProblem},
  };
}

/// What it may take, what is written, and how gemmac works meanwhile.
static std::vector<CompileOption> outputOptions() {
  return {
      {"--max-rss", "SIZE",
       "Most memory that the program may keep resident, as 1.1GB or 900MiB. Chooses --chunk, --image-tokens, --cache,\n"
       "formats of towers, --embeddings and --weights accordingly where they are not given, and says so; an error\n"
       "when it cannot be",
       sizeReader(&CompileOptions::maxResident)},
      {"--max-size", "SIZE", "Largest file that the program may be; an error when it cannot be",
       sizeReader(&CompileOptions::maxFile)},
      {"--max-kld", "NATS",
       "Most KL divergence from the unquantized program, measured on the calibration text; an error when it is more",
       readDivergence},
      {"--emit", "KIND", "exe (default); mlir; llvm, asm, obj: OUT.<level>.ll, .s, .o, one for each ISA level",
       readEmit},
      {"--stop-after", "PHASE", stageHelp(), readStopAfter},
      {"--dump-phases", "DIR", "Write the module after every phase into this directory",
       textReader(&CompileOptions::dumpDirectory)},
      ignoreConfigOption(),
      count("-j,--jobs", &CompileOptions::threads, "Threads (default: all cores)"),
      flag(
          "--profile", [](CompileOptions &options) -> bool & { return options.plan.marks; },
          "Let the program measure its own steps: `PROG bench --kernels`"),
      flag(
          "-q,--quiet", [](CompileOptions &options) -> bool & { return options.quiet; },
          "No progress, notes or report"),
      {"--json-report", "FILE", "Write the report as JSON: sizes, formats, phases",
       textReader(&CompileOptions::jsonReport)},
  };
}

std::vector<CompileOption> compileOptionTable() {
  std::vector<CompileOption> table = programOptions();
  llvm::append_range(table, outputOptions());
  return table;
}

llvm::Error readOptions(llvm::ArrayRef<CompileOption> table, llvm::ArrayRef<std::string> words,
                        CompileOptions &options) {
  for (auto [option, word] : llvm::zip_equal(table, words)) {
    if (option.open)
      options.open.*option.open = word.empty();
    if (option.read && !word.empty())
      if (llvm::Error error = option.read(option.lastName(), word, options))
        return error;
  }
  return llvm::Error::success();
}

} // namespace gemmac
