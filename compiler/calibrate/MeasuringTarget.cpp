#include "compiler/calibrate/MeasuringTarget.h"

#include "targets/cpu/HostCpu.h"

#include "llvm/ADT/STLExtras.h"

namespace gemmac {

static bool isHere(const IsaLevel &level) { return (level.features & ~hostCpuFeatures()) == 0; }

LevelSubset measuringTarget(const TargetBackend &native) {
  IsaLevel best = native.levels().front();
  for (const IsaLevel &level : native.levels())
    if (isHere(level))
      best = level;
  return LevelSubset(native, {best});
}

bool runsHere(const TargetBackend &target, const TargetBackend &native) {
  return target.name() == native.name() && llvm::any_of(target.levels(), isHere);
}

} // namespace gemmac
