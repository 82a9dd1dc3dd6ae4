#include "compiler/import/gguf/GgufSource.h"

#include "llvm/Support/Path.h"

namespace gemmac {

llvm::Expected<GgufSource> GgufSource::open(llvm::StringRef path) {
  llvm::StringRef parent = llvm::sys::path::parent_path(path), name = llvm::sys::path::filename(path);
  std::string directory = parent.empty() ? "." : parent.str();
  llvm::Expected<InputFile> file = InputFile::open(directory, name);
  if (!file)
    return file.takeError();
  llvm::Expected<GgufFile> gguf =
      readGguf(name, file->bytes(),
               [&](uint64_t offset, uint64_t count, std::string &bytes) { return file->read(offset, count, bytes); });
  if (!gguf)
    return gguf.takeError();
  return GgufSource{std::move(directory), std::move(*file), std::move(*gguf)};
}

} // namespace gemmac
