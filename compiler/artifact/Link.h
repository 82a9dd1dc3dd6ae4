// Linking, by the format of a target's objects. ELF: with lld as a library, emitted objects and the prebuilt runtime of
// the target to one static executable in memory. Module: the text of the one object.
#ifndef GEMMAC_COMPILER_ARTIFACT_LINK_H
#define GEMMAC_COMPILER_ARTIFACT_LINK_H

#include "targets/TargetBackend.h"
#include "llvm/Support/Error.h"

#include <string>

namespace gemmac {

/// Where the runtimes lie beside a gemmac program: "<its directory>/../lib/gemmac/<target>".
std::string runtimeDirectory(llvm::StringRef gemmacProgram, llvm::StringRef target);

/// Whether a runtime lies in the directory, as far as its list of files tells.
bool hasRuntime(llvm::StringRef runtime);

/// Whether programs of the target are linked with one.
bool needsRuntime(const TargetBackend &target);

/// Links a program and returns its bytes, in which ProgramFile.h finds the gemmac_image to fill in; the same bytes for
/// the same objects and runtime. What follows is of ELF: a static, non-PIE executable. A module is its first object
/// behind its gemmac_image; the constants of the runtime, in a last object, are left out.
///
/// `<runtime>/link.txt` gives the order: one item per line, `@PROGRAM@` for `objects`, an option when it begins with
/// '-', else a file of `runtime`. Empty lines and lines that begin with '#' are skipped. Objects and result never touch
/// the disk (memfd), so that an interrupted compiler leaves nothing. Not reentrant: standard output is redirected while
/// lld writes. Errors: OutputError when the runtime is missing or incomplete or the result cannot be held; others with
/// lld's own text.
llvm::Expected<std::string> linkProgram(llvm::ArrayRef<std::string> objects, const TargetBackend &target,
                                        llvm::StringRef runtime);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_LINK_H
