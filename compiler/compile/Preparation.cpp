#include "compiler/compile/Preparation.h"

#include "compiler/artifact/OutputFile.h"

#include "llvm/Support/FileSystem.h"

namespace gemmac {

static constexpr int64_t defaultContext = 4096;

llvm::Error settleContext(CompileOptions &options, const Checkpoint &checkpoint) {
  int64_t most = checkpoint.config.context;
  options.plan.caches.context = options.asked.context.value_or(std::min(most, defaultContext));
  if (options.plan.caches.context > most)
    return usageError("--context: error: {0} positions asked for, the model has {1}", options.plan.caches.context,
                      most);
  options.plan.functions.chunk = std::min(options.plan.functions.chunk, options.plan.caches.context);
  return llvm::Error::success();
}

/// Files of text that a checkpoint directory may hold beside its tensors, whether this one was read for it or not.
static constexpr const char *companions[] = {"config.json",
                                             "adapter_config.json",
                                             "generation_config.json",
                                             "tokenizer.json",
                                             "tokenizer_config.json",
                                             "tokenizer.model",
                                             "special_tokens_map.json",
                                             "added_tokens.json",
                                             "chat_template.jinja",
                                             "chat_template.json",
                                             "processor_config.json",
                                             "preprocessor_config.json",
                                             "model.safetensors.index.json"};

static llvm::Error checkNotInput(const std::string &path, const char *option, const Checkpoint &checkpoint) {
  std::vector<std::string> names = checkpoint.files;
  names.insert(names.end(), std::begin(companions), std::end(companions));
  for (const std::string &name : names)
    if (llvm::sys::fs::equivalent(checkpoint.directory + "/" + name, path))
      return usageError("{0}: error: is a file of the checkpoint; give another name with {1}", path, option);
  return llvm::Error::success();
}

llvm::Error checkOutputs(const CompileOptions &options, const Checkpoint &checkpoint) {
  if (options.output == "-")
    return llvm::Error::success();
  if (llvm::Error error = checkNotInput(options.output, "-o", checkpoint))
    return error;
  if (!options.jsonReport.empty()) {
    if (llvm::Error error = checkNotInput(options.jsonReport, "--json-report", checkpoint))
      return error;
    if (llvm::Error error = OutputFile::create(options.jsonReport).takeError())
      return error;
  }
  if (options.emit == EmitKind::executable || options.emit == EmitKind::mlir)
    return OutputFile::create(options.output).takeError();
  return checkFreeSpace(options.output, 0);
}

} // namespace gemmac
