// A program file of the target interp, loaded.
#ifndef GEMMAC_TESTS_INTERP_PROGRAMFILE_H
#define GEMMAC_TESTS_INTERP_PROGRAMFILE_H

#include "targets/interp/Interpreter.h"

#include "llvm/Support/MemoryBuffer.h"

namespace gemmac::interp {

struct ProgramFile {
  std::unique_ptr<llvm::MemoryBuffer> bytes; ///< the program's data lies in it
  std::unique_ptr<Interpreter> program;
};

/// Errors: a file that cannot be read, is no such program or was cut short.
llvm::Expected<ProgramFile> loadProgram(const std::string &path);

} // namespace gemmac::interp

#endif // GEMMAC_TESTS_INTERP_PROGRAMFILE_H
