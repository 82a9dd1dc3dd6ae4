// From a module with formats to one program: for one target, with its own plan. Several may come of one Front.
#ifndef GEMMAC_COMPILER_COMPILE_BACK_H
#define GEMMAC_COMPILER_COMPILE_BACK_H

#include "compiler/artifact/ProgramFile.h"
#include "compiler/compile/Front.h"
#include "compiler/compile/PlannedProgram.h"

namespace gemmac {

/// Its functions are called in the order in which they stand here.
class Back {
public:
  /// `front` and `progress` must outlive it.
  Back(const Front &front, Decided decided, Progress &progress)
      : front(&front), decided(std::move(decided)), progress(&progress) {}

  /// The stages plan and, as far as options().stopAfter wants it, lower. Errors: OutputError where the disk has no room
  /// for the program, UsageError where a thread's stack has none for its functions.
  llvm::Error build(mlir::OwningOpRef<mlir::ModuleOp> quantized);

  /// Code of every level of the target, in order of the levels; they are made at once, by options().threads.
  llvm::Expected<std::vector<std::string>> emit(CodeKind kind) const;
  /// The constant gemmac_the_program, with the program's own report in it, as an object file.
  llvm::Expected<std::string> programObject() const;
  /// Code and runtime as one ELF. May be called again when the summary has changed: the code is kept, the module is
  /// not.
  llvm::Expected<std::string> link();
  /// Writes the program. \param room bytes that a later ELF may need; `beforeNaming` as writeProgram has it.
  llvm::Error pack(const std::string &path, std::string elf, RoundingGuide *guide, uint64_t room = 0,
                   llvm::function_ref<llvm::Error()> beforeNaming = nullptr);
  /// Replaces the ELF of the program that pack() wrote to `path`.
  llvm::Error replace(const std::string &path, std::string elf);

  const CompileOptions &options() const { return decided.options; }
  const Decided &decisions() const { return decided; }
  mlir::ModuleOp module() { return *built; }
  PlannedProgram program; ///< since build()
  ProgramFileInfo file;   ///< since pack()

private:
  const Front *front;
  Decided decided;
  Progress *progress;
  mlir::OwningOpRef<mlir::ModuleOp> built;
  std::vector<std::string> objects; ///< of the levels, once linked
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_COMPILE_BACK_H
