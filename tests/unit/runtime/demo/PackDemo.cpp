// pack-demo LINKED OUT: appends the demo's data section to a linked program and fills in its image description, as
// gemmac does after linking.
#include "../TokenizerTable.h"
#include "DemoVocabulary.h"
#include "gemmac/program.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdio>
#include <cstdlib>
#include <elf.h>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/stat.h>

using namespace gemmac;

[[noreturn]] static void fail(const char *what) {
  fprintf(stderr, "pack-demo: %s\n", what);
  exit(1);
}

static test::Vocabulary demoVocabulary() {
  test::Vocabulary vocabulary;
  for (const char *text :
       {"<pad>", "<eos>", "<bos>", "<unk>", "<|turn>", "<turn|>", "<|channel>", "<channel|>", "<|think|>"})
    vocabulary.add(text, GEMMAC_TOKEN_CONTROL);
  vocabulary.unknown = demo::unknown;
  vocabulary.addAllBytes();
  for (const char *text : {"\n", "\xe2\x96\x81", "."})
    vocabulary.add(text);
  for (char c = 'a'; c <= 'z'; ++c)
    vocabulary.add(std::string(1, c));
  for (char c = 'A'; c <= 'Z'; ++c)
    vocabulary.add(std::string(1, c));
  for (const char *word : {"user", "system", "model"})
    vocabulary.addWord(word);
  if (vocabulary.id("model") != demo::model)
    fail("DemoVocabulary.h has another id for 'model'");
  while (vocabulary.tokens.size() < demo::vocab)
    vocabulary.add("", GEMMAC_TOKEN_UNUSED);
  return vocabulary;
}

// Offset of section ".gemmac.image" in the file.
static uint64_t imageOffset(const std::string &elf) {
  auto *header = reinterpret_cast<const Elf64_Ehdr *>(elf.data());
  if (elf.size() < sizeof(*header) || elf.compare(0, 4, ELFMAG) != 0)
    fail("not an ELF file");
  auto *sections = reinterpret_cast<const Elf64_Shdr *>(elf.data() + header->e_shoff);
  const char *names = elf.data() + sections[header->e_shstrndx].sh_offset;
  for (int i = 0; i < header->e_shnum; ++i)
    if (std::string_view(names + sections[i].sh_name) == ".gemmac.image")
      return sections[i].sh_offset;
  fail("no section .gemmac.image");
}

int main(int argc, char **argv) {
  if (argc != 3)
    fail("usage: pack-demo LINKED OUT");
  std::stringstream content;
  content << std::ifstream(argv[1], std::ios::binary).rdbuf();
  std::string elf = content.str();
  const auto table = test::TableWriter().write(demoVocabulary());
  std::string data(reinterpret_cast<const char *>(table.data()), table.size() * 8);
  if (data.size() > demo::tokenizerBytes)
    fail("the table is larger than DemoVocabulary.h says");
  data.resize(demo::tokenizerBytes + 5000, 'd'); // and some "weights"
  const uint64_t at = imageOffset(elf);
  elf.resize((elf.size() + 4095) / 4096 * 4096);
  gemmac_image image = {};
  memcpy(image.magic, GEMMAC_IMAGE_MAGIC, sizeof(image.magic));
  image.data_offset = elf.size();
  image.data_bytes = data.size();
  image.file_bytes = elf.size() + data.size();
  image.data_xxh64 = XXH64(data.data(), data.size(), 0);
  memcpy(elf.data() + at, &image, sizeof(image));
  std::ofstream out(argv[2], std::ios::binary);
  out << elf << data;
  out.close();
  if (!out || chmod(argv[2], 0755) != 0)
    fail("cannot write the output");
}
