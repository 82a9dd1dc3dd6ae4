// Files of text that a compilation writes: modules, code, reports.
#ifndef GEMMAC_COMPILER_COMPILE_TEXTFILES_H
#define GEMMAC_COMPILER_COMPILE_TEXTFILES_H

#include "compiler/artifact/OutputFile.h"
#include "mlir/IR/BuiltinOps.h"

namespace gemmac {

/// A file that is complete but has no name yet.
llvm::Expected<OutputFile> prepareText(const std::string &path, llvm::StringRef text);

/// Gives several files their names; all of them or none.
llvm::Error nameAll(llvm::MutableArrayRef<OutputFile> files);

/// Writes a module as gemmac-opt reads it. \param path "-" for standard output.
llvm::Error writeModule(mlir::ModuleOp module, const std::string &path);

} // namespace gemmac

#endif // GEMMAC_COMPILER_COMPILE_TEXTFILES_H
