// What is settled and checked as soon as the checkpoint is known, before any work.
#ifndef GEMMAC_COMPILER_COMPILE_PREPARATION_H
#define GEMMAC_COMPILER_COMPILE_PREPARATION_H

#include "compiler/pipeline/CompileOptions.h"

namespace gemmac {

/// Sets options.plan.caches.context and cuts the chunk to it. Errors: UsageError for more positions than the model has.
llvm::Error settleContext(CompileOptions &options, const Checkpoint &checkpoint);

/// Finds what would fail after the work: an output that cannot be written, or that is part of the input.
llvm::Error checkOutputs(const CompileOptions &options, const Checkpoint &checkpoint);

} // namespace gemmac

#endif // GEMMAC_COMPILER_COMPILE_PREPARATION_H
