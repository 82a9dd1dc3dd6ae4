#include "compiler/compile/Preparation.h"

#include "compiler/artifact/OutputFile.h"

#include "llvm/Support/FileSystem.h"

namespace gemmac {

static constexpr int64_t defaultContext = 4096;

llvm::Error settleContext(CompileOptions &options, const Checkpoint &checkpoint) {
  int64_t most = checkpoint.config.context;
  options.plan.context = options.asked.context.value_or(std::min(most, defaultContext));
  if (options.plan.context > most)
    return usageError("--context: error: {0} positions asked for, the model has {1}", options.plan.context, most);
  options.plan.chunk = std::min(options.plan.chunk, options.plan.context);
  return llvm::Error::success();
}

llvm::Error checkOutputs(const CompileOptions &options, const Checkpoint &checkpoint) {
  if (options.output == "-")
    return llvm::Error::success();
  for (const std::string &name : checkpoint.files)
    if (llvm::sys::fs::equivalent(checkpoint.directory + "/" + name, options.output))
      return usageError("{0}: error: is a file of the checkpoint; give another name with -o", options.output);
  if (!options.jsonReport.empty())
    if (llvm::Error error = OutputFile::create(options.jsonReport).takeError())
      return error;
  if (options.emit == EmitKind::executable || options.emit == EmitKind::mlir)
    return OutputFile::create(options.output).takeError();
  return checkFreeSpace(options.output, 0);
}

} // namespace gemmac
