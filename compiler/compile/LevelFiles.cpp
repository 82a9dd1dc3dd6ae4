#include "compiler/compile/LevelFiles.h"

#include "compiler/compile/TextFiles.h"

#include "llvm/ADT/STLExtras.h"

namespace gemmac {

namespace {

struct LevelKind {
  CodeKind code;
  const char *extension;
};

LevelKind kindOf(EmitKind emit) {
  if (emit == EmitKind::llvm)
    return {CodeKind::llvmIr, ".ll"};
  return emit == EmitKind::assembly ? LevelKind{CodeKind::assembly, ".s"} : LevelKind{CodeKind::object, ".o"};
}

} // namespace

llvm::Error writeLevelFiles(const Back &back, JsonReport &report) {
  const CompileOptions &options = back.options();
  LevelKind kind = kindOf(options.emit);
  llvm::Expected<std::vector<std::string>> code = back.emit(kind.code);
  if (!code)
    return code.takeError();
  std::vector<OutputFile> files;
  auto prepare = [&](const std::string &path, llvm::StringRef text) {
    llvm::Expected<OutputFile> file = prepareText(path, text);
    if (file)
      files.push_back(std::move(*file));
    return file.takeError();
  };
  for (auto [level, text] : llvm::zip(options.target->levels(), *code))
    if (llvm::Error error = prepare(options.output + "." + level.name + kind.extension, text))
      return error;
  if (kind.code == CodeKind::object) {
    llvm::Expected<std::string> program = back.programObject();
    if (!program)
      return program.takeError();
    if (llvm::Error error = prepare(options.output + ".program.o", *program))
      return error;
  }
  if (llvm::Error error = report.prepare(back.program.summary))
    return error;
  return nameAll(files);
}

} // namespace gemmac
