#include "compiler/compile/JsonReport.h"

#include "compiler/artifact/SummaryJson.h"
#include "compiler/compile/TextFiles.h"

namespace gemmac {

llvm::Error JsonReport::prepare(const ProgramSummary &summary) {
  if (path.empty())
    return llvm::Error::success();
  llvm::Expected<OutputFile> prepared = prepareText(path, summaryJson(summary) + "\n");
  if (!prepared)
    return prepared.takeError();
  file.emplace(std::move(*prepared));
  return llvm::Error::success();
}

llvm::Error JsonReport::commit() { return file ? file->commit(/*executable=*/false) : llvm::Error::success(); }

} // namespace gemmac
