// Order of writing: data section, then the ELF with the finished description, so that one pass over the weights
// suffices.
#include "compiler/artifact/ProgramFile.h"

#include "compiler/artifact/OutputFile.h"
#include "gemmac/program.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ELFObjectFile.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace gemmac {

uint64_t dataSectionOffset(uint64_t elfBytes, uint64_t dataBytes) {
  constexpr uint64_t page = 4096;
  return roundUp(static_cast<int64_t>(elfBytes), dataBytes > hugePageBytes ? hugePageBytes : page);
}

/// File offset of the program's gemmac_image. A program that is no ELF begins with it (Link.h).
static llvm::Expected<uint64_t> findImage(const std::string &elf) {
  if (llvm::StringRef(elf).starts_with(llvm::StringRef(GEMMAC_IMAGE_MAGIC)))
    return 0;
  auto file = llvm::object::ELF64LEFile::create(elf);
  if (!file)
    return file.takeError();
  auto sections = file->sections();
  if (!sections)
    return sections.takeError();
  for (const auto &section : *sections) {
    auto name = file->getSectionName(section);
    if (!name)
      return name.takeError();
    if (*name != ".gemmac.image")
      continue;
    if (section.sh_size != sizeof(gemmac_image) || section.sh_offset + section.sh_size > elf.size() ||
        std::memcmp(elf.data() + section.sh_offset, GEMMAC_IMAGE_MAGIC, sizeof(gemmac_image::magic)) != 0)
      return llvm::createStringError("link: error: section '.gemmac.image' of the linked program does not hold one "
                                     "gemmac_image; the runtime was built by another version of gemmac");
    return section.sh_offset;
  }
  return llvm::createStringError(
      "link: error: the linked program has no section '.gemmac.image'; the runtime was built "
      "by another version of gemmac");
}

static void describe(std::string &elf, uint64_t imageOffset, const ProgramFileInfo &info) {
  gemmac_image image = {};
  std::memcpy(image.magic, GEMMAC_IMAGE_MAGIC, sizeof(image.magic));
  image.data_offset = info.dataOffset;
  image.data_bytes = info.dataBytes;
  image.file_bytes = info.fileBytes;
  image.data_xxh64 = info.dataXxh64;
  std::memcpy(elf.data() + imageOffset, &image, sizeof(image));
}

llvm::Expected<ProgramFileInfo> writeProgram(const std::string &path, std::string elf, const DataSection &section,
                                             PackOptions options, uint64_t elfRoom,
                                             llvm::function_ref<llvm::Error(const ProgramFileInfo &)> beforeNaming) {
  options.outputName = path;
  llvm::Expected<uint64_t> imageOffset = findImage(elf);
  if (!imageOffset)
    return imageOffset.takeError();
  ProgramFileInfo info;
  info.elfBytes = elf.size();
  info.dataBytes = section.bytes();
  info.dataOffset = dataSectionOffset(std::max(info.elfBytes, elfRoom), info.dataBytes);
  info.fileBytes = info.dataOffset + info.dataBytes;
  llvm::Expected<OutputFile> file = OutputFile::create(path);
  if (!file)
    return file.takeError();
  if (llvm::Error error = file->reserve(info.fileBytes))
    return std::move(error);
  llvm::Expected<PackedSection> packed = writeDataSection(section, file->descriptor(), info.dataOffset, options);
  if (!packed)
    return packed.takeError();
  info.dataXxh64 = packed->xxh64;
  info.counts = std::move(packed->counts);
  describe(elf, *imageOffset, info);
  if (llvm::Error error = writeAt(file->descriptor(), 0, llvm::arrayRefFromStringRef(elf), path))
    return std::move(error);
  if (beforeNaming)
    if (llvm::Error error = beforeNaming(info))
      return std::move(error);
  if (llvm::Error error = file->commit(/*executable=*/true))
    return std::move(error);
  return info;
}

llvm::Expected<ProgramFileInfo> replaceElf(const std::string &path, std::string elf, ProgramFileInfo info) {
  llvm::Expected<uint64_t> imageOffset = findImage(elf);
  if (!imageOffset)
    return imageOffset.takeError();
  if (elf.size() > info.dataOffset)
    return llvm::createStringError("link: error: the program's ELF has " + llvm::Twine(elf.size()) +
                                   " bytes, and only " + llvm::Twine(info.dataOffset) + " lie before its weights");
  info.elfBytes = elf.size();
  describe(elf, *imageOffset, info);
  elf.resize(info.dataOffset); // zeros over what a longer one left
  int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return outputError(path, "cannot open: {0}", std::strerror(errno));
  llvm::Error error = writeAt(fd, 0, llvm::arrayRefFromStringRef(elf), path);
  if (!error && ::fsync(fd) != 0)
    error = outputError(path, "cannot finish the file: {0}", std::strerror(errno));
  ::close(fd);
  if (error)
    return std::move(error);
  return info;
}

} // namespace gemmac
