// How far long work has come, on a line that changes.
#ifndef GEMMAC_RUNTIME_PROGRESSLINE_H
#define GEMMAC_RUNTIME_PROGRESSLINE_H

#include "base/Progress.h"

#include <string>

namespace gemmac::runtime {

/// "PROG: encoding, 43 %; Ctrl-C stops it" on standard error, once the work has taken a while; gone when it is over.
/// Nothing where standard error is no terminal or one that obeys no codes (TERM=dumb).
class ProgressLine final : public Progress {
public:
  /// \param what      is going on.
  /// \param patience  seconds before anything is shown.
  explicit ProgressLine(std::string what, double patience = 2);
  ~ProgressLine() override { ended(); }

  void reached(int64_t done, int64_t all) override;
  void ended() override;

private:
  void show(int64_t done, int64_t all);

  const std::string what;
  const double patience;
  const bool shows;
  double began = 0, next = 0; // next: when the line changes; began 0: no work
  bool shown = false;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_PROGRESSLINE_H
