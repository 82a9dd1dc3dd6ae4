// gemmac-opt: runs passes on textual IR. What one stage of gemmac prints (--stop-after), any later pass resumes here.
#include "compiler/base/ExitCodes.h"
#include "compiler/base/Process.h"
#include "dialects/Gemma/GemmaDialect.h"
#include "passes/fuse/Passes.h"
#include "passes/plan/Passes.h"
#include "passes/quantize/Passes.h"
#include "targets/TargetBackend.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

#include <sys/stat.h>
#include <unistd.h>

using namespace mlir;

// One by one: the header that registers all of MLIR's conversions takes seven seconds to read.
static void registerMlirPasses() {
  registerTransformsPasses();
  registerPass([] { return createSCFToControlFlowPass(); });
  registerPass([] { return createConvertVectorToLLVMPass(); });
  registerPass([] { return createConvertMathToLLVMPass(); });
  registerPass([] { return createArithToLLVMConversionPass(); });
  registerPass([] { return createConvertControlFlowToLLVMPass(); });
  registerPass([] { return createConvertFuncToLLVMPass(); });
  registerPass([] { return createReconcileUnrealizedCastsPass(); });
}

static std::string outputFile;

// What a stream that fails has written of a file is no output.
static void removeOutput() {
  struct stat status;
  if (outputFile != "-" && ::stat(outputFile.c_str(), &status) == 0 && S_ISREG(status.st_mode))
    ::unlink(outputFile.c_str());
}

int main(int argc, char **argv) {
  gemmac::ProcessGuard guard("gemmac-opt", removeOutput);
  if (std::error_code failed = gemmac::secureStandardDescriptors()) {
    llvm::errs() << "gemmac-opt: error: a standard descriptor is closed and nothing can take its place: "
                 << failed.message() << "\n";
    return static_cast<int>(gemmac::ExitCode::inputOutput);
  }
  DialectRegistry registry;
  registry.insert<gemmac::gemma::GemmaDialect, arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect,
                  LLVM::LLVMDialect, math::MathDialect, scf::SCFDialect, vector::VectorDialect>();
  registerMlirPasses();
  gemmac::registerFusePasses();
  gemmac::registerQuantizePasses();
  gemmac::registerPlanPasses();
  gemmac::registerTargetPasses();
  auto [input, output] =
      registerAndParseCLIOptions(argc, argv, "gemmac-opt: passes of the Gemma 4 compiler on textual IR\n", registry);
  outputFile = output;
  LogicalResult result = MlirOptMain(argc, argv, input, output, registry);
  llvm::outs().flush();
  if (std::error_code failed = llvm::outs().error()) {
    llvm::outs().clear_error();
    llvm::errs() << "gemmac-opt: error: cannot write to standard output: " << failed.message() << "\n";
    return static_cast<int>(gemmac::ExitCode::inputOutput);
  }
  return asMainReturnCode(result);
}
