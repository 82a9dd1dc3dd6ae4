#include "compiler/compile/Measurement.h"

#include "compiler/calibrate/RoundingLoss.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"

namespace gemmac {

/// Windows of calibration are shorter than this; programs that only measure read many rows at a time.
static constexpr int64_t mostContext = 512, rows = 64;

/// Programs of these types hold every weight of the checkpoint as it is stored, or exactly.
Format Measurement::unquantizedFormat() const {
  bool narrow = llvm::all_of(front.checkpoint().tensors, [](const auto &tensor) {
    return tensor.second.shape.size() < 2 || tensor.second.encoding == Encoding::BF16;
  });
  return narrow ? Format::BF16 : Format::F32;
}

CompileOptions Measurement::optionsFor(llvm::StringRef file, QuantizeOptions formats, PlanOptions plan) const {
  CompileOptions result;
  result.output = scratch->file(file);
  result.target = nativeTarget.get();
  result.runtime = options.nativeRuntime;
  result.formats = std::move(formats);
  result.plan = std::move(plan);
  result.plan.caches.context = std::min(front.checkpoint().config.context, mostContext);
  result.plan.functions.chunk = std::min(rows, result.plan.caches.context);
  result.plan.functions.verifyRows = rows;
  result.plan.marks = false;
  result.rounding = options.rounding;
  result.threads = options.threads;
  result.quiet = true;
  return result;
}

/// Code and runtime of another program of the fused module: nothing is imported or fused again.
static llvm::Expected<std::string> linkAnother(const Front &front, Back &back, Progress &silent) {
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> quantized = front.quantized(back.options(), silent);
  if (!quantized)
    return quantized.takeError();
  if (llvm::Error error = back.build(std::move(*quantized)))
    return std::move(error);
  return back.link();
}

/// Writes a program to options.output. All of this shows as one part of the work.
llvm::Expected<BuiltProgram> Measurement::build(CompileOptions options, RoundingGuide *guide) const {
  Progress silent(/*quiet=*/true);
  Back back(front, {std::move(options)}, silent);
  llvm::Expected<std::string> elf = linkAnother(front, back, silent);
  if (!elf)
    return elf.takeError();
  if (llvm::Error error = back.pack(back.options().output, std::move(*elf), guide))
    return std::move(error);
  return BuiltProgram{std::move(back.program), std::move(back.file)};
}

llvm::Expected<std::string> Measurement::nativeTwin(Decided decided) const {
  CompileOptions &twin = decided.options;
  twin.target = nativeTarget.get();
  twin.runtime = options.nativeRuntime;
  twin.dumpDirectory.clear();
  Progress silent(/*quiet=*/true);
  Back back(front, std::move(decided), silent);
  return linkAnother(front, back, silent);
}

llvm::Error Measurement::calibrate() {
  progress.stage("calibrating: unquantized program");
  llvm::Expected<CalibrationText> text =
      options.calibration->empty() ? shippedText() : readCalibrationText(*options.calibration);
  if (!text)
    return text.takeError();
  llvm::Expected<ScratchDirectory> made = ScratchDirectory::create(options.output);
  if (!made)
    return made.takeError();
  scratch.emplace(std::move(*made));
  PlanOptions plan;
  plan.caches.format = Format::F32;
  plan.observe = true;
  plan.functions.encoders = false;
  QuantizeOptions formats;
  formats.weights = unquantizedFormat();
  CompileOptions observing = optionsFor("observing", formats, plan);
  llvm::Expected<BuiltProgram> built = build(observing, nullptr);
  if (!built)
    return built.takeError();
  ObservingProgram program{observing.output, std::move(built->program.summary), std::move(built->program.moments)};
  ProgramRunner runner(*scratch, options.threads);
  llvm::Expected<Calibration> result = Calibration::run(runner, program, front.checkpoint(), *text,
                                                        [this](llvm::StringRef name) { progress.stage(name.str()); });
  if (!result)
    return result.takeError();
  calibration.emplace(std::move(*result));
  llvm::sys::fs::remove(program.path); // as large as the checkpoint
  return llvm::Error::success();
}

llvm::Expected<ProgramQuality> Measurement::measure(const std::string &program) const {
  return calibration->measure(ProgramRunner(*scratch, options.threads), program);
}

llvm::Error Measurement::makeMixProgram(const AutoWeights &autoWeights, const PlanOptions &plan) {
  progress.stage("choosing formats: program for measuring");
  CompileOptions wide = optionsFor("widest", autoWeights.widestFormats(), plan);
  wide.activationBits = options.wideActivations() ? 16 : 8; // as in the program that the mix is for
  llvm::Expected<BuiltProgram> built = build(wide, &guide());
  if (!built)
    return built.takeError();
  const std::vector<PackedMatrix> &planned = autoWeights.matrices().matrices(),
                                  &packed = built->program.section.matrices;
  auto sameName = [](const auto &pair) { return std::get<0>(pair).name == std::get<1>(pair).name; };
  if (planned.size() != packed.size() || !llvm::all_of(llvm::zip(planned, packed), sameName))
    return llvm::createStringError(
        "--weights auto: error: the program for measuring holds other matrices than were planned; this is a defect");
  mixElf = built->file.elfBytes;
  mixMultiplyAdds = built->program.summary.function(GEMMAC_DECODE).multiplyAdds;
  PackOptions pack{
      front.checkpoint().directory, wide.output, options.threads, /*progress=*/{}, options.rounding, &guide()};
  mixProgram.emplace(wide.output, std::move(built->program.section), built->file.dataOffset, std::move(pack));
  return llvm::Error::success();
}

FormatMeter Measurement::meter() {
  FormatMeter meter;
  meter.loss = [this](const PackedMatrix &matrix, llvm::ArrayRef<Format> formats) {
    return roundingLoss(matrix, formats, front.checkpoint().directory, options.rounding, guide());
  };
  meter.measure = [this](const MatrixFormats &formats) -> llvm::Expected<ProgramQuality> {
    if (llvm::Error error = mixProgram->hold(formats))
      return std::move(error);
    return measure(mixProgram->getPath());
  };
  meter.stage = [this](const std::string &name) { progress.stage(name); };
  meter.threads = options.threads;
  meter.multiplyAdds = mixMultiplyAdds;
  return meter;
}

void Measurement::removeMixProgram() {
  if (mixProgram)
    llvm::sys::fs::remove(mixProgram->getPath());
  mixProgram.reset();
}

} // namespace gemmac
