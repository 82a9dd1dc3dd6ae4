// What programs that run while compiling are compiled for.
#ifndef GEMMAC_COMPILER_CALIBRATE_MEASURINGTARGET_H
#define GEMMAC_COMPILER_CALIBRATE_MEASURINGTARGET_H

#include "targets/TargetBackend.h"

namespace gemmac {

/// A target cut down to one ISA level, the best that this machine has: generating the others' code would take most of the
/// time of a small model's calibration. Which level that is shows nowhere, as all give the same bits.
class MeasuringTarget : public TargetBackend {
public:
  /// \param native the target of this machine, which must outlive this. Where the machine has none of its levels it is the
  ///   base one: running the program will say what is missing.
  explicit MeasuringTarget(const TargetBackend &native);

  llvm::StringRef name() const override { return native.name(); }
  llvm::StringRef triple() const override { return native.triple(); }
  llvm::StringRef lldEmulation() const override { return native.lldEmulation(); }
  llvm::ArrayRef<IsaLevel> levels() const override { return level; }

private:
  const TargetBackend &native;
  IsaLevel level;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_CALIBRATE_MEASURINGTARGET_H
