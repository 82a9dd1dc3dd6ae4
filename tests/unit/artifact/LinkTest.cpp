// A whole program made of hand-written LLVM IR: linked, data appended, described, and run where the machine can.
#include "TestCheckpoint.h"

#include "compiler/artifact/Link.h"
#include "compiler/artifact/ProgramFile.h"
#include "compiler/base/Errors.h"
#include "gemmac/program.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <sys/wait.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace gemmac;

namespace {

// exit(answer) by a system call, answer from the "program" object.
constexpr const char *startCode = R"(
@answer = external constant i64
@gemmac_the_image = constant { [8 x i8], [4 x i64] } { [8 x i8] c"GEMMACIM", [4 x i64] zeroinitializer },
  section ".gemmac.image"
@llvm.used = appending global [1 x ptr] [ptr @gemmac_the_image]
define void @_start() noreturn {
  %code = load i64, ptr @answer
  call void asm sideeffect "syscall", "{rax},{rdi}"(i64 60, i64 %code)
  unreachable
}
)";
constexpr const char *programCode = "@answer = constant i64 42\n";

std::string compileIr(const char *text) {
  llvm::InitializeAllTargetInfos();
  llvm::InitializeAllTargets();
  llvm::InitializeAllTargetMCs();
  llvm::InitializeAllAsmPrinters();
  llvm::InitializeAllAsmParsers();
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(text, diagnostic, context);
  EXPECT_TRUE(module) << diagnostic.getMessage().str();
  llvm::Triple triple("x86_64-unknown-linux-gnu");
  std::string message;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, message);
  std::unique_ptr<llvm::TargetMachine> machine(
      target->createTargetMachine(triple, "generic", "", llvm::TargetOptions(), llvm::Reloc::Static));
  module->setTargetTriple(triple);
  module->setDataLayout(machine->createDataLayout());
  llvm::SmallString<0> object;
  llvm::raw_svector_ostream os(object);
  llvm::legacy::PassManager passes;
  machine->addPassesToEmitFile(passes, os, nullptr, llvm::CodeGenFileType::ObjectFile);
  passes.run(*module);
  return object.str().str();
}

class X86Target : public TargetBackend {
public:
  llvm::StringRef name() const override { return "x86_64-linux"; }
  llvm::StringRef triple() const override { return "x86_64-unknown-linux-gnu"; }
  std::vector<TargetLevel> levels() const override { return {}; }
  bool runsHere(const TargetLevel &) const override { return false; }
  std::unique_ptr<TargetBackend> withLevels(llvm::ArrayRef<std::string>) const override { return nullptr; }
  void buildLowering(mlir::OpPassManager &) const override {}
  llvm::Expected<std::string> emit(mlir::ModuleOp, llvm::StringRef, CodeKind) const override { return ""; }
};

class Linking : public testing::Test {
protected:
  TestDirectory directory, checkpoint;
  X86Target target;

  void SetUp() override {
    writeFile("start.o", compileIr(startCode));
    writeFile("link.txt", "# order\n--build-id=none\n\n@PROGRAM@\nstart.o\n");
  }
  void writeFile(const std::string &name, const std::string &bytes) {
    std::ofstream(directory.path() + "/" + name, std::ios::binary) << bytes;
  }
  llvm::Expected<std::string> link() { return linkProgram({compileIr(programCode)}, target, directory.path()); }
  std::string linkError() {
    llvm::Expected<std::string> elf = link();
    return elf ? "no error" : llvm::toString(elf.takeError());
  }
};

int runProgram(const std::string &path) {
  pid_t child = ::fork();
  if (child == 0) {
    ::execl(path.c_str(), path.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

TEST_F(Linking, gives_the_same_bytes_twice) {
  llvm::Expected<std::string> first = link(), second = link();
  ASSERT_TRUE(static_cast<bool>(first)) << llvm::toString(first.takeError());
  ASSERT_TRUE(static_cast<bool>(second)) << llvm::toString(second.takeError());
  EXPECT_EQ(first->substr(0, 4), "\x7f"
                                 "ELF");
  EXPECT_EQ(*first, *second);
}

TEST_F(Linking, writes_a_program_that_runs_and_describes_itself) {
  TestTensors tensors(checkpoint.path());
  for (int64_t rows : {40, 4000}) { // below and above 2 MiB of data
    PackedMatrix matrix{.name = "w",
                        .sources = {tensors.add("w" + std::to_string(rows), Encoding::BF16, 1, rows, 1000)},
                        .format = Format::Q8,
                        .layout = Layout::Panels,
                        .rowAxis = {rows, roundUp(rows, 32)},
                        .colAxis = {1000, 1024}};
    DataSection section{{plannedMatrix(matrix)}, 0, "tokens"};
    section.matrixBytes = section.matrices[0].bytes;
    llvm::Expected<std::string> elf = link();
    ASSERT_TRUE(static_cast<bool>(elf)) << llvm::toString(elf.takeError());
    std::string path = checkpoint.path() + "/program";
    llvm::Expected<ProgramFileInfo> info = writeProgram(path, *elf, section, {checkpoint.path(), "", 2, {}});
    ASSERT_TRUE(static_cast<bool>(info)) << llvm::toString(info.takeError());
    std::ifstream in(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(bytes.size(), info->fileBytes);
    EXPECT_EQ(info->dataOffset % (section.bytes() > (2 << 20) ? 2 << 20 : 4096), 0u);
    size_t at = bytes.find(GEMMAC_IMAGE_MAGIC);
    ASSERT_NE(at, std::string::npos);
    gemmac_image image;
    std::memcpy(&image, bytes.data() + at, sizeof(image));
    EXPECT_EQ(image.data_offset, info->dataOffset);
    EXPECT_EQ(image.data_bytes, section.bytes());
    EXPECT_EQ(image.file_bytes, bytes.size());
    EXPECT_EQ(image.data_xxh64, XXH64(bytes.data() + image.data_offset, image.data_bytes, 0));
    EXPECT_EQ(bytes.substr(image.data_offset + section.tailOffset()), "tokens");
#if defined(__x86_64__) && defined(__linux__)
    EXPECT_EQ(runProgram(path), 42);
#endif
  }
}

TEST_F(Linking, failed_packing_leaves_no_file) {
  TestTensors tensors(checkpoint.path());
  PackedMatrix matrix{.name = "w",
                      .sources = {tensors.add("w", Encoding::F32, 1, 1, 32, std::vector<float>(32, NAN))},
                      .layout = Layout::Panels,
                      .rowAxis = {1, 16},
                      .colAxis = {32, 32}};
  DataSection section{{plannedMatrix(matrix)}, 4096, ""};
  llvm::Expected<std::string> elf = link();
  ASSERT_TRUE(static_cast<bool>(elf)) << llvm::toString(elf.takeError());
  llvm::Expected<ProgramFileInfo> info =
      writeProgram(checkpoint.path() + "/program", *elf, section, {checkpoint.path(), "", 2, {}});
  ASSERT_FALSE(static_cast<bool>(info));
  EXPECT_NE(llvm::toString(info.takeError()).find("tensor 'w' is infinite or NaN at index 0"), std::string::npos);
  EXPECT_EQ(checkpoint.entries(), 1u) << "only the tensors";
}

TEST_F(Linking, unresolved_symbol) {
  writeFile("link.txt", "@PROGRAM@\n");
  writeFile("link.txt", "start.o\n@PROGRAM@\n");
  llvm::Expected<std::string> elf = linkProgram({}, target, directory.path());
  ASSERT_FALSE(static_cast<bool>(elf));
  std::string message = llvm::toString(elf.takeError());
  EXPECT_NE(message.find("undefined symbol: answer"), std::string::npos) << message;
}

TEST_F(Linking, incomplete_runtime) {
  writeFile("link.txt", "start.o\n");
  EXPECT_EQ(linkError(), directory.path() + "/link.txt: error: has no line @PROGRAM@; the runtime was built by another "
                                            "version of gemmac");
  writeFile("link.txt", "@PROGRAM@\nnone.a\n");
  EXPECT_EQ(linkError(), directory.path() + "/none.a: error: missing, but link.txt names it; install gemmac with its "
                                            "whole lib/ directory");
  std::filesystem::remove(directory.path() + "/link.txt");
  EXPECT_EQ(linkError(), directory.path() + "/link.txt: error: cannot read the runtime's link order: No such file or "
                                            "directory; install gemmac with its lib/ directory");
}

TEST(Link, runtime_lies_beside_the_program) {
  EXPECT_EQ(runtimeDirectory("/opt/gemmac/bin/gemmac", "x86_64-linux"), "/opt/gemmac/lib/gemmac/x86_64-linux");
}

TEST(ProgramFile, data_section_alignment) {
  EXPECT_EQ(dataSectionOffset(1, 100), 4096u);
  EXPECT_EQ(dataSectionOffset(4096, 2 << 20), 4096u);
  EXPECT_EQ(dataSectionOffset(4097, (2 << 20) + 1), 2u << 20);
}
