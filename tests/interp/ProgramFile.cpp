#include "tests/interp/ProgramFile.h"

#include "gemmac/program.h"

#include <cstring>

namespace gemmac::interp {

llvm::Expected<ProgramFile> loadProgram(const std::string &path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return llvm::createStringError(path + ": error: cannot read: " + file.getError().message());
  llvm::StringRef bytes = (*file)->getBuffer();
  gemmac_image image = {};
  if (bytes.size() >= sizeof(image))
    std::memcpy(&image, bytes.data(), sizeof(image));
  if (std::memcmp(image.magic, GEMMAC_IMAGE_MAGIC, sizeof(image.magic)) != 0 || image.file_bytes != bytes.size() ||
      image.data_offset + image.data_bytes != bytes.size())
    return llvm::createStringError(path + ": error: is no program of the target interp, or was cut short");
  llvm::StringRef text = bytes.take_front(image.data_offset).drop_front(sizeof(image));
  auto program =
      Interpreter::load(text.take_until([](char c) { return c == '\0'; }),
                        {reinterpret_cast<const uint8_t *>(bytes.data()) + image.data_offset, image.data_bytes});
  if (!program)
    return program.takeError();
  return ProgramFile{std::move(*file), std::move(*program)};
}

} // namespace gemmac::interp
