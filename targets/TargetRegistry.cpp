#include "targets/Targets.h"

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

} // namespace gemmac
