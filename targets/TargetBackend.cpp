#include "targets/TargetBackend.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

namespace gemmac {

bool isHost(llvm::StringRef triple) {
  const llvm::Triple given(triple), host(llvm::sys::getProcessTriple());
  return given.getArch() == host.getArch() && given.getOS() == host.getOS();
}

llvm::Expected<std::unique_ptr<TargetBackend>> withLevelsNamed(const TargetBackend &target, llvm::StringRef names) {
  std::vector<std::string> known, asked;
  for (const TargetLevel &level : target.levels())
    known.push_back(level.name);
  llvm::SmallVector<llvm::StringRef> words;
  names.split(words, ',');
  for (llvm::StringRef word : words) {
    if (!llvm::is_contained(known, word))
      return llvm::createStringError("'" + word.str() + "' is no ISA level of " + target.name().str() +
                                     ", expected some of " + llvm::join(known, ", "));
    asked.push_back(word.str());
  }
  return target.withLevels(asked);
}

} // namespace gemmac
