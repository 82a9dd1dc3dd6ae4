#include "compiler/driver/Compile.h"

#include "compiler/artifact/CacheBounds.h"
#include "compiler/artifact/Link.h"
#include "compiler/artifact/OutputFile.h"
#include "compiler/artifact/ProgramFile.h"
#include "compiler/artifact/ProgramObject.h"
#include "compiler/artifact/SummaryJson.h"
#include "compiler/artifact/SummaryText.h"
#include "compiler/base/ByteSize.h"
#include "compiler/driver/AutoWeights.h"
#include "compiler/driver/Measurement.h"
#include "compiler/driver/MemoryLimit.h"
#include "compiler/driver/Messages.h"
#include "compiler/driver/Process.h"
#include "compiler/driver/Progress.h"
#include "compiler/driver/SizeLimit.h"
#include "compiler/driver/UsageError.h"
#include "compiler/import/ModuleBuilder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/ThreadPool.h"

#include <chrono>
#include <sys/resource.h>
#include <thread>

using namespace mlir;

namespace gemmac {

namespace {

constexpr int64_t defaultContext = 4096;

ChatSummary summarizeChat(const ChatFormat &chat) {
  const ChatMode &usual = chat.modes[GEMMAC_THINK_DEFAULT], &on = chat.modes[GEMMAC_THINK_ON],
                 &off = chat.modes[GEMMAC_THINK_OFF];
  ChatSummary result;
  result.format = chat.name;
  result.takesInstructions = chat.flags & GEMMAC_CHAT_SYSTEM;
  result.thinkingSwitch = !(on == usual && off == usual);
  result.thinksByDefault = usual == on && !(usual == off);
  result.keepsThoughts = !(chat.flags & (GEMMAC_CHAT_DROPS_THOUGHTS | GEMMAC_CHAT_DROPS_TO_LAST_CLOSE));
  result.differences = chat.differences;
  return result;
}

/// What a program's own report may grow by when it is linked again.
constexpr uint64_t reportRoom = 65536;

class Compilation {
public:
  Compilation(CompileOptions options, std::optional<int64_t> context)
      : options(std::move(options)), wantedContext(context), progress(this->options.quiet),
        threadPool(llvm::hardware_concurrency(this->options.threads)) {}

  llvm::Error run() {
    if (llvm::Error error = readCheckpoint())
      return error;
    if (options.calibration && !options.chooseFormats) // else once it is known that there is something to choose
      if (llvm::Error error = calibrate())
        return error;
    for (const Phase &phase : phases()) {
      if (llvm::Error error = runPhase(phase))
        return error;
      if (phase.name == options.stopAfter || (options.emit == EmitKind::mlir && &phase == &phases().back()))
        return writeModule(options.output);
    }
    if (llvm::Error error = options.emit == EmitKind::executable ? writeExecutable() : writeLevels())
      return error;
    if (llvm::Error error = nameReport())
      return error;
    progress.finish();
    printReport();
    return llvm::Error::success();
  }

private:
  llvm::Error readCheckpoint() {
    progress.stage("reading the checkpoint");
    llvm::Expected<Checkpoint> read = importCheckpoint(options.input, options.reading);
    if (!read)
      return read.takeError();
    checkpoint = std::move(*read);
    int64_t most = checkpoint.config.context;
    options.plan.context = wantedContext.value_or(std::min(most, defaultContext));
    if (options.plan.context > most)
      return llvm::make_error<UsageError>(
          llvm::formatv("--context: error: {0} positions asked for, the model has {1}", options.plan.context, most));
    options.plan.chunk = std::min(options.plan.chunk, options.plan.context);
    if (llvm::Error error = checkOutput())
      return error;
    if (!options.quiet)
      for (const std::string &note : checkpoint.notes)
        llvm::errs() << "note: " << printable(note) << "\n";
    return llvm::Error::success();
  }

  /// Finds before the work what would fail after it: an output that cannot be written, or that is part of the input.
  llvm::Error checkOutput() {
    if (options.output == "-")
      return llvm::Error::success();
    for (const std::string &name : checkpoint.files)
      if (llvm::sys::fs::equivalent(checkpoint.directory + "/" + name, options.output))
        return llvm::make_error<UsageError>(options.output +
                                            ": error: is a file of the checkpoint; give another name with -o");
    if (!options.jsonReport.empty())
      if (llvm::Error error = OutputFile::create(options.jsonReport).takeError())
        return error;
    if (options.emit == EmitKind::executable || options.emit == EmitKind::mlir)
      return OutputFile::create(options.output).takeError();
    return checkFreeSpace(options.output, 0);
  }

  /// Compiles another program of the same checkpoint, for Measurement.
  static llvm::Expected<BuiltProgram> build(CompileOptions options, int64_t context, RoundingGuide *guide) {
    Compilation compilation(std::move(options), context);
    compilation.guide = guide;
    if (llvm::Error error = compilation.run())
      return std::move(error);
    return BuiltProgram{std::move(compilation.summary), std::move(compilation.moments), std::move(compilation.section),
                        std::move(compilation.file)};
  }

  llvm::Error calibrate() {
    measurement.emplace(options, checkpoint, build, [this](const std::string &name) { progress.stage(name); });
    if (llvm::Error error = measurement->calibrate())
      return error;
    guide = &measurement->guide();
    return llvm::Error::success();
  }

  llvm::Error runPhase(const Phase &phase) {
    progress.stage(phase.name.str());
    if (!phase.build) {
      prepareContext();
      module = buildModule(context, checkpoint);
      if (!module)
        return failed(phase);
      if (llvm::Error error = setCacheBounds(*module, checkpoint.directory))
        return error;
    } else {
      if (phase.name == "quantize")
        if (llvm::Error error = settleOptions())
          return error;
      PassManager manager(&context);
      phase.build(manager, options);
      if (mlir::failed(manager.run(*module)))
        return failed(phase);
    }
    if (phase.name == "plan")
      if (llvm::Error error = readPlan())
        return error;
    if (options.dumpDirectory.empty())
      return llvm::Error::success();
    if (std::error_code code = llvm::sys::fs::create_directories(options.dumpDirectory, true, llvm::sys::fs::all_all))
      return outputError(options.dumpDirectory, "cannot create the directory: {0}", code.message());
    size_t number = &phase - phases().data();
    return writeModule(llvm::formatv("{0}/{1}-{2}.mlir", options.dumpDirectory, number, phase.name));
  }

  /// Decides what the user left to gemmac, before it has an effect; once, also when phases run again.
  llvm::Error settleOptions() {
    if (settled)
      return llvm::Error::success();
    settled = true;
    if (options.chooseFormats || options.maxFile)
      fused = module->clone();
    if (llvm::Error error = keepMemoryLimit())
      return error;
    return options.chooseFormats ? chooseWeights() : llvm::Error::success();
  }

  /// Changes the options as --max-rss demands.
  llvm::Error keepMemoryLimit() {
    Planner planner = plannerOf(*module, checkpoint.tokenizer.size());
    llvm::Expected<MemoryFit> fit =
        options.chooseFormats ? fitMemoryForAuto(options, planner) : fitMemoryLimit(options, planner);
    if (!fit)
      return fit.takeError();
    options = std::move(fit->options);
    memoryChanges = std::move(fit->changes);
    if (!memoryChanges.empty() && !options.quiet)
      llvm::errs() << "note: --max-rss: chose " << memoryChanges << "\n";
    return llvm::Error::success();
  }

  Planner plannerOfFused() const { return plannerOf(*fused, checkpoint.tokenizer.size()); }

  /// --weights auto: calibrates, compiles the program in which mixes of formats are measured, and chooses one.
  llvm::Error chooseWeights() {
    autoWeights.emplace(options, *fused, plannerOfFused(), checkpoint.tokenizer.size());
    if (llvm::Error error = autoWeights->plan())
      return error;
    if (llvm::Error error = calibrate())
      return error;
    if (llvm::Error error = measurement->makeMixProgram(*autoWeights))
      return error;
    if (llvm::Error error = autoWeights->learn(measurement->meter()))
      return error;
    return applyChoice(measurement->mixElfBytes() + reportRoom);
  }

  llvm::Error applyChoice(uint64_t elfBytes) {
    llvm::Expected<AutoWeights::Choice> choice = autoWeights->choose(elfBytes);
    if (!choice)
      return choice.takeError();
    options.formats.choices = std::move(choice->formats);
    formatChoice = std::move(choice->summary);
    chosenTrial = std::move(choice->trial);
    return llvm::Error::success();
  }

  static llvm::Error failed(const Phase &phase) {
    return llvm::createStringError("gemmac: error: phase '" + phase.name.str() +
                                   "' failed, see above; --dump-phases DIR keeps what went into it");
  }

  void prepareContext() {
    DialectRegistry registry;
    registerPhaseDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    if (options.threads > 1)
      context.setThreadPool(threadPool);
  }

  /// Takes what the module says about data and memory, before lowering changes it.
  llvm::Error readPlan() {
    llvm::Expected<std::vector<PackedMatrix>> matrices = packedMatrices(*module);
    if (!matrices)
      return matrices.takeError();
    section.matrices = std::move(*matrices);
    llvm::Expected<ProgramSummary> read = summarizeProgram(*module, section.matrices);
    if (!read)
      return read.takeError();
    summary = std::move(*read);
    section.matrixBytes = summary.weightBytes;
    section.tail = checkpoint.tokenizer;
    if (options.plan.observe)
      moments = momentPlaces(*module);
    summary.target = options.target->name().str();
    for (const TargetLevel &level : options.target->levels())
      summary.levels.push_back(level.name);
    summary.weights = options.chooseFormats ? "auto" : nameOf(options.formats.weights).str();
    summary.choice = formatChoice;
    if (llvm::any_of(section.matrices, [](const PackedMatrix &matrix) { return formatInfo(matrix.format).quantized; }))
      summary.rounding = roundingName(options.rounding).str();
    summary.tokenizerBytes = static_cast<int64_t>(section.tail.size());
    summary.memory.tokenizer = section.tail.size();
    summary.dataBytes = static_cast<int64_t>(section.bytes());
    summary.memory.limit = options.maxResident;
    summary.chat = summarizeChat(checkpoint.chat);
    summary.memoryChanges = memoryChanges;
    return options.emit == EmitKind::executable ? checkFreeSpace(options.output, section.bytes())
                                                : llvm::Error::success();
  }

  llvm::Error writeModule(const std::string &path) {
    std::string text;
    llvm::raw_string_ostream os(text);
    module->print(os);
    os << "\n";
    if (path != "-")
      return writeText(path, text);
    progress.finish();
    std::error_code code = writeStandardOutput(text);
    return code ? standardOutputError(code) : llvm::Error::success();
  }

  /// A file that is complete but has no name yet.
  static llvm::Expected<OutputFile> prepareText(const std::string &path, llvm::StringRef text) {
    llvm::Expected<OutputFile> file = OutputFile::create(path);
    if (!file)
      return file.takeError();
    if (llvm::Error error = writeAt(file->descriptor(), 0, llvm::arrayRefFromStringRef(text), path))
      return std::move(error);
    return file;
  }

  static llvm::Error writeText(const std::string &path, llvm::StringRef text) {
    llvm::Expected<OutputFile> file = prepareText(path, text);
    return file ? file->commit(/*executable=*/false) : file.takeError();
  }

  /// Gives several files their names; all of them or none.
  static llvm::Error nameAll(llvm::MutableArrayRef<OutputFile> files) {
    for (size_t i = 0; i < files.size(); ++i)
      if (llvm::Error error = files[i].commit(/*executable=*/false)) {
        for (const OutputFile &named : files.take_front(i))
          llvm::sys::fs::remove(named.path());
        return error;
      }
    return llvm::Error::success();
  }

  /// Writes the report before the program has a name: where there is no room for one, there shall not be the other.
  llvm::Error prepareReport() {
    if (options.jsonReport.empty())
      return llvm::Error::success();
    llvm::Expected<OutputFile> file = prepareText(options.jsonReport, summaryJson(summary) + "\n");
    if (!file)
      return file.takeError();
    report.emplace(std::move(*file));
    return llvm::Error::success();
  }

  llvm::Error nameReport() {
    llvm::Error error = report ? report->commit(/*executable=*/false) : llvm::Error::success();
    if (error && options.emit == EmitKind::executable)
      llvm::sys::fs::remove(options.output);
    return error;
  }

  /// The code of every level, in order. Levels are independent: each has an LLVM context of its own.
  llvm::Expected<std::vector<std::string>> emitLevels(CodeKind kind) {
    const std::vector<TargetLevel> levels = options.target->levels();
    std::vector<std::optional<llvm::Expected<std::string>>> results(levels.size());
    auto emit = [&](size_t index) { results[index].emplace(options.target->emit(*module, levels[index].name, kind)); };
    std::vector<std::thread> workers;
    for (size_t index = 1; index < levels.size(); ++index) {
      if (options.threads > 1)
        workers.emplace_back(emit, index);
      else
        emit(index);
    }
    emit(0);
    for (std::thread &worker : workers)
      worker.join();
    std::vector<std::string> code;
    llvm::Error errors = llvm::Error::success();
    for (auto &result : results) {
      if (*result)
        code.push_back(std::move(**result));
      else
        errors = llvm::joinErrors(std::move(errors), result->takeError());
    }
    if (errors)
      return std::move(errors);
    return code;
  }

  gemmac_span tokenizerSpan() const { return {section.tailOffset(), section.tail.size()}; }

  /// --emit llvm, asm, obj: OUT.<level>.<extension>; for obj also OUT.program.o, the constant gemmac_the_program.
  llvm::Error writeLevels() {
    progress.stage("generating code");
    CodeKind kind = options.emit == EmitKind::llvm       ? CodeKind::llvmIr
                    : options.emit == EmitKind::assembly ? CodeKind::assembly
                                                         : CodeKind::object;
    const char *extension = kind == CodeKind::llvmIr ? ".ll" : kind == CodeKind::assembly ? ".s" : ".o";
    llvm::Expected<std::vector<std::string>> code = emitLevels(kind);
    if (!code)
      return code.takeError();
    std::vector<OutputFile> files;
    auto prepare = [&](const std::string &path, llvm::StringRef text) {
      llvm::Expected<OutputFile> file = prepareText(path, text);
      if (file)
        files.push_back(std::move(*file));
      return file.takeError();
    };
    for (auto [level, text] : llvm::zip(options.target->levels(), *code))
      if (llvm::Error error = prepare(options.output + "." + level.name + extension, text))
        return error;
    if (kind == CodeKind::object) {
      llvm::Expected<std::string> program = programObject(summary, checkpoint, tokenizerSpan(), *options.target);
      if (!program)
        return program.takeError();
      if (llvm::Error error = prepare(options.output + ".program.o", *program))
        return error;
    }
    if (llvm::Error error = prepareReport())
      return error;
    return nameAll(files);
  }

  /// The code of the planned program, linked with the runtime.
  llvm::Expected<std::string> linkLevels() {
    progress.stage("generating code");
    llvm::Expected<std::vector<std::string>> code = emitLevels(CodeKind::object);
    if (!code)
      return code.takeError();
    objects = std::move(*code);
    module = {}; // its memory is not needed while weights are packed
    return link();
  }

  /// Links again: the program's own report may have changed.
  llvm::Expected<std::string> link() {
    progress.stage("linking");
    llvm::Expected<std::string> program = programObject(summary, checkpoint, tokenizerSpan(), *options.target);
    if (!program)
      return program.takeError();
    std::vector<std::string> all = objects;
    all.push_back(std::move(*program));
    return linkProgram(all, *options.target, options.runtime);
  }

  /// Space for the ELF: what is measured is linked again, with a longer report.
  uint64_t elfRoom(const std::string &elf) const { return elf.size() + (measurement ? reportRoom : 0); }

  /// The program's code, of a size that --max-size allows. A mix of formats has more kernels than the program that was
  /// measured, so its size is known only now: the choice is made again with what is left for the weights.
  llvm::Expected<std::string> linkWithinLimit() {
    constexpr int mostRounds = 4;
    uint64_t largest = 0;
    for (int round = 1;; ++round) {
      llvm::Expected<std::string> elf = linkLevels();
      if (!elf || !options.maxFile)
        return elf;
      FileParts parts{elfRoom(*elf), section.tail.size()};
      if (programBytes(parts, section.matrixBytes) <= options.maxFile)
        return elf;
      if (!autoWeights || round == mostRounds)
        return fileTooLarge(options, parts, section.matrixBytes, plannerOfFused());
      largest = std::max(largest, parts.elf);
      if (llvm::Error error = applyChoice(largest))
        return std::move(error);
      module = fused->clone();
      for (const Phase &phase : llvm::make_range(findPhase("quantize"), phases().end()))
        if (llvm::Error error = runPhase(phase))
          return std::move(error);
    }
  }

  llvm::Error writeExecutable() {
    llvm::Expected<std::string> elf = linkWithinLimit();
    if (!elf)
      return elf.takeError();
    if (measurement)
      return writeMeasured(std::move(*elf));
    llvm::Expected<ProgramFileInfo> info = pack(options.output, std::move(*elf), 0, [this] { return prepareReport(); });
    if (!info)
      return info.takeError();
    file = std::move(*info);
    warnOfInexact();
    return llvm::Error::success();
  }

  /// Integers of the checkpoint whose scales a format cannot hold, or which it groups otherwise, were rounded.
  void warnOfInexact() {
    int64_t rounded = 0;
    const PackSource *first = nullptr;
    for (auto [matrix, count] : llvm::zip(section.matrices, file.counts))
      for (const PackSource &source : matrix.sources)
        if (source.scales && count.exact != count.groups) {
          first = first ? first : &source;
          ++rounded;
        }
    if (first)
      warnings.push_back(
          llvm::formatv("{0} tensors that the checkpoint stores quantized were rounded once more, '{1}' first", rounded,
                        first->name)
              .str());
  }

  llvm::Expected<ProgramFileInfo> pack(const std::string &path, std::string elf, uint64_t elfRoom,
                                       llvm::function_ref<llvm::Error()> beforeNaming = nullptr) {
    progress.stage("packing weights");
    auto advance = [this](uint64_t done, uint64_t total) { progress.update(done, total); };
    PackOptions pack{checkpoint.directory, path, options.threads, advance, options.rounding, guide};
    return writeProgram(path, std::move(elf), section, pack, elfRoom, [&](const ProgramFileInfo &info) {
      noteExactness(summary, section.matrices, info.counts);
      return beforeNaming ? beforeNaming() : llvm::Error::success();
    });
  }

  /// Runs the program before it gets its name, so that its report tells what was measured. For another machine a
  /// program of this one runs in its stead: the weights are the same bytes and give the same bits.
  llvm::Error writeMeasured(std::string elf) {
    measurement->removeMixProgram();
    std::string path = measurement->file("program");
    uint64_t room = elfRoom(elf);
    if (!runsHere(*options.target)) {
      llvm::Expected<std::string> native = nativeTwin();
      if (!native)
        return native.takeError();
      elf = std::move(*native);
    }
    llvm::Expected<ProgramFileInfo> info = pack(path, std::move(elf), room);
    if (!info)
      return info.takeError();
    progress.stage("comparing with the unquantized program");
    llvm::Expected<ProgramQuality> quality = measurement->measure(path);
    if (!quality)
      return quality.takeError();
    if (options.maxDivergence && quality->divergence > *options.maxDivergence)
      return AutoWeights::tooFarOff(options, *quality);
    noteQuality(*quality);
    llvm::Expected<std::string> measured = link();
    if (!measured)
      return measured.takeError();
    info = replaceElf(path, std::move(*measured), *info);
    if (!info)
      return info.takeError();
    file = std::move(*info);
    warnOfInexact();
    if (llvm::Error error = prepareReport())
      return error;
    return ScratchDirectory::move(path, options.output);
  }

  void noteQuality(const ProgramQuality &quality) {
    summary.quality = quality;
    if (!summary.choice)
      return;
    chosenTrial.quality = quality;
    summary.choice->trials.push_back(chosenTrial);
  }

  /// The ELF of the same program for this machine.
  llvm::Expected<std::string> nativeTwin() {
    CompileOptions twin = options;
    twin.target = &measurement->target();
    twin.runtime = options.nativeRuntime;
    twin.calibration.reset();
    twin.chooseFormats = false; // they are chosen
    twin.maxFile = 0;
    twin.dumpDirectory.clear();
    twin.quiet = true;
    Compilation compilation(std::move(twin), options.plan.context);
    if (llvm::Error error = compilation.readCheckpoint())
      return std::move(error);
    for (const Phase &phase : phases())
      if (llvm::Error error = compilation.runPhase(phase))
        return std::move(error);
    return compilation.linkLevels();
  }

  void printReport() {
    if (options.quiet)
      return;
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    for (const std::string &warning : warnings)
      llvm::errs() << "warning: " << printable(warning) << "\n";
    llvm::errs() << printable(summaryText(summary));
    if (file.fileBytes != 0)
      llvm::errs() << llvm::formatv("\n{0}: {1}, of which code and runtime {2}", printable(options.output),
                                    formatBytes(file.fileBytes), formatBytes(file.elfBytes));
    struct rusage usage = {};
    ::getrusage(RUSAGE_SELF, &usage);
    llvm::errs() << llvm::formatv("\ncompiled in {0:F1} s, peak memory {1}\n", seconds,
                                  formatBytes(static_cast<uint64_t>(usage.ru_maxrss) * 1024));
  }

  CompileOptions options;
  std::optional<int64_t> wantedContext;
  Progress progress;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  Checkpoint checkpoint;
  llvm::DefaultThreadPool threadPool; // outlives the context
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  OwningOpRef<ModuleOp> fused; ///< before formats are chosen, where it may be needed again
  bool settled = false;        ///< what the user left open is decided
  std::string memoryChanges;   ///< what --max-rss changed
  DataSection section;
  ProgramSummary summary;
  MomentPlaces moments; ///< of an observing program
  std::vector<std::string> objects;
  std::optional<Measurement> measurement;
  RoundingGuide *guide = nullptr; ///< of the measurement, or of the one that this compilation serves
  std::optional<AutoWeights> autoWeights;
  std::optional<FormatChoiceSummary> formatChoice;
  FormatTrial chosenTrial;
  ProgramFileInfo file;
  std::optional<OutputFile> report; ///< complete, without a name
  std::vector<std::string> warnings;
};

} // namespace

ExitCode compileCheckpoint(CompileOptions options, std::optional<int64_t> context) {
  llvm::Error error = Compilation(std::move(options), context).run();
  return reportError(std::move(error));
}

} // namespace gemmac
