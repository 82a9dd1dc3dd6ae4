// What every program of a checkpoint begins with, made once: whatever it is for, and however its weights are stored.
#ifndef GEMMAC_COMPILER_COMPILE_FRONT_H
#define GEMMAC_COMPILER_COMPILE_FRONT_H

#include "compiler/base/Progress.h"
#include "compiler/pipeline/CompileOptions.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/ThreadPool.h"

namespace gemmac {

/// A checkpoint and its arithmetic. All modules of a compilation live in its context, so it outlives them.
class Front {
public:
  /// Reads the checkpoint's description. Errors: ImportError.
  static llvm::Expected<std::unique_ptr<Front>> read(const CompileOptions &options, Progress &progress);

  /// The stages import and fuse, as far as options.stopAfter wants them. Nothing below works before.
  llvm::Error build(const CompileOptions &options, Progress &progress);

  const Checkpoint &checkpoint() const { return described; }
  /// What build() made: level 1, or level 0 where it stopped after import.
  mlir::ModuleOp module() const { return *built; }
  /// The stage quantize on a copy: as often as there are choices of formats, once for all targets.
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> quantized(const CompileOptions &options, Progress &progress) const;

private:
  explicit Front(unsigned threads) : threadPool(llvm::hardware_concurrency(threads)) {}

  Checkpoint described;
  llvm::DefaultThreadPool threadPool; // outlives the context
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  mlir::OwningOpRef<mlir::ModuleOp> built;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_COMPILE_FRONT_H
