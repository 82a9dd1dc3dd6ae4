// The compiler's command line, for programs that know these targets or more.
#ifndef GEMMAC_COMPILER_DRIVER_COMMANDLINE_H
#define GEMMAC_COMPILER_DRIVER_COMMANDLINE_H

#include "targets/TargetBackend.h"

namespace gemmac {

/// What `gemmac` does with its words, from securing the standard descriptors on. \returns the exit code.
/// \param registerTargets adds those that the program compiles for.
int runCommandLine(int argc, char **argv, void (*registerTargets)(TargetRegistry &));

} // namespace gemmac

#endif // GEMMAC_COMPILER_DRIVER_COMMANDLINE_H
