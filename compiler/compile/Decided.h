// What the stage of decisions hands on.
#ifndef GEMMAC_COMPILER_COMPILE_DECIDED_H
#define GEMMAC_COMPILER_COMPILE_DECIDED_H

#include "compiler/artifact/ProgramQuality.h"
#include "compiler/pipeline/CompileOptions.h"

namespace gemmac {

/// Options of which nothing is open any more, and what the report says of how they came about.
struct Decided {
  CompileOptions options;
  std::string memoryChanges = {};                           ///< what --max-rss changed, as one would type it
  std::optional<FormatChoiceSummary> choice = std::nullopt; ///< of --weights auto, all rows but its own
  FormatTrial chosen = {};                                  ///< this row; its quality is known once it was measured
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_COMPILE_DECIDED_H
