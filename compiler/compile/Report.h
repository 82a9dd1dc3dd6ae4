// What `gemmac compile` prints on standard error beside progress.
#ifndef GEMMAC_COMPILER_COMPILE_REPORT_H
#define GEMMAC_COMPILER_COMPILE_REPORT_H

#include "compiler/compile/Back.h"

#include <chrono>

namespace gemmac {

/// "note: ..." for each, unless the user wants quiet.
void printNotes(llvm::ArrayRef<std::string> notes, const CompileOptions &options);

/// Warnings, the facts of the program, and what compiling it took since `began`; nothing when the user wants quiet.
void printReport(const Back &back, std::chrono::steady_clock::time_point began);

} // namespace gemmac

#endif // GEMMAC_COMPILER_COMPILE_REPORT_H
