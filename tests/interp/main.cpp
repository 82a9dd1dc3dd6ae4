// gemmac-interp: `run` and `call` run programs of the target interp; everything else is gemmac with that target in
// addition.
#include "compiler/driver/CommandLine.h"
#include "targets/interp/InterpTarget.h"
#include "tests/interp/CallFunction.h"
#include "tests/interp/RunProgram.h"

#include "llvm/ADT/StringRef.h"

static void registerTargets(gemmac::TargetRegistry &registry) {
  gemmac::registerAllTargets(registry);
  registry.add(gemmac::createInterpTarget());
  registry.add(gemmac::createSpmdInterpTarget());
}

int main(int argc, char **argv) {
  if (argc > 1 && llvm::StringRef(argv[1]) == "run")
    return gemmac::interp::runProgram({argv + 2, argv + argc});
  if (argc > 1 && llvm::StringRef(argv[1]) == "call")
    return gemmac::interp::callFunction({argv + 2, argv + argc});
  return gemmac::runCommandLine(argc, argv, registerTargets);
}
