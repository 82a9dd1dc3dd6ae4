#include "program/ProgramFile.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <unistd.h>

using namespace gemmac::runtime;

namespace {
std::string text(const ProgramFile &image, gemmac_span part) {
  Mapping mapping;
  EXPECT_TRUE(image.map(part, mapping).ok());
  return {reinterpret_cast<const char *>(mapping.data()), part.bytes};
}

class ProgramFileTest : public testing::Test {
protected:
  std::string path = testing::TempDir() + "gemmac-program-file-test-" + std::to_string(getpid());
  gemmac_image image = {{'G', 'E', 'M', 'M', 'A', 'C', 'I', 'M'}, 8192, 3, 8195, 0x44bc2cf5ad770999};

  void write(size_t bytes) {
    std::string content(bytes, '-');
    if (bytes >= 8195)
      content.replace(8192, 3, "abc");
    std::ofstream(path, std::ios::binary) << content;
  }
  ~ProgramFileTest() override { ::unlink(path.c_str()); }
};
} // namespace

TEST_F(ProgramFileTest, MapsAndVerifies) {
  write(8195);
  ProgramFile mapped;
  ASSERT_TRUE(mapped.openFile(path.c_str(), image).ok());
  EXPECT_EQ(text(mapped, {0, 3}), "abc");
  EXPECT_EQ(text(mapped, {1, 2}), "bc");
  char read[2] = {};
  mapped.announce(1, 2);
  EXPECT_TRUE(mapped.read(1, read, 2).ok());
  EXPECT_EQ(std::string(read, 2), "bc");
  EXPECT_TRUE(mapped.verify().ok()); // XXH64("abc", seed 0) is 44bc2cf5ad770999
}

TEST_F(ProgramFileTest, MapsNothingOutsideOfTheSection) {
  write(8195);
  ProgramFile opened;
  ASSERT_TRUE(opened.openFile(path.c_str(), image).ok());
  for (gemmac_span part : {gemmac_span{0, 4}, gemmac_span{3, 1}, gemmac_span{4, 0}, gemmac_span{1, UINT64_MAX}}) {
    Mapping mapping;
    EXPECT_EQ(opened.map(part, mapping).code(), ExitCode::damagedProgram) << part.offset << " " << part.bytes;
  }
  Mapping nothing;
  EXPECT_TRUE(opened.map({3, 0}, nothing).ok());
  EXPECT_EQ(nothing.data(), nullptr);
}

// Large pages map a file only where its offset and the address agree modulo 2 MiB.
TEST_F(ProgramFileTest, AddressesAreCongruentToOffsets) {
  constexpr uint64_t large = 2 << 20;
  image.data_offset = large;
  image.data_bytes = 3 * large;
  image.file_bytes = 4 * large;
  write(image.file_bytes);
  ProgramFile opened;
  ASSERT_TRUE(opened.openFile(path.c_str(), image).ok());
  for (uint64_t offset : {uint64_t(0), uint64_t(64), large + 8192}) {
    Mapping mapping;
    ASSERT_TRUE(opened.map({offset, large}, mapping).ok());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(mapping.data()) % large, offset % large);
    EXPECT_EQ(mapping.data()[large - 1], '-');
  }
}

TEST_F(ProgramFileTest, AFileThatShrinksIsAnError) {
  write(8195);
  ProgramFile opened;
  ASSERT_TRUE(opened.openFile(path.c_str(), image).ok());
  ASSERT_EQ(truncate(path.c_str(), 8193), 0);
  char bytes[3];
  const Status status = opened.read(0, bytes, 3);
  EXPECT_EQ(status.code(), ExitCode::damagedProgram);
  EXPECT_EQ(status.message(), "the program file was cut short or changed while it ran");
  EXPECT_TRUE(opened.read(0, bytes, 1).ok());
}

TEST_F(ProgramFileTest, FindsDamage) {
  write(8195);
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out).seekp(8193) << 'X';
  ProgramFile mapped;
  ASSERT_TRUE(mapped.openFile(path.c_str(), image).ok());
  EXPECT_EQ(mapped.verify().code(), ExitCode::damagedProgram);
}

TEST_F(ProgramFileTest, FindsThatTheFileWasCut) {
  write(8194);
  ProgramFile mapped;
  Status status = mapped.openFile(path.c_str(), image);
  EXPECT_EQ(status.code(), ExitCode::damagedProgram);
  EXPECT_NE(status.message().find("program file was cut short"), std::string::npos);
  EXPECT_NE(status.message().find("has 8194 bytes, expected 8195"), std::string::npos) << status.message();
}

TEST_F(ProgramFileTest, AllowsLongerFiles) {
  write(9000); // a signature or a packer may append
  ProgramFile mapped;
  EXPECT_TRUE(mapped.openFile(path.c_str(), image).ok());
}

TEST_F(ProgramFileTest, RefusesDescriptionsThatMakeNoSense) {
  write(8195);
  auto code = [&](gemmac_image changed) { return ProgramFile().openFile(path.c_str(), changed).code(); };
  gemmac_image changed = image;
  changed.data_bytes = changed.file_bytes = changed.data_offset = 0; // never filled in
  EXPECT_EQ(code(changed), ExitCode::damagedProgram);
  changed = image;
  changed.magic[0] = 'X';
  EXPECT_EQ(code(changed), ExitCode::damagedProgram);
  changed = image;
  changed.data_offset = 100;
  EXPECT_EQ(code(changed), ExitCode::damagedProgram);
  changed = image;
  changed.data_bytes = UINT64_MAX - 100;
  EXPECT_EQ(code(changed), ExitCode::damagedProgram);
  changed = image;
  changed.data_offset = UINT64_MAX - 4095;
  EXPECT_EQ(code(changed), ExitCode::damagedProgram);
}

TEST_F(ProgramFileTest, MissingFile) {
  ProgramFile mapped;
  EXPECT_EQ(mapped.openFile((path + "-none").c_str(), image).code(), ExitCode::inputOutput);
}
