#include "targets/cpu/CpuTarget.h"

#include "targets/cpu/EmitCode.h"
#include "targets/cpu/HostCpu.h"
#include "targets/cpu/Passes.h"
#include "targets/cpu/StackModel.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace gemmac {

std::vector<TargetLevel> CpuTarget::levels() const {
  std::vector<TargetLevel> result;
  for (const IsaLevel &level : isa)
    result.push_back(
        {level.name, level.features, level.llvmFeatures.empty() ? level.cpu : level.cpu + " " + level.llvmFeatures});
  return result;
}

bool CpuTarget::runsHere(const TargetLevel &level) const {
  return isHost(llvmTriple) && (level.features & ~hostCpuFeatures()) == 0;
}

std::unique_ptr<TargetBackend> CpuTarget::withLevels(ArrayRef<std::string> names) const {
  std::vector<IsaLevel> kept;
  for (const IsaLevel &level : isa)
    if (llvm::is_contained(names, level.name))
      kept.push_back(level);
  return std::make_unique<CpuTarget>(targetName, llvmTriple, std::move(kept));
}

StackBytes CpuTarget::stackBytes(ModuleOp planned) const {
  StackBytes most;
  for (const IsaLevel &level : isa) {
    const StackBytes bound = stackBound(planned, level);
    most = {std::max(most.text, bound.text), std::max(most.all, bound.all)};
  }
  return most;
}

void CpuTarget::buildLowering(OpPassManager &pm) const {
  pm.addPass(createLowerSteps(*this));
  OpPassManager &nested = pm.nest<ModuleOp>();
  nested.addPass(createCanonicalizerPass());
  nested.addPass(createCSEPass());
  nested.addPass(createSCFToControlFlowPass());
  nested.addPass(createConvertVectorToLLVMPass());
  nested.addPass(createConvertMathToLLVMPass());
  nested.addPass(createArithToLLVMConversionPass());
  nested.addPass(createConvertControlFlowToLLVMPass());
  nested.addPass(createConvertFuncToLLVMPass());
  nested.addPass(createReconcileUnrealizedCastsPass());
}

llvm::Expected<std::string> CpuTarget::emit(ModuleOp lowered, StringRef level, CodeKind kind) const {
  auto found = llvm::find_if(isa, [&](const IsaLevel &each) { return each.name == level; });
  auto nested = lowered.lookupSymbol<ModuleOp>(level);
  if (found == isa.end() || !nested)
    return llvm::createStringError("gemmac: error: no code for level '" + level.str() + "' of " + targetName +
                                   " was lowered");
  return emitCode(nested, llvmTriple, *found, kind);
}

} // namespace gemmac
