// The file of --json-report.
#ifndef GEMMAC_COMPILER_COMPILE_JSONREPORT_H
#define GEMMAC_COMPILER_COMPILE_JSONREPORT_H

#include "compiler/artifact/OutputFile.h"
#include "compiler/artifact/ProgramSummary.h"

#include <optional>

namespace gemmac {

/// Written before the program has a name: where there is no room for one, there shall not be the other.
class JsonReport {
public:
  /// \param path empty for none: then nothing below does anything.
  explicit JsonReport(std::string path) : path(std::move(path)) {}
  /// Writes all of it, still without a name.
  llvm::Error prepare(const ProgramSummary &summary);
  /// Gives what was prepared its name.
  llvm::Error commit();

private:
  std::string path;
  std::optional<OutputFile> file;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_COMPILE_JSONREPORT_H
