// Lines on standard error.
#ifndef GEMMAC_RUNTIME_NOTICE_H
#define GEMMAC_RUNTIME_NOTICE_H

#include <string>

namespace gemmac::runtime {

/// A line on standard error: "PROGRAM: text", with control characters shown (Visible.h). All of it or, where standard
/// error cannot be written to, nothing.
void notice(const std::string &text);

/// What notices begin with: the last part of argv[0]. Set once by main().
void setProgramName(const char *argv0);
const char *programName();

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_NOTICE_H
