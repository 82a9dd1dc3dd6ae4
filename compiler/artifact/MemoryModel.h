// How much memory a program keeps resident: what is reported, what --max-rss limits, and what the runtime computes
// again for other numbers of threads and positions (gemmac_resident_bytes of gemmac/program.h). docs/memory.md tells
// the model.
#ifndef GEMMAC_COMPILER_ARTIFACT_MEMORYMODEL_H
#define GEMMAC_COMPILER_ARTIFACT_MEMORYMODEL_H

#include "compiler/artifact/ProgramSummary.h"

namespace gemmac {

/// Packed weights that functions of text do not read: of those that pictures read, and of all others.
struct WeightsBesideText {
  llvm::SmallVector<gemma::PackedOp> image, audio;
};
WeightsBesideText weightsBesideText(mlir::ModuleOp module);

/// The terms of the model, from a planned module and what was read of it; `tokenizer` and `limit` are left at 0.
/// \param stack  of a thread (TargetBackend::stackBytes).
gemmac_memory memoryOf(mlir::ModuleOp module, const ProgramSummary &summary, StackBytes stack);

/// Peak resident memory of the program, with its whole context in use and GEMMAC_CONTRACT_THREADS threads.
uint64_t residentBytes(const ProgramSummary &summary);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_MEMORYMODEL_H
