// What a compilation would need at run time, without compiling: behind --max-rss, and for whoever chooses formats.
#ifndef GEMMAC_COMPILER_CHOOSE_MEMORYLIMIT_H
#define GEMMAC_COMPILER_CHOOSE_MEMORYLIMIT_H

#include "compiler/artifact/ProgramSummary.h"
#include "compiler/pipeline/CompileOptions.h"

#include <functional>

namespace gemmac {

/// A copy of a fused module after the stages quantize and plan. Diagnostics are swallowed.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> planCopy(mlir::ModuleOp fused, const CompileOptions &options);

/// Tells what a program would be for other options; residentBytes() of the result is its peak resident memory.
using Planner = std::function<llvm::Expected<ProgramSummary>(const CompileOptions &)>;

/// Plans copies of a fused module (before the stage quantize): nothing is packed or emitted. Diagnostics are swallowed.
/// `fused` must outlive the planner.
Planner plannerOf(mlir::ModuleOp fused, uint64_t tokenizerBytes);

/// Options under which a program stays within a limit.
struct MemoryFit {
  CompileOptions options;
  std::string changes; ///< what differs from what was asked, as one would type it; empty: nothing
};

/// The options themselves when the program stays within options.maxResident (or there is none). Else the mildest change
/// of what the user left open (options.open) that does: a smaller chunk, then smaller pictures, then a narrower KV
/// cache, then towers, then embeddings, then matrices in fewer bits; no change of one kind is kept that a later one
/// made needless. Else an error that names the parts of the memory and what the user could give up.
llvm::Expected<MemoryFit> fitMemoryLimit(const CompileOptions &options, const Planner &plan);

} // namespace gemmac

#endif // GEMMAC_COMPILER_CHOOSE_MEMORYLIMIT_H
