// LLVM dialect -> LLVM IR -> optimized IR, assembly or object, for one ISA level.
#include "targets/cpu/EmitCode.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

#include <mutex>

namespace gemmac {

static void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
  });
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createMachine(llvm::StringRef tripleName,
                                                                          const IsaLevel &level) {
  initializeTargets();
  llvm::Triple triple(tripleName);
  std::string error;
  const llvm::Target *llvmTarget = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!llvmTarget)
    return llvm::createStringError("LLVM has no code generator for '" + tripleName + "': " + error);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict; // bits must not depend on the ISA
  options.MCOptions.AsmVerbose = true;                // assembly names loops and tells spills
  return std::unique_ptr<llvm::TargetMachine>(
      // position-independent: costs nothing here, and the object can be linked or loaded anywhere
      llvmTarget->createTargetMachine(triple, level.cpu, level.llvmFeatures, options, llvm::Reloc::PIC_,
                                      llvm::CodeModel::Small, llvm::CodeGenOptLevel::Aggressive));
}

// Kernels are shared by many calls: inlining them would multiply the code, not the speed.
static void setFunctionAttributes(llvm::Module &module, const IsaLevel &level) {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", level.cpu);
    if (!level.llvmFeatures.empty())
      function.addFnAttr("target-features", level.llvmFeatures);
    if (!level.tune.empty())
      function.addFnAttr("tune-cpu", level.tune);
    function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr("min-legal-vector-width", "0");
    function.addFnAttr(llvm::Attribute::NoUnwind);
    if (function.hasLocalLinkage())
      function.addFnAttr(llvm::Attribute::NoInline);
  }
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = false; // kernels are written as vectors
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = false; // and unrolled where that helps: flat code of many live vectors would spill
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

llvm::Expected<std::string> emitCode(mlir::ModuleOp module, llvm::StringRef tripleName, const IsaLevel &level,
                                     CodeKind kind) {
  auto machine = createMachine(tripleName, level);
  if (!machine)
    return machine.takeError();

  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  module->getContext()->appendDialectRegistry(registry);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> llvmModule = mlir::translateModuleToLLVMIR(module, context, level.name);
  if (!llvmModule)
    return llvm::createStringError("translation of level '" + level.name + "' to LLVM IR failed");
  llvmModule->setTargetTriple(llvm::Triple(tripleName));
  llvmModule->setDataLayout((*machine)->createDataLayout());
  setFunctionAttributes(*llvmModule, level);
  optimize(*llvmModule, **machine);

  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  if (kind == CodeKind::llvmIr) {
    llvmModule->print(stream, nullptr);
    return std::string(text.str());
  }
  llvm::legacy::PassManager passes;
  auto fileType = kind == CodeKind::object ? llvm::CodeGenFileType::ObjectFile : llvm::CodeGenFileType::AssemblyFile;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr, fileType))
    return llvm::createStringError("the code generator of '" + tripleName + "' cannot emit this kind of file");
  passes.run(*llvmModule);
  return std::string(text.str());
}

} // namespace gemmac
