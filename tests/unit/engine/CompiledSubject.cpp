// The program whose objects are linked with this one; GEMMAC_SUBJECT names its file, for the data section.
#include "Subject.h"

#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <iostream>
#include <sstream>

using namespace gemmac;
using namespace gemmac::runtime;

[[noreturn]] static void fail(const std::string &what) {
  std::cerr << "engine tests: " << what << "\n";
  exit(1);
}

/// The description of its data that the file carries in section .gemmac.image.
static gemmac_image describe(const std::string &path) {
  std::stringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  const std::string elf = content.str();
  const auto *header = reinterpret_cast<const Elf64_Ehdr *>(elf.data());
  if (elf.size() < sizeof(*header) || elf.compare(0, 4, ELFMAG) != 0)
    fail("'" + path + "' is no program");
  const auto *sections = reinterpret_cast<const Elf64_Shdr *>(elf.data() + header->e_shoff);
  const char *names = elf.data() + sections[header->e_shstrndx].sh_offset;
  gemmac_image image;
  for (int i = 0; i < header->e_shnum; ++i)
    if (std::strcmp(names + sections[i].sh_name, ".gemmac.image") == 0) {
      memcpy(&image, elf.data() + sections[i].sh_offset, sizeof(image));
      return image;
    }
  fail("'" + path + "' has no section .gemmac.image");
}

const gemmac_program &test::subjectProgram() { return gemmac_the_program; }

const ProgramFile &test::subjectFile() {
  static const ProgramFile &file = []() -> const ProgramFile & {
    static ProgramFile opened;
    const char *path = getenv("GEMMAC_SUBJECT");
    if (!path)
      fail("GEMMAC_SUBJECT names no program");
    if (Status status = opened.openFile(path, describe(path)); !status.ok())
      fail(status.message());
    return opened;
  }();
  return file;
}
