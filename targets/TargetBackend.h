// What the compiler knows of a target. Passes and the driver ask for abilities, never for a name. One folder for each
// kind of machine: cpu/ for what CPUs share, with x86/ and arm/ beside it.
#ifndef GEMMAC_TARGETS_TARGETBACKEND_H
#define GEMMAC_TARGETS_TARGETBACKEND_H

#include "targets/PlanModel.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace gemmac {

/// One form of a program's code, of which the machine that runs it takes the best that it can: an ISA level of a CPU.
struct TargetLevel {
  std::string name;        ///< "avx2"; also the suffix of its functions
  uint64_t features;       ///< GEMMAC_CPU_* (gemmac/program.h) that the machine must have
  std::string description; ///< for `gemmac targets`: what LLVM calls it
};

/// Bytes of its stack that a thread may touch in the functions of a planned module.
struct StackBytes {
  int64_t text = 0; ///< in those that a conversation without pictures and sounds calls
  int64_t all = 0;
};

/// What TargetBackend::emit returns.
enum class CodeKind { llvmIr, assembly, object };

/// What the objects of a target are, by which compiler/artifact/Link.h chooses a linker.
enum class ObjectFormat {
  elf,   ///< linked with the target's runtime to one static executable
  module ///< the planned module as text: the program is that text with its data section, and something else runs it
};

/// Turns a planned module into code for one kind of machine. Objects of it are immutable.
class TargetBackend {
public:
  virtual ~TargetBackend() = default;
  virtual llvm::StringRef name() const = 0;            ///< as on the command line: "x86_64-linux"
  virtual llvm::StringRef triple() const = 0;          ///< LLVM's, of the machine that starts the program
  virtual std::vector<TargetLevel> levels() const = 0; ///< base first; all of them give the same bits
  /// Whether this machine runs code of that level.
  virtual bool runsHere(const TargetLevel &level) const = 0;
  /// The same target with fewer levels: programs are smaller and sooner compiled, but for fewer machines.
  /// \param names of some of levels(), in any order.
  virtual std::unique_ptr<TargetBackend> withLevels(llvm::ArrayRef<std::string> names) const = 0;
  /// What the plan must know of the machine.
  virtual PlanModel planModel() const { return {}; }
  /// For the memory contract; 0 where the code does not run on threads of the program.
  virtual StackBytes stackBytes(mlir::ModuleOp) const { return {}; }
  /// Of what emit() gives as CodeKind::object.
  virtual ObjectFormat objectFormat() const { return ObjectFormat::elf; }

  /// Adds to a planned module, for each level, a nested module of that name in dialects that emit() takes. What the
  /// plan said stays beside it: packed weights and sizes are read from there.
  virtual void buildLowering(mlir::OpPassManager &manager) const = 0;
  /// The optimized code of one level of a lowered module; may be called from several threads at once. Object and
  /// assembly depend on nothing but the module and the level.
  virtual llvm::Expected<std::string> emit(mlir::ModuleOp lowered, llvm::StringRef level, CodeKind kind) const = 0;
};

/// Whether programs for an LLVM triple start on the machine that gemmac runs on: its architecture and system.
bool isHost(llvm::StringRef triple);

/// `target` with the levels that `names` lists, separated by commas, in any order. An error says which is unknown and
/// what there is.
llvm::Expected<std::unique_ptr<TargetBackend>> withLevelsNamed(const TargetBackend &target, llvm::StringRef names);

/// All targets of this build, by name.
class TargetRegistry {
public:
  void add(std::unique_ptr<TargetBackend> backend) { backends.push_back(std::move(backend)); }
  /// Null when there is no such target. "native" is the machine gemmac runs on.
  const TargetBackend *find(llvm::StringRef name) const;
  std::vector<std::string> names() const;

private:
  std::vector<std::unique_ptr<TargetBackend>> backends;
};

void registerAllTargets(TargetRegistry &registry);

/// For tools that run passes by their names: `gemma-lower{target=...}`, and the passes of the targets.
void registerTargetPasses();

} // namespace gemmac

#endif // GEMMAC_TARGETS_TARGETBACKEND_H
