#include "compiler/compile/TextFiles.h"

#include "compiler/base/Messages.h"
#include "compiler/base/Process.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

namespace gemmac {

llvm::Expected<OutputFile> prepareText(const std::string &path, llvm::StringRef text) {
  llvm::Expected<OutputFile> file = OutputFile::create(path);
  if (!file)
    return file.takeError();
  if (llvm::Error error = writeAt(file->descriptor(), 0, llvm::arrayRefFromStringRef(text), path))
    return std::move(error);
  return file;
}

llvm::Error nameAll(llvm::MutableArrayRef<OutputFile> files) {
  for (size_t i = 0; i < files.size(); ++i)
    if (llvm::Error error = files[i].commit(/*executable=*/false)) {
      for (const OutputFile &named : files.take_front(i))
        llvm::sys::fs::remove(named.path());
      return error;
    }
  return llvm::Error::success();
}

llvm::Error writeModule(mlir::ModuleOp module, const std::string &path) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module->print(os);
  os << "\n";
  if (path == "-") {
    std::error_code code = writeStandardOutput(text);
    return code ? standardOutputError(code) : llvm::Error::success();
  }
  llvm::Expected<OutputFile> file = prepareText(path, text);
  return file ? file->commit(/*executable=*/false) : file.takeError();
}

} // namespace gemmac
