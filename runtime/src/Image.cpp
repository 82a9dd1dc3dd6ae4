#include "Image.h"

#include "Text.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Volatile: the compiler of gemmac fills it in after linking, so no value may be assumed here. The warning is that
// abi.h, which is plain C, declares it without its section.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wsection"
extern "C" [[gnu::section(".gemmac.image"), gnu::used]] const volatile gemmac_image gemmac_the_image = {
    {'G', 'E', 'M', 'M', 'A', 'C', 'I', 'M'}, 0, 0, 0, 0};
#pragma clang diagnostic pop

namespace gemmac::runtime {

static gemmac_image ownImage() {
  gemmac_image image;
  auto *from = reinterpret_cast<const volatile char *>(&gemmac_the_image);
  auto *to = reinterpret_cast<char *>(&image);
  for (size_t i = 0; i < sizeof(image); ++i)
    to[i] = from[i];
  return image;
}

// Where gemmac_the_image lies in the file, from the program headers that the kernel handed over; -1 when unknown.
// Our programs are linked at fixed addresses, so a header's address is the one in memory.
static int64_t ownImageOffset() {
  auto *headers = reinterpret_cast<const Elf64_Phdr *>(getauxval(AT_PHDR));
  auto address = reinterpret_cast<uint64_t>(&gemmac_the_image);
  for (uint64_t i = 0, count = headers ? getauxval(AT_PHNUM) : 0; i < count; ++i) {
    const Elf64_Phdr &header = headers[i];
    if (header.p_type == PT_LOAD && address >= header.p_vaddr && address < header.p_vaddr + header.p_filesz)
      return static_cast<int64_t>(address - header.p_vaddr + header.p_offset);
  }
  return -1;
}

Image::~Image() {
  if (mapping)
    munmap(mapping, mappingBytes);
}

Status Image::openSelf(const char *argv0) {
  const gemmac_image own = ownImage();
  const int64_t offset = ownImageOffset();
  if (offset < 0)
    return {ExitCode::internal,
            "the program headers do not cover the image description; the program was linked wrongly"};
  const char *candidates[] = {reinterpret_cast<const char *>(getauxval(AT_EXECFN)), argv0, "/proc/self/exe"};
  for (const char *path : candidates) {
    int fd = path ? ::open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
      continue;
    gemmac_image found;
    bool same = pread(fd, &found, sizeof(found), offset) == sizeof(found) && memcmp(&found, &own, sizeof(own)) == 0;
    ::close(fd);
    if (same)
      return openFile(path, own);
  }
  return {ExitCode::inputOutput,
          format("cannot find the program's own file: neither '%s' nor '%s' nor /proc/self/exe is it; start it by its "
                 "full path and let it be readable",
                 candidates[0] ? candidates[0] : "", argv0 ? argv0 : "")};
}

Status Image::openFile(const char *path, const gemmac_image &image) {
  description = image;
  if (memcmp(image.magic, GEMMAC_IMAGE_MAGIC, sizeof(image.magic)) != 0 || image.file_bytes == 0 ||
      image.data_bytes == 0)
    return {ExitCode::damagedProgram, format("'%s' holds no compiled model: its image description was never filled in; "
                                             "compile it again with gemmac",
                                             path)};
  if (image.data_offset % 4096 != 0 || image.data_offset > image.file_bytes ||
      image.data_bytes > image.file_bytes - image.data_offset)
    return {ExitCode::damagedProgram, format("'%s' is damaged: its data section does not lie inside the file", path)};
  int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return {ExitCode::inputOutput, format("cannot open '%s': %s", path, strerror(errno))};
  Status status = map(fd, path);
  ::close(fd);
  return status;
}

Status Image::map(int fd, const char *path) {
  struct stat file;
  if (fstat(fd, &file) != 0)
    return {ExitCode::inputOutput, format("cannot examine '%s': %s", path, strerror(errno))};
  if (static_cast<uint64_t>(file.st_size) < description.file_bytes)
    return {ExitCode::damagedProgram,
            format("program file was cut short: '%s' has %lld bytes, expected %llu; copy it again", path,
                   static_cast<long long>(file.st_size), static_cast<unsigned long long>(description.file_bytes))};
  // Pages can be larger than the alignment of a small section (16 or 64 KiB on some ARM machines).
  const uint64_t before = description.data_offset % static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  mappingBytes = description.data_bytes + before;
  void *address =
      mmap(nullptr, mappingBytes, PROT_READ, MAP_PRIVATE, fd, static_cast<off_t>(description.data_offset - before));
  if (address == MAP_FAILED)
    return {ExitCode::inputOutput, format("cannot map '%s': %s", path, strerror(errno))};
  mapping = address;
  section = static_cast<const uint8_t *>(mapping) + before;
  return {};
}

Status Image::verify() const {
  uint64_t hash = XXH64(section, description.data_bytes, 0);
  if (hash == description.data_xxh64)
    return {};
  return {ExitCode::damagedProgram,
          format("the data section is damaged: XXH64 is %016llx, expected %016llx; copy the "
                 "program again",
                 static_cast<unsigned long long>(hash), static_cast<unsigned long long>(description.data_xxh64))};
}

Status checkProgram(const gemmac_program &program) {
  if (program.abi_version != GEMMAC_ABI_VERSION || program.struct_bytes < sizeof(gemmac_program))
    return {ExitCode::internal, format("the model was compiled for runtime ABI %u, this runtime has %u",
                                       program.abi_version, GEMMAC_ABI_VERSION)};
  bool sane = program.vocab > 0 && program.context > 0 && program.logits_stride >= program.vocab &&
              program.level_count > 0 && program.arena_bytes > 0 && program.scratch_bytes >= 0 &&
              program.cache_bytes >= 0 && program.phases[GEMMAC_PHASE_DECODE].logits_offset >= 0 &&
              program.phases[GEMMAC_PHASE_VERIFY].logits_offset >= 0;
  for (const gemmac_phase &phase : program.phases)
    sane = sane && phase.max_rows > 0;
  if (!sane)
    return {ExitCode::internal, "the compiled model describes itself inconsistently"};
  return {};
}

} // namespace gemmac::runtime
