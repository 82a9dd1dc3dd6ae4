// What a compilation would need at run time, without compiling: behind --max-rss, and for whoever chooses formats.
#ifndef GEMMAC_COMPILER_DRIVER_MEMORYLIMIT_H
#define GEMMAC_COMPILER_DRIVER_MEMORYLIMIT_H

#include "compiler/artifact/ProgramSummary.h"
#include "compiler/pipeline/Phases.h"

#include <functional>

namespace gemmac {

/// What the runtime maps of a serialized tokenizer: all but its merges, which come last (abi.h).
uint64_t mappedTokenizerBytes(llvm::StringRef table);

/// Tells what a program would be for other options; residentBytes() of the result is its peak resident memory.
using Planner = std::function<llvm::Expected<ProgramSummary>(const CompileOptions &)>;

/// Plans copies of a fused module (before the quantize phase): milliseconds, nothing is packed or emitted. Diagnostics
/// are swallowed. `fused` must outlive the planner.
Planner plannerOf(mlir::ModuleOp fused, uint64_t mappedTokenizerBytes);

/// Success when `summary` stays within options.maxResident, or when there is none. Else an error that names the parts
/// of the memory and what would fit, changing one option at a time, then all: context, chunk, KV cache, formats.
llvm::Error checkMemoryLimit(const CompileOptions &options, const ProgramSummary &summary, const Planner &plan);

} // namespace gemmac

#endif // GEMMAC_COMPILER_DRIVER_MEMORYLIMIT_H
