#include "base/Notice.h"

#include "base/Files.h"
#include "base/Visible.h"

#include <string_view>
#include <unistd.h>

namespace gemmac::runtime {

static std::string name = "program";

void setProgramName(const char *argv0) {
  std::string_view path = argv0 ? argv0 : "";
  path.remove_prefix(path.rfind('/') + 1); // npos + 1 is 0
  if (!path.empty())
    name = path;
}

const char *programName() { return name.c_str(); }

// Who cannot be told is not told: a standard error that is closed or full fails nothing.
void notice(const std::string &text) { (void)writeFully(STDERR_FILENO, visibleLine(name + ": " + text) + "\n"); }

} // namespace gemmac::runtime
