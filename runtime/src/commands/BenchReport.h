// What `bench` measures, and how it is told.
#ifndef GEMMAC_RUNTIME_BENCHREPORT_H
#define GEMMAC_RUNTIME_BENCHREPORT_H

#include "engine/StepTimes.h"
#include "generate/Model.h"
#include "generate/Options.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace gemmac::runtime {

/// One figure, over the repetitions.
struct Runs {
  std::vector<double> values;

  bool empty() const { return values.empty(); }
  // Of at least one value:
  double median() const;
  double lowest() const;
  double highest() const;
};

/// Sequences that decode together.
struct SideBySide {
  int64_t sequences = 1;
  Runs speed; ///< tokens per second of all of them
};

/// A picture or a sound: seconds of each step.
struct MediaRuns {
  const char *kind; ///< "picture", "sound"
  std::string what; ///< "640 x 480 pixels"
  const gemmac_function *function;
  int64_t tokens = 0;
  uint64_t frontEndBytes = 0; ///< of the heap, for a while
  Runs prepare = {}, encode = {};
  Runs firstToken = {}; ///< until the logits behind its soft tokens, both steps included
};

struct Measurements {
  Runs prefill, decode, verify; ///< tokens per second
  Runs verifyTime;              ///< of a call, in times that of a decoded token
  Runs roof;                    ///< bytes per second
  std::vector<SideBySide> sideBySide;
  std::vector<MediaRuns> media;
  uint64_t peakResidentBytes = 0;
};

/// How many sequences are in use at the same time.
int64_t mostSequences(const BenchOptions &options);

/// Of what was measured; both end with a line break.
std::string benchJson(const Model &model, const BenchOptions &options, const Measurements &measured,
                      const StepTimes &times);
std::string benchText(const Model &model, const BenchOptions &options, const Measurements &measured,
                      const StepTimes &times);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_BENCHREPORT_H
