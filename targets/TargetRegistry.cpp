#include "targets/Targets.h"
#include "targets/cpu/Passes.h"

#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/ErrorHandling.h"

namespace gemmac {

static bool isNamed(const TargetBackend &target, llvm::StringRef name) {
  return target.name() == name || (name == "native" && isHost(target.triple()));
}

static std::vector<std::unique_ptr<CpuTarget>> cpuTargets() {
  std::vector<std::unique_ptr<CpuTarget>> targets;
  targets.push_back(createX86LinuxTarget());
  targets.push_back(createAarch64LinuxTarget());
  return targets;
}

std::unique_ptr<CpuTarget> createCpuTarget(llvm::StringRef name) {
  std::vector<std::unique_ptr<CpuTarget>> targets = cpuTargets();
  for (std::unique_ptr<CpuTarget> &target : targets)
    if (isNamed(*target, name))
      return std::move(target);
  return nullptr;
}

void registerAllTargets(TargetRegistry &registry) {
  std::vector<std::unique_ptr<CpuTarget>> targets = cpuTargets();
  for (std::unique_ptr<CpuTarget> &target : targets)
    registry.add(std::move(target));
}

const TargetBackend *TargetRegistry::find(llvm::StringRef name) const {
  for (const auto &backend : backends)
    if (isNamed(*backend, name))
      return backend.get();
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
