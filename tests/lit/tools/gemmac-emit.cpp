// gemmac-emit: lowered MLIR text on stdin or in a file -> assembly of one ISA level, for the text tests of targets/.
//   gemmac-opt --gemma-lower=target=x86_64-linux phase.mlir | gemmac-emit --target x86_64-linux --level avx2
#include "targets/TargetBackend.h"

#include "dialects/Gemma/GemmaDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

static llvm::cl::opt<std::string> inputName(llvm::cl::Positional, llvm::cl::desc("FILE"), llvm::cl::init("-"));
static llvm::cl::opt<std::string> outputName("o", llvm::cl::desc("output file"), llvm::cl::init("-"));
static llvm::cl::opt<std::string> targetName("target", llvm::cl::desc("name of the target"), llvm::cl::Required);
static llvm::cl::opt<std::string> levelName("level", llvm::cl::desc("name of the ISA level"), llvm::cl::Required);
static llvm::cl::opt<bool> printIr("llvm", llvm::cl::desc("print optimized LLVM IR instead of assembly"));

static int fail(const llvm::Twine &message) {
  llvm::errs() << "gemmac-emit: error: " << message << "\n";
  return 1;
}

int main(int argc, char **argv) {
  llvm::cl::ParseCommandLineOptions(argc, argv, "gemmac-emit: assembly of one ISA level of lowered MLIR\n");
  gemmac::TargetRegistry targets;
  gemmac::registerAllTargets(targets);
  const gemmac::TargetBackend *target = targets.find(targetName);
  if (!target)
    return fail("unknown target '" + targetName + "'");
  DialectRegistry registry;
  registry.insert<gemmac::gemma::GemmaDialect, LLVM::LLVMDialect>();
  MLIRContext context(registry);
  auto module = parseSourceFile<ModuleOp>(inputName, &context);
  if (!module)
    return 1;
  const std::vector<gemmac::TargetLevel> levels = target->levels();
  if (llvm::none_of(levels, [](const gemmac::TargetLevel &each) { return each.name == levelName; }))
    return fail("target '" + targetName + "' has no level '" + levelName + "'");
  auto kind = printIr ? gemmac::CodeKind::llvmIr : gemmac::CodeKind::assembly;
  auto text = target->emit(*module, levelName, kind);
  if (!text)
    return fail(llvm::toString(text.takeError()));
  std::error_code error;
  llvm::raw_fd_ostream output(outputName, error);
  if (error)
    return fail("cannot write '" + outputName + "': " + error.message());
  output << *text;
  return 0;
}
