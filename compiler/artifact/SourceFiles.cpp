#include "compiler/artifact/SourceFiles.h"

#include "compiler/base/Errors.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gemmac {

// Matrices are packed in the order of layers, so few files are in use at a time.
static constexpr size_t mostOpen = 8;

struct SourceFiles::OpenFile {
  OpenFile(std::string name, int descriptor) : name(std::move(name)), descriptor(descriptor) {}
  OpenFile(const OpenFile &) = delete;
  OpenFile &operator=(const OpenFile &) = delete;
  ~OpenFile() { ::close(descriptor); }

  std::string name;
  int descriptor;
};

llvm::Expected<SourceFiles::Handle> SourceFiles::handleOf(llvm::StringRef file) const {
  std::lock_guard<std::mutex> lock(mutex);
  for (auto it = handles.begin(); it != handles.end(); ++it) {
    if ((*it)->name == file) {
      handles.splice(handles.begin(), handles, it);
      return handles.front();
    }
  }
  llvm::SmallString<256> path(directory);
  llvm::sys::path::append(path, file);
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  while (descriptor < 0 && (errno == EMFILE || errno == ENFILE) && !handles.empty()) {
    handles.pop_back();
    descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  }
  if (descriptor < 0)
    return importError(file, "cannot open: {0}", std::strerror(errno));
  handles.push_front(std::make_shared<OpenFile>(file.str(), descriptor));
  if (handles.size() > mostOpen)
    handles.pop_back();
  return handles.front();
}

llvm::Error SourceFiles::open(llvm::ArrayRef<PackedMatrix> matrices, llvm::StringRef from) {
  directory = from.str();
  for (const PackedMatrix &matrix : matrices)
    for (const PackSource &source : matrix.sources)
      if (llvm::Error error = check(source))
        return error;
  return llvm::Error::success();
}

llvm::Error SourceFiles::read(const FilePlace &place, uint8_t *result) const {
  llvm::Expected<Handle> handle = handleOf(place.file);
  if (!handle)
    return handle.takeError();
  uint64_t offset = place.offset, bytes = place.bytes;
  while (bytes > 0) {
    ssize_t got = ::pread((*handle)->descriptor, result, bytes, offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return importError(place.file, "cannot read tensor '{0}' at byte {1}: {2}", place.tensor, offset,
                         std::strerror(errno));
    if (got == 0)
      return importError(place.file, "ends at byte {0}, inside tensor '{1}'; the file was cut while it was read",
                         offset, place.tensor);
    result += got, offset += got, bytes -= got;
  }
  return llvm::Error::success();
}

llvm::Error SourceFiles::check(const PackSource &source) {
  for (const PackSource &piece : source.pieces)
    if (llvm::Error error = check(piece))
      return error;
  if (!source.pieces.empty())
    return llvm::Error::success();
  uint64_t rows = source.batch * source.rows;
  if (source.scales)
    if (llvm::Error error = check(
            {source.scales->file, source.name, source.scales->offset, rows * source.scales->rowBytes(source.cols)}))
      return error;
  return check({source.file, source.name, source.offset, rows * source.rowBytes()});
}

llvm::Error SourceFiles::check(const FilePlace &place) {
  llvm::Expected<Handle> handle = handleOf(place.file);
  if (!handle)
    return handle.takeError();
  struct stat status;
  if (::fstat((*handle)->descriptor, &status) != 0)
    return importError(place.file, "cannot read its size: {0}", std::strerror(errno));
  if (uint64_t end = place.offset + place.bytes; static_cast<uint64_t>(status.st_size) < end)
    return importError(place.file, "has {0} bytes, expected {1} at least for tensor '{2}'; copy the file again",
                       status.st_size, end, place.tensor);
  return llvm::Error::success();
}

} // namespace gemmac
