#include "targets/LevelSubset.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace gemmac {

llvm::Expected<LevelSubset> LevelSubset::parse(const TargetBackend &whole, llvm::StringRef names) {
  llvm::SmallVector<llvm::StringRef> words;
  names.split(words, ',');
  auto nameOf = [](const IsaLevel &level) { return level.name; };
  for (llvm::StringRef word : words)
    if (llvm::none_of(whole.levels(), [&](const IsaLevel &level) { return level.name == word; }))
      return llvm::createStringError("'" + word.str() + "' is no ISA level of " + whole.name().str() +
                                     ", expected some of " + llvm::join(llvm::map_range(whole.levels(), nameOf), ", "));
  std::vector<IsaLevel> kept;
  for (const IsaLevel &level : whole.levels())
    if (llvm::is_contained(words, level.name))
      kept.push_back(level);
  return LevelSubset(whole, std::move(kept));
}

} // namespace gemmac
