// lld takes paths and writes a path. Objects are handed over as /proc/self/fd/N of memory files; the result comes out
// of "-o -", with standard output pointing to a memory file meanwhile.
#include "compiler/artifact/Link.h"

#include "compiler/artifact/OutputFile.h"
#include "gemmac/program.h"
#include "lld/Common/Driver.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

LLD_HAS_DRIVER(elf)

namespace gemmac {

namespace {

/// A file in memory; closed with the object.
class MemoryFile {
public:
  static llvm::Expected<MemoryFile> create(const char *name) {
    MemoryFile file;
    file.fd = ::memfd_create(name, MFD_CLOEXEC);
    if (file.fd < 0)
      return outputError(name, "cannot create a file in memory: {0}", std::strerror(errno));
    return file;
  }
  MemoryFile(MemoryFile &&other) noexcept : fd(other.fd) { other.fd = -1; }
  ~MemoryFile() {
    if (fd >= 0)
      ::close(fd);
  }

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd); }
  int descriptor() const { return fd; }
  llvm::Error write(llvm::StringRef bytes) { return writeAt(fd, 0, llvm::arrayRefFromStringRef(bytes), "link"); }

  llvm::Expected<std::string> read() const {
    struct stat status;
    if (::fstat(fd, &status) != 0)
      return outputError("link", "cannot read the linked program: {0}", std::strerror(errno));
    std::string bytes(status.st_size, 0);
    for (size_t at = 0; at < bytes.size();) {
      ssize_t got = ::pread(fd, bytes.data() + at, bytes.size() - at, at);
      if (got <= 0)
        return outputError("link", "cannot read the linked program: {0}", std::strerror(errno));
      at += got;
    }
    return bytes;
  }

private:
  MemoryFile() = default;
  int fd = -1;
};

/// Standard output points to `fd` while this lives.
class StandardOutputTo {
public:
  explicit StandardOutputTo(int fd) {
    llvm::outs().flush();
    saved = ::dup(STDOUT_FILENO); // -1 when it was closed from the start
    ::dup2(fd, STDOUT_FILENO);
  }
  ~StandardOutputTo() {
    llvm::outs().flush();
    if (saved < 0) {
      ::close(STDOUT_FILENO);
      return;
    }
    ::dup2(saved, STDOUT_FILENO);
    ::close(saved);
  }

private:
  int saved;
};

} // namespace

std::string runtimeDirectory(llvm::StringRef gemmacProgram, llvm::StringRef target) {
  llvm::SmallString<256> path(llvm::sys::path::parent_path(gemmacProgram));
  llvm::sys::path::append(path, "..", "lib", "gemmac", target);
  llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  return path.str().str();
}

static std::string linkOrderFile(llvm::StringRef runtime) {
  llvm::SmallString<256> path(runtime);
  llvm::sys::path::append(path, "link.txt");
  return path.str().str();
}

bool hasRuntime(llvm::StringRef runtime) { return llvm::sys::fs::exists(linkOrderFile(runtime)); }

/// The arguments that link.txt asks for, its files as full paths.
static llvm::Expected<std::vector<std::string>> readLinkItems(llvm::StringRef runtime,
                                                              llvm::ArrayRef<MemoryFile> objects) {
  std::string listPath = linkOrderFile(runtime);
  auto list = llvm::MemoryBuffer::getFile(listPath, /*IsText=*/true);
  if (!list)
    return outputError(listPath, "cannot read the runtime's link order: {0}; install gemmac with its lib/ directory",
                       list.getError().message());
  std::vector<std::string> items;
  bool programPlaced = false;
  for (llvm::StringRef rest = (*list)->getBuffer(); !rest.empty();) {
    auto [line, following] = rest.split('\n');
    rest = following;
    line = line.trim();
    if (line.empty() || line.starts_with("#"))
      continue;
    if (line == "@PROGRAM@") {
      for (const MemoryFile &object : objects)
        items.push_back(object.path());
      programPlaced = true;
    } else if (line.starts_with("-")) {
      items.push_back(line.str());
    } else {
      llvm::SmallString<256> file(runtime);
      llvm::sys::path::append(file, line);
      if (!llvm::sys::fs::exists(file))
        return outputError(file, "missing, but link.txt names it; install gemmac with its whole lib/ directory");
      items.push_back(file.str().str());
    }
  }
  if (!programPlaced)
    return outputError(listPath, "has no line @PROGRAM@; the runtime was built by another version of gemmac");
  return items;
}

/// What lld calls the object format and the machine; programs for other formats than ELF need another linker.
static llvm::Expected<std::string> emulationOf(llvm::StringRef tripleName) {
  const llvm::Triple triple(tripleName);
  if (triple.isOSBinFormatELF() && triple.isX86_64())
    return std::string("elf_x86_64");
  if (triple.isOSBinFormatELF() && triple.isAArch64())
    return std::string("aarch64linux");
  return llvm::createStringError("link: error: no linker for '" + tripleName.str() + "', expected ELF programs");
}

static llvm::Expected<std::string> linkElf(llvm::ArrayRef<std::string> objects, const TargetBackend &target,
                                           llvm::StringRef runtime) {
  std::vector<MemoryFile> files;
  for (const std::string &object : objects) {
    llvm::Expected<MemoryFile> file = MemoryFile::create("gemmac-object");
    if (!file)
      return file.takeError();
    if (llvm::Error error = file->write(object))
      return std::move(error);
    files.push_back(std::move(*file));
  }
  llvm::Expected<std::vector<std::string>> items = readLinkItems(runtime, files);
  if (!items)
    return items.takeError();
  llvm::Expected<std::string> emulation = emulationOf(target.triple());
  if (!emulation)
    return emulation.takeError();
  std::vector<const char *> arguments = {"ld.lld", "-m", emulation->c_str()};
  llvm::append_range(arguments,
                     std::initializer_list<const char *>{"-static", "--no-pie", "--gc-sections", "--build-id=none",
                                                         "--strip-debug", "--hash-style=gnu", "-o", "-"});
  for (const std::string &item : *items)
    arguments.push_back(item.c_str());
  llvm::Expected<MemoryFile> linked = MemoryFile::create("gemmac-program");
  if (!linked)
    return linked.takeError();
  std::string messages;
  llvm::raw_string_ostream messageStream(messages);
  lld::Result result;
  {
    StandardOutputTo redirect(linked->descriptor());
    result = lld::lldMain(arguments, messageStream, messageStream, {{lld::Gnu, &lld::elf::link}});
  }
  if (std::error_code code = llvm::outs().error()) { // lld writes there and does not look
    llvm::outs().clear_error();
    return outputError("link", "cannot write the linked program: {0}", code.message());
  }
  if (result.retCode != 0)
    return llvm::createStringError("link: error: lld failed:\n" + messages);
  return linked->read();
}

/// The text ends at the first zero byte: what follows it is padding before the data section.
static std::string linkModule(llvm::StringRef text) {
  std::string program(sizeof(gemmac_image), '\0');
  program.replace(0, sizeof(gemmac_image::magic), GEMMAC_IMAGE_MAGIC);
  return program + text.str();
}

bool needsRuntime(const TargetBackend &target) { return target.objectFormat() == ObjectFormat::elf; }

llvm::Expected<std::string> linkProgram(llvm::ArrayRef<std::string> objects, const TargetBackend &target,
                                        llvm::StringRef runtime) {
  switch (target.objectFormat()) {
  case ObjectFormat::elf:
    return linkElf(objects, target, runtime);
  case ObjectFormat::module:
    return linkModule(objects.front());
  }
  llvm_unreachable("an object format outside of its enum");
}

} // namespace gemmac
