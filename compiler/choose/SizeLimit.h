// The size of a program's file: behind --max-size.
#ifndef GEMMAC_COMPILER_CHOOSE_SIZELIMIT_H
#define GEMMAC_COMPILER_CHOOSE_SIZELIMIT_H

#include "compiler/artifact/ProgramSummary.h"
#include "compiler/choose/MemoryLimit.h"

namespace gemmac {

/// What a file consists of beside the weights' matrices.
struct FileParts {
  uint64_t elf = 0; ///< with the room that it is given
  uint64_t tokenizer = 0;
};

uint64_t programBytes(const FileParts &parts, uint64_t matrixBytes);

/// The most bytes of matrices with which a program keeps the limit; below 0: not even without any.
int64_t mostMatrixBytes(const FileParts &parts, uint64_t limit);

/// "code and runtime 2.8 MiB, weights 1.2 GiB, tokenizer 34 MiB"
std::string fileText(const FileParts &parts, uint64_t matrixBytes);

/// The error for a program of fixed formats that is larger than options.maxFile: its parts, and what would fit.
llvm::Error fileTooLarge(const CompileOptions &options, const FileParts &parts, uint64_t matrixBytes,
                         const Planner &planner);

} // namespace gemmac

#endif // GEMMAC_COMPILER_CHOOSE_SIZELIMIT_H
