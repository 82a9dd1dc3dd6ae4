#include "compiler/calibrate/MixProgram.h"

#include "compiler/base/Errors.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace gemmac {

MixProgram::MixProgram(std::string path, DataSection section, uint64_t dataOffset, PackOptions pack)
    : path(std::move(path)), section(std::move(section)), dataOffset(dataOffset), pack(std::move(pack)) {
  this->pack.outputName = this->path;
  this->pack.progress = nullptr;
  for (const PackedMatrix &matrix : matrices())
    held.push_back(matrix.format);
}

llvm::Error MixProgram::hold(const MatrixFormats &formats) {
  DataSection changed;
  for (auto [index, matrix] : llvm::enumerate(matrices()))
    if (formats[index] != held[index]) {
      changed.matrices.push_back(matrix);
      if (formats[index] != matrix.format)
        changed.matrices.back().narrower = formats[index];
    }
  if (changed.matrices.empty())
    return llvm::Error::success();
  int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return outputError(path, "cannot open: {0}", std::strerror(errno));
  llvm::Error error = rewriteMatrices(changed, fd, dataOffset, pack);
  ::close(fd);
  if (!error)
    held = formats;
  return error;
}

} // namespace gemmac
