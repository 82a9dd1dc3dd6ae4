// What the processor can do, and which of the program's ISA levels it runs.
#ifndef GEMMAC_RUNTIME_CPU_H
#define GEMMAC_RUNTIME_CPU_H

#include "base/Status.h"
#include "gemmac/program.h"

#include <string_view>

namespace gemmac::runtime {

/// The GEMMAC_CPU_* bits of this machine that the operating system supports as well.
uint64_t cpuFeatures();

/// Names of the features in `bits`, for messages: "AVX-512 with VNNI".
std::string describeFeatures(uint64_t bits);

/// The code for a processor: that of the last level of `program` whose features are all in `features`, or the one
/// called `name` when that is not empty.
/// \returns usage for an unknown name; cpu when the machine lacks the named level or every level.
Status chooseLevel(const gemmac_program &program, std::string_view name, uint64_t features, const gemmac_code *&level);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_CPU_H
