// Which options follow from others, and which do not go together.
#include "compiler/pipeline/OptionTable.h"

namespace gemmac {

/// A kind of layer that --cache does not name keeps its default.
static void settleCaches(CompileOptions &options) {
  Format usual = options.formats.weights == Format::F32 ? Format::F32 : Format::F16;
  Format sliding = options.asked.slidingCache.value_or(usual);
  options.plan.caches.format = options.asked.cache.value_or(usual);
  if (sliding != options.plan.caches.format)
    options.plan.caches.slidingFormat = sliding;
}

/// Which rounding, and whether programs run for it.
static void settleRounding(CompileOptions &options) {
  if (!options.calibration && (options.chooseFormats || options.maxDivergence))
    options.calibration = "";
  options.rounding = options.asked.rounding.value_or(options.calibration ? Rounding::feedback : Rounding::search);
  if (options.rounding >= Rounding::weighted && !options.calibration)
    options.calibration = "";
}

/// What is written, and where.
static llvm::Error settleOutput(CompileOptions &options) {
  options.emit = options.asked.emit.value_or(options.stopAfter ? EmitKind::mlir : EmitKind::executable);
  bool mlir = options.emit == EmitKind::mlir;
  if (options.stopAfter && !mlir)
    return usageError("--stop-after: error: gives MLIR, but --emit asks for {0}; leave one of them out",
                      emitWord(options.emit));
  if (mlir && !options.stopAfter)
    options.stopAfter = Stage::lower;
  if (mlir && !options.jsonReport.empty())
    return usageError("--json-report: error: there is no report with --emit mlir; leave one of them out");
  if (options.output.empty() && mlir)
    options.output = "-";
  if (options.output.empty())
    return usageError("-o: error: no output was named; add -o FILE");
  if (options.output == options.jsonReport)
    return usageError("--json-report: error: names the output file; give it another name");
  return llvm::Error::success();
}

llvm::Error completeOptions(CompileOptions &options) {
  settleCaches(options);
  settleRounding(options);
  if (llvm::Error error = settleOutput(options))
    return error;
  if (options.calibration && options.emit != EmitKind::executable)
    return usageError(
        "--emit: error: --calibration, its roundings, --weights auto and --max-kld pack weights, which only --emit "
        "exe does; leave one out");
  if (options.maxFile && options.emit != EmitKind::executable)
    return usageError("--max-size: error: limits what --emit exe writes; leave one of them out");
  if (options.output == "-" && options.emit != EmitKind::mlir)
    return usageError("-o: error: only --emit mlir can go to standard output; name a file");
  return llvm::Error::success();
}

} // namespace gemmac
