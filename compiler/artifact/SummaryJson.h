// The facts of a program as JSON.
#ifndef GEMMAC_COMPILER_ARTIFACT_SUMMARYJSON_H
#define GEMMAC_COMPILER_ARTIFACT_SUMMARYJSON_H

#include "compiler/artifact/ProgramSummary.h"

namespace gemmac {

/// One JSON object, keys in a fixed order: gemmac_program.info_json and, with what packing told, --json-report.
std::string summaryJson(const ProgramSummary &summary);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_SUMMARYJSON_H
