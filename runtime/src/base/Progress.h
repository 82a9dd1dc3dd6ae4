// Telling how far long work has come.
#ifndef GEMMAC_RUNTIME_PROGRESS_H
#define GEMMAC_RUNTIME_PROGRESS_H

#include <cstdint>

namespace gemmac::runtime {

/// Who works calls it from time to time, often where the work falls into many parts: it must return at once.
class Progress {
public:
  virtual ~Progress() = default;
  /// \param done  of `all` parts, which need not be equally long.
  virtual void reached(int64_t done, int64_t all) = 0;
  /// The work is over, done or given up.
  virtual void ended() = 0;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_PROGRESS_H
