#include "compiler/import/FileAccess.h"

#include "compiler/import/Json.h"

#include "llvm/Support/Path.h"

using namespace gemmac;
using llvm::StringRef;

static constexpr llvm::StringLiteral lfsVersion = "version https://git-lfs.github.com/spec/";
static constexpr uint64_t maxTextBytes = uint64_t(512) << 20;

static std::string join(StringRef directory, StringRef name) {
  llvm::SmallString<256> path(directory);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

bool gemmac::fileExists(StringRef directory, StringRef name) { return llvm::sys::fs::exists(join(directory, name)); }

llvm::Expected<InputFile> InputFile::open(StringRef directory, StringRef name) {
  std::string path = join(directory, name);
  llvm::sys::fs::file_status status;
  if (std::error_code code = llvm::sys::fs::status(path, status))
    return importError(name, "cannot read the file in '{0}': {1}", directory, code.message());
  // Opening a pipe would wait for ever.
  if (status.type() != llvm::sys::fs::file_type::regular_file)
    return importError(name, "this is not a regular file in '{0}'", directory);
  llvm::Expected<llvm::sys::fs::file_t> handle = llvm::sys::fs::openNativeFileForRead(path);
  if (!handle)
    return importError(name, "cannot open the file in '{0}': {1}", directory, llvm::toString(handle.takeError()));
  InputFile file(name.str(), *handle, status.getSize());
  std::string start;
  if (llvm::Error error = file.read(0, std::min<uint64_t>(file.size, lfsVersion.size()), start))
    return std::move(error);
  if (isLfsPointer(start))
    return importError(
        name, "this is a Git LFS pointer of {0} bytes, not the file: run 'git lfs pull' in {1}, or download the file",
        file.size, inQuotes(directory));
  return file;
}

bool gemmac::isLfsPointer(StringRef start) { return start.starts_with(lfsVersion); }

InputFile::InputFile(InputFile &&other) noexcept : name(std::move(other.name)), handle(other.handle), size(other.size) {
  other.handle = llvm::sys::fs::kInvalidFile;
}

InputFile::~InputFile() {
  if (handle != llvm::sys::fs::kInvalidFile)
    llvm::sys::fs::closeFile(handle);
}

llvm::Error InputFile::read(uint64_t offset, uint64_t count, std::string &result) const {
  result.resize(count);
  for (uint64_t done = 0; done < count;) {
    llvm::Expected<size_t> got = llvm::sys::fs::readNativeFileSlice(
        handle, llvm::MutableArrayRef<char>(result.data() + done, count - done), offset + done);
    if (!got)
      return importError(name, "cannot read {0} bytes at byte {1}: {2}", count, offset,
                         llvm::toString(got.takeError()));
    if (*got == 0)
      return importError(name, "got {0} bytes at byte {1}, expected {2}: the file became shorter while it was read",
                         done, offset, count);
    done += *got;
  }
  return llvm::Error::success();
}

llvm::Expected<std::string> gemmac::readTextFile(StringRef directory, StringRef name) {
  llvm::Expected<InputFile> file = InputFile::open(directory, name);
  if (!file)
    return file.takeError();
  if (file->bytes() > maxTextBytes)
    return importError(name, "the file has {0} bytes, expected at most {1}", file->bytes(), maxTextBytes);
  std::string text;
  if (llvm::Error error = file->read(0, file->bytes(), text))
    return std::move(error);
  return text;
}
