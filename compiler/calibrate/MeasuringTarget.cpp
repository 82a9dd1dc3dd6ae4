#include "compiler/calibrate/MeasuringTarget.h"

#include "llvm/ADT/STLExtras.h"

namespace gemmac {

std::unique_ptr<TargetBackend> measuringTarget(const TargetBackend &native) {
  const std::vector<TargetLevel> levels = native.levels();
  std::string best = levels.front().name;
  for (const TargetLevel &level : levels)
    if (native.runsHere(level))
      best = level.name;
  return native.withLevels(best);
}

bool runsHere(const TargetBackend &target) {
  return llvm::any_of(target.levels(), [&](const TargetLevel &level) { return target.runsHere(level); });
}

} // namespace gemmac
