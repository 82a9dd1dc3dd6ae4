#include "compiler/compile/Front.h"

#include "compiler/artifact/CacheBounds.h"
#include "compiler/compile/StageRun.h"
#include "compiler/import/ModuleBuilder.h"

using namespace mlir;

namespace gemmac {

llvm::Expected<std::unique_ptr<Front>> Front::read(const CompileOptions &options, Progress &progress) {
  progress.stage("reading the checkpoint");
  llvm::Expected<Checkpoint> checkpoint = importCheckpoint(options.input, options.reading);
  if (!checkpoint)
    return checkpoint.takeError();
  std::unique_ptr<Front> front(new Front(options.threads));
  front->described = std::move(*checkpoint);
  DialectRegistry registry;
  registerStageDialects(registry);
  front->context.appendDialectRegistry(registry);
  front->context.loadAllAvailableDialects();
  if (options.threads > 1)
    front->context.setThreadPool(front->threadPool);
  return front;
}

llvm::Error Front::build(const CompileOptions &options, Progress &progress) {
  progress.stage(stageInfo(Stage::import).name.str());
  built = buildModule(context, described);
  if (!built)
    return stageFailed(Stage::import);
  if (llvm::Error error = setCacheBounds(*built, described.directory))
    return error;
  if (llvm::Error error = dumpAfter(Stage::import, *built, options))
    return error;
  if (options.stopAfter == Stage::import)
    return llvm::Error::success();
  return runStage(Stage::fuse, *built, options, progress);
}

llvm::Expected<OwningOpRef<ModuleOp>> Front::quantized(const CompileOptions &options, Progress &progress) const {
  OwningOpRef<ModuleOp> copy = module().clone();
  if (llvm::Error error = runStage(Stage::quantize, *copy, options, progress))
    return std::move(error);
  return copy;
}

} // namespace gemmac
