// The second moments that an observing program wrote, by the weights whose inputs they are of.
#ifndef GEMMAC_COMPILER_CALIBRATE_MOMENTS_H
#define GEMMAC_COMPILER_CALIBRATE_MOMENTS_H

#include "compiler/artifact/RoundingGuide.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

#include <mutex>

namespace gemmac {

/// Where moments lie in the file: read from the planned module of an observing program.
struct MomentPlace {
  MomentLayout layout;
  uint64_t offset = 0; ///< in the file
};
using MomentPlaces = llvm::StringMap<MomentPlace>; ///< by momentKey()

/// Names a matrix by its sources, which are the same in every program of a checkpoint.
std::string momentKey(llvm::ArrayRef<std::string> sources);

/// Collects the gemma.step.observe ops of a planned module.
MomentPlaces momentPlaces(mlir::ModuleOp module);

/// Reads moments as they are asked for and keeps factors only while somebody uses them: memory for a few at a time.
class Moments : public RoundingGuide {
public:
  /// Opens the file; error when it is shorter than the places say.
  static llvm::Expected<std::unique_ptr<Moments>> open(const std::string &path, MomentPlaces places);
  ~Moments() override;

  llvm::Expected<std::shared_ptr<const RoundingFactor>> factor(const PackedMatrix &matrix, int64_t batch) override;

private:
  Moments(int fd, std::string path, MomentPlaces places) : fd(fd), path(std::move(path)), places(std::move(places)) {}
  llvm::Expected<std::shared_ptr<const RoundingFactor>> read(const MomentPlace &place, int64_t entry) const;

  struct Known {
    std::mutex mutex; ///< held while the factor is made: other threads wait for it
    std::weak_ptr<const RoundingFactor> factor;
  };
  int fd;
  std::string path;
  MomentPlaces places;
  std::mutex mutex;                                    ///< guards `known`
  std::map<std::pair<uint64_t, int64_t>, Known> known; ///< by place and entry
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_CALIBRATE_MOMENTS_H
