#include "targets/Targets.h"
#include "targets/cpu/Passes.h"

#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

namespace gemmac {

void registerAllTargets(TargetRegistry &registry) {
  registry.add(createX86LinuxTarget());
  registry.add(createAarch64LinuxTarget());
}

const TargetBackend *TargetRegistry::find(llvm::StringRef name) const {
  llvm::Triple host(llvm::sys::getProcessTriple());
  for (const auto &backend : backends) {
    llvm::Triple triple(backend->triple());
    bool native = triple.getArch() == host.getArch() && triple.getOS() == host.getOS();
    if (backend->name() == name || (name == "native" && native))
      return backend.get();
  }
  return nullptr;
}

std::vector<std::string> TargetRegistry::names() const {
  std::vector<std::string> result;
  for (const auto &backend : backends)
    result.push_back(backend->name().str());
  return result;
}

namespace {
struct LowerPipelineOptions : mlir::PassPipelineOptions<LowerPipelineOptions> {
  Option<std::string> target{*this, "target", llvm::cl::desc("Name of the target"), llvm::cl::init("native")};
};
} // namespace

void registerTargetPasses() {
  static TargetRegistry *targets = [] {
    auto *made = new TargetRegistry;
    registerAllTargets(*made);
    return made;
  }();
  registerCpuPasses();
  mlir::PassPipelineRegistration<LowerPipelineOptions>(
      "gemma-lower", "what the target does between the plan and its code",
      [](mlir::OpPassManager &manager, const LowerPipelineOptions &options) {
        if (const TargetBackend *target = targets->find(options.target))
          return target->buildLowering(manager);
        llvm::report_fatal_error("gemma-lower: unknown target '" + llvm::Twine(options.target) + "'", false);
      });
}

} // namespace gemmac
