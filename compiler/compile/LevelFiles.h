// What --emit llvm, asm and obj write: a file for each ISA level.
#ifndef GEMMAC_COMPILER_COMPILE_LEVELFILES_H
#define GEMMAC_COMPILER_COMPILE_LEVELFILES_H

#include "compiler/compile/Back.h"
#include "compiler/compile/JsonReport.h"

namespace gemmac {

/// Writes OUT.<level>.<extension>; for obj also OUT.program.o, the constant gemmac_the_program. All of them or none.
/// `back` is built; the report is prepared before a file gets its name.
llvm::Error writeLevelFiles(const Back &back, JsonReport &report);

} // namespace gemmac

#endif // GEMMAC_COMPILER_COMPILE_LEVELFILES_H
