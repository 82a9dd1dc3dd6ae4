// The facts of a program as text for people.
#ifndef GEMMAC_COMPILER_ARTIFACT_SUMMARYTEXT_H
#define GEMMAC_COMPILER_ARTIFACT_SUMMARYTEXT_H

#include "compiler/artifact/ProgramSummary.h"

namespace gemmac {

/// The report that `gemmac compile` prints at the end.
std::string summaryText(const ProgramSummary &summary);

/// The parts of residentBytes(): "weights 1.2 GiB, KV cache ...; pictures and sounds ...".
std::string residentText(const ProgramSummary &summary);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_SUMMARYTEXT_H
