// A target cut down to some of its ISA levels.
#ifndef GEMMAC_TARGETS_LEVELSUBSET_H
#define GEMMAC_TARGETS_LEVELSUBSET_H

#include "targets/TargetBackend.h"

namespace gemmac {

/// The same target with fewer levels: programs are smaller and sooner compiled, but for fewer machines.
class LevelSubset : public TargetBackend {
public:
  /// \param whole the target, which must outlive this.
  /// \param kept at least one of its levels, in its order.
  LevelSubset(const TargetBackend &whole, std::vector<IsaLevel> kept) : whole(whole), kept(std::move(kept)) {}

  /// The levels that `names` lists, separated by commas, in any order. An error says which is unknown and what there
  /// is.
  static llvm::Expected<LevelSubset> parse(const TargetBackend &whole, llvm::StringRef names);

  llvm::StringRef name() const override { return whole.name(); }
  llvm::StringRef triple() const override { return whole.triple(); }
  llvm::StringRef lldEmulation() const override { return whole.lldEmulation(); }
  llvm::ArrayRef<IsaLevel> levels() const override { return kept; }

private:
  const TargetBackend &whole;
  std::vector<IsaLevel> kept;
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_LEVELSUBSET_H
