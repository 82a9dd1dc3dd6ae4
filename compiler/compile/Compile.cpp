#include "compiler/compile/Compile.h"

#include "compiler/compile/Executable.h"
#include "compiler/compile/LevelFiles.h"
#include "compiler/compile/Preparation.h"
#include "compiler/compile/Report.h"
#include "compiler/compile/TextFiles.h"

#include "llvm/Support/FileSystem.h"

using namespace mlir;

namespace gemmac {

using Clock = std::chrono::steady_clock;

/// A checkpoint whose outputs can be written, as a module: whatever comes of it begins with this.
static llvm::Expected<std::unique_ptr<Front>> begin(CompileOptions &options, Progress &progress) {
  llvm::Expected<std::unique_ptr<Front>> front = Front::read(options, progress);
  if (!front)
    return front;
  if (llvm::Error error = settleContext(options, (*front)->checkpoint()))
    return std::move(error);
  if (llvm::Error error = checkOutputs(options, (*front)->checkpoint()))
    return std::move(error);
  printNotes((*front)->checkpoint().notes, options);
  if (llvm::Error error = (*front)->build(options, progress))
    return std::move(error);
  return front;
}

/// Writes what --emit asks for; the JSON report gets its name last, and without it there is no program.
static llvm::Error writeOutputs(const Front &front, Decisions &decisions, Back &back, Progress &progress) {
  JsonReport report(back.options().jsonReport);
  bool executable = back.options().emit == EmitKind::executable;
  if (llvm::Error error =
          executable ? writeExecutable(front, decisions, back, report, progress) : writeLevelFiles(back, report))
    return error;
  llvm::Error error = report.commit();
  if (error && executable)
    llvm::sys::fs::remove(back.options().output);
  return error;
}

static llvm::Error printModule(ModuleOp module, const CompileOptions &options, Progress &progress) {
  progress.finish();
  return writeModule(module, options.output);
}

llvm::Error compileCheckpoint(CompileOptions options) {
  Clock::time_point began = Clock::now();
  Progress progress(options.quiet);

  // Once, for whatever target: the checkpoint's arithmetic, one op per thing that a machine does at once.
  llvm::Expected<std::unique_ptr<Front>> front = begin(options, progress);
  if (!front)
    return front.takeError();
  if (options.stopAfter && *options.stopAfter <= Stage::fuse)
    return printModule((*front)->module(), options, progress);

  // What the user left open: chunk, caches and formats that keep the limits. Programs may run for it.
  Decisions decisions(**front, options, progress);
  llvm::Expected<Decided> decided = decisions.decide();
  if (!decided)
    return decided.takeError();
  llvm::Expected<OwningOpRef<ModuleOp>> quantized = (*front)->quantized(decided->options, progress);
  if (!quantized)
    return quantized.takeError();
  if (options.stopAfter == Stage::quantize)
    return printModule(**quantized, options, progress);

  // For the target: steps and memory, then code. This is where a second target would begin.
  Back back(**front, std::move(*decided), progress);
  if (llvm::Error error = back.build(std::move(*quantized)))
    return error;
  if (options.stopAfter)
    return printModule(back.module(), options, progress);

  // Code, runtime and weights become files.
  if (llvm::Error error = writeOutputs(**front, decisions, back, progress))
    return error;
  progress.finish();
  printReport(back, began);
  return llvm::Error::success();
}

} // namespace gemmac
