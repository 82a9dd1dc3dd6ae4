#include "compiler/import/ModelName.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace gemmac;
using llvm::StringRef;

/// Hashes of git and of SHA-256, whole: 40 or 64 hexadecimal digits.
static bool isHash(StringRef name) {
  if (!name.consume_front("sha256-"))
    name.consume_front("sha256:");
  return (name.size() == 40 || name.size() == 64) && llvm::all_of(name, llvm::isHexDigit);
}

/// "name" of "org/name".
static StringRef lastPart(StringRef name) {
  StringRef part = name.rsplit('/').second;
  return part.empty() ? name : part;
}

std::string gemmac::directoryModelName(StringRef directory, StringRef given) {
  llvm::SmallString<256> path;
  if (llvm::sys::fs::real_path(directory, path))
    path = directory;
  StringRef name = llvm::sys::path::filename(path);
  if (!isHash(name))
    return name.str();
  StringRef snapshots = llvm::sys::path::parent_path(path);
  StringRef repository = llvm::sys::path::filename(llvm::sys::path::parent_path(snapshots));
  if (llvm::sys::path::filename(snapshots) == "snapshots" && repository.consume_front("models--"))
    return (repository.contains("--") ? repository.split("--").second : repository).str();
  return given.empty() ? name.str() : lastPart(given).str();
}

std::string gemmac::fileModelName(StringRef file, StringRef given) {
  if (isHash(file) && !given.empty())
    return lastPart(given).str();
  return (file.ends_with_insensitive(".gguf") ? file.drop_back(5) : file).str();
}
