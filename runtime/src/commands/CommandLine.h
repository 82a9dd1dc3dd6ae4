// The command line of a compiled program.
#ifndef GEMMAC_RUNTIME_COMMANDLINE_H
#define GEMMAC_RUNTIME_COMMANDLINE_H

#include "gemmac/program.h"
#include "generate/Options.h"

namespace gemmac::runtime {

/// Fills in `options`, whose sampling starts from the checkpoint's defaults.
/// \returns true to go on; false when help, the version or an error was printed and main() shall return `exitCode`.
bool parseCommandLine(int argc, char **argv, const gemmac_program &program, Options &options, int &exitCode);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_COMMANDLINE_H
