#include "compiler/calibrate/ProgramRunner.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

namespace gemmac {

static llvm::Error writeFile(const std::string &path, llvm::StringRef text) {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (!code)
    os << text;
  os.close();
  if (!code)
    code = os.error();
  os.clear_error();
  return code ? outputError(path, "cannot write: {0}", code.message()) : llvm::Error::success();
}

static llvm::Expected<std::string> readFile(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return outputError(path, "cannot read: {0}", buffer.getError().message());
  return (*buffer)->getBuffer().str();
}

llvm::Expected<std::string> ProgramRunner::run(const std::string &program, std::vector<std::string> arguments,
                                               llvm::StringRef input) const {
  std::string inputFile = file("input"), outputFile = file("output"), errorFile = file("errors");
  // Redirections do not cut off what an earlier program wrote.
  const std::pair<std::string, llvm::StringRef> files[] = {{inputFile, input}, {outputFile, ""}, {errorFile, ""}};
  for (const auto &[name, content] : files)
    if (llvm::Error error = writeFile(name, content))
      return std::move(error);
  std::vector<llvm::StringRef> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::optional<llvm::StringRef> redirects[] = {inputFile, outputFile, errorFile};
  std::string message;
  bool failed = false;
  llvm::sys::ProcessInfo process =
      llvm::sys::ExecuteNoWait(program, words, std::nullopt, redirects, /*MemoryLimit=*/0, &message, &failed);
  int code = -1;
  if (!failed) {
    killOnSignal(process.Pid);
    code = llvm::sys::Wait(process, /*SecondsToWait=*/std::nullopt, &message).ReturnCode;
    killOnSignal(0);
  }
  if (code == 0)
    return readFile(outputFile);
  if (llvm::Expected<std::string> said = readFile(errorFile); said && !said->empty())
    message = llvm::StringRef(*said).trim().str();
  else
    llvm::consumeError(said.takeError());
  return llvm::createStringError("calibration: error: '" + llvm::join(words, " ") + "' exited with " +
                                 std::to_string(code) + ": " + message);
}

llvm::Expected<std::string> ProgramRunner::compute(const std::string &program, std::vector<std::string> arguments,
                                                   llvm::StringRef input) const {
  arguments.insert(arguments.end(), {"-t", std::to_string(threads)});
  return run(program, std::move(arguments), input);
}

} // namespace gemmac
