#include "compiler/compile/Executable.h"

#include "compiler/choose/SizeLimit.h"

using namespace mlir;

namespace gemmac {

namespace {

class ExecutableWriter {
public:
  ExecutableWriter(const Front &front, Decisions &decisions, Back &back, JsonReport &report, Progress &progress)
      : front(front), decisions(decisions), back(back), report(report), progress(progress) {}

  llvm::Error write() {
    llvm::Expected<std::string> elf = linkWithinLimit();
    if (!elf)
      return elf.takeError();
    if (Measurement *measurement = decisions.measuring())
      return writeMeasured(*measurement, std::move(*elf));
    auto prepareReport = [this] { return report.prepare(back.program.summary); };
    return back.pack(back.options().output, std::move(*elf), /*guide=*/nullptr, /*room=*/0, prepareReport);
  }

private:
  /// The program's code, of a size that --max-size allows. How much it takes is known only now, so with --weights auto
  /// the choice is made again with what is left for the weights.
  llvm::Expected<std::string> linkWithinLimit() {
    constexpr int mostRounds = 4;
    const uint64_t limit = back.options().maxFile;
    uint64_t largest = 0;
    for (int round = 1;; ++round) {
      llvm::Expected<std::string> elf = back.link();
      if (!elf || !limit)
        return elf;
      const DataSection &section = back.program.section;
      FileParts parts{decisions.elfRoom(elf->size()), section.tail.size()};
      if (programBytes(parts, section.matrixBytes) <= limit)
        return elf;
      if (!decisions.canDecideAgain() || round == mostRounds)
        return fileTooLarge(back.options(), parts, section.matrixBytes, decisions.planner());
      largest = std::max(largest, parts.elf);
      if (llvm::Error error = buildAgain(largest))
        return std::move(error);
    }
  }

  llvm::Error buildAgain(uint64_t elfBytes) {
    llvm::Expected<Decided> decided = decisions.decideAgain(elfBytes);
    if (!decided)
      return decided.takeError();
    llvm::Expected<OwningOpRef<ModuleOp>> quantized = front.quantized(decided->options, progress);
    if (!quantized)
      return quantized.takeError();
    back = Back(front, std::move(*decided), progress);
    return back.build(std::move(*quantized));
  }

  /// Runs the program before it gets its name, so that its report tells what was measured. For another machine a
  /// program of this one runs in its stead: the weights are the same bytes and give the same bits.
  llvm::Error writeMeasured(Measurement &measurement, std::string elf) {
    const CompileOptions &options = back.options();
    measurement.removeMixProgram();
    std::string path = measurement.file("program");
    uint64_t room = decisions.elfRoom(elf.size());
    if (!runsHere(*options.target)) {
      llvm::Expected<std::string> native = measurement.nativeTwin(back.decisions());
      if (!native)
        return native.takeError();
      elf = std::move(*native);
    }
    if (llvm::Error error = back.pack(path, std::move(elf), &measurement.guide(), room))
      return error;
    progress.stage("comparing with the unquantized program");
    llvm::Expected<ProgramQuality> quality = measurement.measure(path);
    if (!quality)
      return quality.takeError();
    if (options.maxDivergence && quality->divergence > *options.maxDivergence)
      return AutoWeights::tooFarOff(options, *quality);
    noteQuality(*quality);
    llvm::Expected<std::string> measured = back.link();
    if (!measured)
      return measured.takeError();
    if (llvm::Error error = back.replace(path, std::move(*measured)))
      return error;
    if (llvm::Error error = report.prepare(back.program.summary))
      return error;
    return ScratchDirectory::move(path, options.output);
  }

  void noteQuality(const ProgramQuality &quality) {
    ProgramSummary &summary = back.program.summary;
    summary.quality = quality;
    if (!summary.choice)
      return;
    FormatTrial chosen = back.decisions().chosen;
    chosen.quality = quality;
    summary.choice->trials.push_back(std::move(chosen));
  }

  const Front &front;
  Decisions &decisions;
  Back &back;
  JsonReport &report;
  Progress &progress;
};

} // namespace

llvm::Error writeExecutable(const Front &front, Decisions &decisions, Back &back, JsonReport &report,
                            Progress &progress) {
  return ExecutableWriter(front, decisions, back, report, progress).write();
}

} // namespace gemmac
