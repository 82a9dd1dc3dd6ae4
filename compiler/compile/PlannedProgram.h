// What is known of a program once it is planned, before code is made of it.
#ifndef GEMMAC_COMPILER_COMPILE_PLANNEDPROGRAM_H
#define GEMMAC_COMPILER_COMPILE_PLANNEDPROGRAM_H

#include "compiler/artifact/Packer.h"
#include "compiler/artifact/ProgramSummary.h"
#include "compiler/calibrate/Moments.h"
#include "compiler/compile/Decided.h"

namespace gemmac {

struct PlannedProgram {
  ProgramSummary summary;
  DataSection section;
  MomentPlaces moments; ///< of an observing program
};

/// Reads a planned module, to be called before lowering changes it.
llvm::Expected<PlannedProgram> readPlan(mlir::ModuleOp planned, const Checkpoint &checkpoint, const Decided &decided);

} // namespace gemmac

#endif // GEMMAC_COMPILER_COMPILE_PLANNEDPROGRAM_H
