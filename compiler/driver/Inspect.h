// `gemmac inspect`: what a checkpoint is and how large its programs would be.
#ifndef GEMMAC_COMPILER_DRIVER_INSPECT_H
#define GEMMAC_COMPILER_DRIVER_INSPECT_H

#include "compiler/import/Model.h"

#include <string>

namespace gemmac {

/// The description as text, for standard output.
std::string describeCheckpoint(const Checkpoint &checkpoint);

} // namespace gemmac

#endif // GEMMAC_COMPILER_DRIVER_INSPECT_H
