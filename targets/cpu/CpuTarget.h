// A CPU as a target: kernels over KernelBuilder, one nested module and one object for each ISA level.
#ifndef GEMMAC_TARGETS_CPU_CPUTARGET_H
#define GEMMAC_TARGETS_CPU_CPUTARGET_H

#include "targets/TargetBackend.h"
#include "targets/cpu/IsaLevel.h"

namespace gemmac {

class CpuTarget : public TargetBackend {
public:
  /// \param isa  levels, base first.
  CpuTarget(std::string name, std::string triple, std::vector<IsaLevel> isa)
      : targetName(std::move(name)), llvmTriple(std::move(triple)), isa(std::move(isa)) {}

  llvm::ArrayRef<IsaLevel> isaLevels() const { return isa; }

  llvm::StringRef name() const override { return targetName; }
  llvm::StringRef triple() const override { return llvmTriple; }
  std::vector<TargetLevel> levels() const override;
  bool runsHere(const TargetLevel &level) const override;
  std::unique_ptr<TargetBackend> withLevels(llvm::ArrayRef<std::string> names) const override;
  StackBytes stackBytes(mlir::ModuleOp planned) const override;
  void buildLowering(mlir::OpPassManager &manager) const override;
  llvm::Expected<std::string> emit(mlir::ModuleOp lowered, llvm::StringRef level, CodeKind kind) const override;

private:
  std::string targetName, llvmTriple;
  std::vector<IsaLevel> isa;
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_CPUTARGET_H
