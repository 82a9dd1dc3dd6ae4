#include "Notice.h"

#include <cstdio>
#include <string_view>

namespace gemmac::runtime {

static std::string name = "program";

void setProgramName(const char *argv0) {
  std::string_view path = argv0 ? argv0 : "";
  path.remove_prefix(path.rfind('/') + 1); // npos + 1 is 0
  if (!path.empty())
    name = path;
}

const char *programName() { return name.c_str(); }

void notice(const std::string &text) { fprintf(stderr, "%s: %s\n", name.c_str(), text.c_str()); }

} // namespace gemmac::runtime
