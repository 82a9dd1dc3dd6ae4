#include "Subject.h"

#include "FakeProgram.h"

using namespace gemmac;

const gemmac_program &test::subjectProgram() {
  static const gemmac_program program = fakeProgram();
  return program;
}

/// The fake program reads nothing of a file.
const runtime::ProgramFile &test::subjectFile() {
  static const runtime::ProgramFile file;
  return file;
}
