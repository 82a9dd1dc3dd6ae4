// The last part of the way to a program: code of an allowed size, packed weights, and what was measured.
#ifndef GEMMAC_COMPILER_COMPILE_EXECUTABLE_H
#define GEMMAC_COMPILER_COMPILE_EXECUTABLE_H

#include "compiler/compile/Back.h"
#include "compiler/compile/Decisions.h"
#include "compiler/compile/JsonReport.h"

namespace gemmac {

/// Links and packs the program of `back`, which is built, and gives it its name; the report is prepared by then. With a
/// limit of the file's size `back` may become another: formats are chosen again for what the code takes.
llvm::Error writeExecutable(const Front &front, Decisions &decisions, Back &back, JsonReport &report,
                            Progress &progress);

} // namespace gemmac

#endif // GEMMAC_COMPILER_COMPILE_EXECUTABLE_H
