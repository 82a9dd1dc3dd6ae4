#include "program/ProgramFile.h"

#include "base/Text.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <memory>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

// Volatile: the compiler of gemmac fills it in after linking, so no value may be assumed here. The warning is that
// program.h, which is plain C, declares it without its section.
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

Mapping::~Mapping() {
  if (address)
    munmap(address, addressBytes);
}

ProgramFile::~ProgramFile() {
  if (file >= 0)
    ::close(file);
}

Status ProgramFile::openSelf(const char *argv0) {
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

Status ProgramFile::openFile(const char *path, const gemmac_image &image) {
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
  Status status = adopt(fd, path, image);
  if (!status.ok())
    ::close(fd);
  return status;
}

Status ProgramFile::adopt(int fd, const char *path, const gemmac_image &image) {
  struct stat found;
  if (fstat(fd, &found) != 0)
    return {ExitCode::inputOutput, format("cannot examine '%s': %s", path, strerror(errno))};
  if (static_cast<uint64_t>(found.st_size) < image.file_bytes)
    return {ExitCode::damagedProgram,
            format("program file was cut short: '%s' has %lld bytes, expected %llu; copy it again", path,
                   static_cast<long long>(found.st_size), static_cast<unsigned long long>(image.file_bytes))};
  description = image;
  file = fd;
  return {};
}

// A place in the address space for `bytes`, congruent to `offset` modulo a large page, so that large pages can map it.
// Null when there is none.
static uint8_t *reserve(size_t bytes, uint64_t offset) {
  constexpr size_t largePage = size_t(2) << 20;
  const size_t room = bytes + 2 * largePage;
  void *found = mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (found == MAP_FAILED)
    return nullptr;
  auto *begin = static_cast<uint8_t *>(found);
  const auto address = reinterpret_cast<uintptr_t>(begin);
  uint8_t *place = begin + (largePage - address % largePage) % largePage + offset % largePage;
  if (place != begin)
    munmap(begin, static_cast<size_t>(place - begin));
  munmap(place + bytes, static_cast<size_t>(begin + room - (place + bytes)));
  return place;
}

Status ProgramFile::map(gemmac_span part, Mapping &mapping) const {
  if (part.offset > description.data_bytes || part.bytes > description.data_bytes - part.offset)
    return {ExitCode::damagedProgram,
            format("the program is damaged: bytes %llu to %llu lie outside of its data section",
                   static_cast<unsigned long long>(part.offset),
                   static_cast<unsigned long long>(part.offset + part.bytes))};
  if (part.bytes == 0)
    return {};
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t begin = description.data_offset + part.offset, before = begin % page;
  const uint64_t bytes = (before + part.bytes + page - 1) / page * page;
  uint8_t *place = reserve(bytes, begin - before);
  void *address = place
                      ? mmap(place, bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, static_cast<off_t>(begin - before))
                      : MAP_FAILED;
  if (address == MAP_FAILED)
    return {ExitCode::inputOutput,
            format("cannot map %s of the program's file: %s", formatBytes(part.bytes).c_str(), strerror(errno))};
  // What is not in the page cache yet comes in large pages then, which read faster; a system without them says no.
  (void)madvise(address, bytes, MADV_HUGEPAGE);
  mapping.address = address;
  mapping.addressBytes = bytes;
  mapping.begin = static_cast<const uint8_t *>(address) + before;
  return {};
}

Status ProgramFile::read(uint64_t offset, void *to, size_t bytes) const {
  auto *at = static_cast<char *>(to);
  for (uint64_t place = description.data_offset + offset; bytes > 0;) {
    const ssize_t got = pread(file, at, bytes, static_cast<off_t>(place));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return {ExitCode::inputOutput, format("the program's file cannot be read any more: %s", strerror(errno))};
    if (got == 0)
      return {ExitCode::damagedProgram, "the program file was cut short or changed while it ran"};
    at += got;
    place += static_cast<uint64_t>(got);
    bytes -= static_cast<size_t>(got);
  }
  return {};
}

void ProgramFile::announce(uint64_t offset, size_t bytes) const {
  (void)posix_fadvise(file, static_cast<off_t>(description.data_offset + offset), static_cast<off_t>(bytes),
                      POSIX_FADV_WILLNEED);
}

Status ProgramFile::verify() const {
  constexpr size_t step = 1 << 20;
  std::vector<uint8_t> buffer(step);
  std::unique_ptr<XXH64_state_t, XXH_errorcode (*)(XXH64_state_t *)> state(XXH64_createState(), XXH64_freeState);
  XXH64_reset(state.get(), 0);
  for (uint64_t at = 0; at < description.data_bytes; at += step) {
    const size_t bytes = std::min<uint64_t>(step, description.data_bytes - at);
    if (Status status = read(at, buffer.data(), bytes); !status.ok())
      return status;
    XXH64_update(state.get(), buffer.data(), bytes);
  }
  const uint64_t hash = XXH64_digest(state.get());
  if (hash == description.data_xxh64)
    return {};
  return {ExitCode::damagedProgram,
          format("the data section is damaged: XXH64 is %016llx, expected %016llx; copy the "
                 "program again",
                 static_cast<unsigned long long>(hash), static_cast<unsigned long long>(description.data_xxh64))};
}

} // namespace gemmac::runtime
