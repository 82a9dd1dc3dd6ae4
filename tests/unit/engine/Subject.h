// The program that the suite has engines run.
#ifndef GEMMAC_TESTS_ENGINE_SUBJECT_H
#define GEMMAC_TESTS_ENGINE_SUBJECT_H

#include "program/ProgramFile.h"

namespace gemmac::test {

/// What the linked object files are of.
const gemmac_program &subjectProgram();
/// Its file, open.
const runtime::ProgramFile &subjectFile();

} // namespace gemmac::test

#endif // GEMMAC_TESTS_ENGINE_SUBJECT_H
