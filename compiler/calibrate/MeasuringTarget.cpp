#include "compiler/calibrate/MeasuringTarget.h"

#include "runtime/src/Cpu.h"

namespace gemmac {

static IsaLevel bestLevel(const TargetBackend &native) {
  uint64_t features = runtime::cpuFeatures();
  IsaLevel best = native.levels().front();
  for (const IsaLevel &level : native.levels())
    if ((level.features & ~features) == 0)
      best = level;
  return best;
}

MeasuringTarget::MeasuringTarget(const TargetBackend &native) : native(native), level(bestLevel(native)) {}

} // namespace gemmac
