// The constant `gemmac_the_program` (gemmac/program.h) as an object file: what ties emitted code, data section and
// runtime together.
#ifndef GEMMAC_COMPILER_ARTIFACT_PROGRAMOBJECT_H
#define GEMMAC_COMPILER_ARTIFACT_PROGRAMOBJECT_H

#include "compiler/artifact/ProgramSummary.h"
#include "compiler/import/Model.h"
#include "targets/TargetBackend.h"

namespace gemmac {

/// The symbol of a function's code at one level: "gemmac_decode_avx2".
std::string functionSymbol(llvm::StringRef function, llvm::StringRef level);

/// Emits gemmac_the_program. It refers to functionSymbol() of every function and level, undefined here.
/// \param tokenizer place of the tokenizer in the data section.
/// Errors: no code generator for the target's triple in this build of LLVM.
llvm::Expected<std::string> programObject(const ProgramSummary &summary, const Checkpoint &checkpoint,
                                          gemmac_span tokenizer, const TargetBackend &target);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_PROGRAMOBJECT_H
