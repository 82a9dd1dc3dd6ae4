#include "compiler/compile/StageRun.h"

#include "compiler/compile/TextFiles.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"

namespace gemmac {

llvm::Error stageFailed(Stage stage) {
  return llvm::createStringError("gemmac: error: phase '" + stageInfo(stage).name +
                                 "' failed, see above; --dump-phases DIR keeps what went into it");
}

llvm::Error dumpAfter(Stage stage, mlir::ModuleOp module, const CompileOptions &options) {
  const std::string &directory = options.dumpDirectory;
  if (directory.empty())
    return llvm::Error::success();
  if (std::error_code code = llvm::sys::fs::create_directories(directory, true, llvm::sys::fs::all_all))
    return outputError(directory, "cannot create the directory: {0}", code.message());
  return writeModule(module,
                     llvm::formatv("{0}/{1}-{2}.mlir", directory, static_cast<int>(stage), stageInfo(stage).name));
}

llvm::Error runStage(Stage stage, mlir::ModuleOp module, const CompileOptions &options, Progress &progress) {
  progress.stage(stageInfo(stage).name.str());
  mlir::PassManager manager(module.getContext());
  stageInfo(stage).build(manager, options);
  return mlir::failed(manager.run(module)) ? stageFailed(stage) : dumpAfter(stage, module, options);
}

} // namespace gemmac
