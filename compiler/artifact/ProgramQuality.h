// What was measured of programs while another one was compiled: facts for its report.
#ifndef GEMMAC_COMPILER_ARTIFACT_PROGRAMQUALITY_H
#define GEMMAC_COMPILER_ARTIFACT_PROGRAMQUALITY_H

#include "dialects/formats/Format.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace gemmac {

/// How far a program's answers are from those of the unquantized one, measured on text that no weight was rounded by.
struct ProgramQuality {
  double divergence = 0; ///< mean KL divergence of the next token's distribution, in nats
  double agreement = 0;  ///< share of tokens whose likeliest successor is the same
  int64_t tokens = 0;
};

/// A mix of formats that was measured while --weights auto chose one.
struct FormatTrial {
  std::string name;        ///< "q4", "auto"
  int64_t bytes = 0;       ///< of all weights
  double bitsPerValue = 0; ///< of all weights
  ProgramQuality quality;
};

/// Which formats the matrices of a part of the model have.
struct PartSummary {
  std::string part;
  std::map<Format, int64_t> weights; ///< packed matrices of each format
};

/// What --weights auto found.
struct FormatChoiceSummary {
  std::vector<FormatTrial> trials; ///< all measured; the chosen one last
  std::vector<PartSummary> parts;
  double predicted = 0; ///< KL divergence of the chosen mix, before it was measured
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_PROGRAMQUALITY_H
