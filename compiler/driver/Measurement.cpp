#include "compiler/driver/Measurement.h"

#include "compiler/calibrate/RoundingLoss.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"

namespace gemmac {

/// Windows of calibration are shorter than this; programs that only measure read many rows at a time.
static constexpr int64_t mostContext = 512, rows = 64;

/// Programs of these types hold every weight of the checkpoint as it is stored, or exactly.
Format Measurement::unquantizedFormat() const {
  bool narrow = llvm::all_of(checkpoint.tensors, [](const auto &tensor) {
    return tensor.second.shape.size() < 2 || tensor.second.encoding == Encoding::BF16;
  });
  return narrow ? Format::BF16 : Format::F32;
}

CompileOptions Measurement::optionsFor(llvm::StringRef file, QuantizeOptions formats, PlanOptions plan) const {
  CompileOptions result;
  result.input = options.input;
  result.output = scratch->file(file);
  result.target = nativeTarget.get();
  result.runtime = options.nativeRuntime;
  result.formats = std::move(formats);
  result.plan = std::move(plan);
  result.plan.chunk = result.plan.verifyRows = rows;
  result.plan.marks = false;
  result.rounding = options.rounding;
  result.threads = options.threads;
  result.quiet = true;
  return result;
}

int64_t Measurement::context() const { return std::min(checkpoint.config.context, mostContext); }

llvm::Error Measurement::calibrate() {
  stage("calibrating: unquantized program");
  llvm::Expected<CalibrationText> text =
      options.calibration->empty() ? shippedText() : readCalibrationText(*options.calibration);
  if (!text)
    return text.takeError();
  llvm::Expected<ScratchDirectory> made = ScratchDirectory::create(options.output);
  if (!made)
    return made.takeError();
  scratch.emplace(std::move(*made));
  PlanOptions plan;
  plan.cacheFormat = Format::F32;
  plan.observe = true;
  CompileOptions observing = optionsFor("observing", {unquantizedFormat(), {}, {}, {}}, plan);
  llvm::Expected<BuiltProgram> built = build(observing, context(), nullptr);
  if (!built)
    return built.takeError();
  ObservingProgram program{observing.output, std::move(built->summary), std::move(built->moments)};
  ProgramRunner runner(*scratch, options.threads);
  llvm::Expected<Calibration> result =
      Calibration::run(runner, program, checkpoint, *text, [this](llvm::StringRef name) { stage(name.str()); });
  if (!result)
    return result.takeError();
  calibration.emplace(std::move(*result));
  llvm::sys::fs::remove(program.path); // as large as the checkpoint
  return llvm::Error::success();
}

llvm::Expected<ProgramQuality> Measurement::measure(const std::string &program) const {
  return calibration->measure(ProgramRunner(*scratch, options.threads), program);
}

llvm::Error Measurement::makeMixProgram(const AutoWeights &autoWeights) {
  stage("choosing formats: program for measuring");
  CompileOptions wide = optionsFor("widest", autoWeights.widestFormats(), options.plan);
  wide.activationBits = options.wideActivations() ? 16 : 8; // as in the program that the mix is for
  llvm::Expected<BuiltProgram> built = build(wide, context(), &guide());
  if (!built)
    return built.takeError();
  const std::vector<PackedMatrix> &planned = autoWeights.matrices().matrices(), &packed = built->section.matrices;
  auto sameName = [](const auto &pair) { return std::get<0>(pair).name == std::get<1>(pair).name; };
  if (planned.size() != packed.size() || !llvm::all_of(llvm::zip(planned, packed), sameName))
    return llvm::createStringError(
        "--weights auto: error: the program for measuring holds other matrices than were planned; this is a defect");
  mixElf = built->file.elfBytes;
  mixMultiplyAdds = built->summary.phases[GEMMAC_PHASE_DECODE].multiplyAdds;
  PackOptions pack{checkpoint.directory, wide.output, options.threads, /*progress=*/{}, options.rounding, &guide()};
  mixProgram.emplace(wide.output, std::move(built->section), built->file.dataOffset, std::move(pack));
  return llvm::Error::success();
}

FormatMeter Measurement::meter() {
  FormatMeter meter;
  meter.loss = [this](const PackedMatrix &matrix, llvm::ArrayRef<Format> formats) {
    return roundingLoss(matrix, formats, checkpoint.directory, options.rounding, guide());
  };
  meter.measure = [this](const MatrixFormats &formats) -> llvm::Expected<ProgramQuality> {
    if (llvm::Error error = mixProgram->hold(formats))
      return std::move(error);
    return measure(mixProgram->getPath());
  };
  meter.stage = stage;
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
