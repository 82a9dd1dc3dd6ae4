#include "tests/interp/CallFunction.h"

#include "tests/interp/Npy.h"
#include "tests/interp/ProgramFile.h"
#include "tests/interp/Words.h"

namespace gemmac::interp {

namespace {
struct Options {
  std::string program, function;
  int64_t rows = 0;
  std::vector<std::string> inputs, outputs; ///< NAME=FILE
};
} // namespace

static llvm::Expected<NamedRows> readInputs(const Options &options) {
  NamedRows inputs;
  for (llvm::StringRef word : options.inputs) {
    auto [name, path] = word.split('=');
    llvm::Expected<Rows> rows = readNpy(path.str());
    if (!rows)
      return rows.takeError();
    inputs[name.str()] = std::move(*rows);
  }
  return inputs;
}

static llvm::Error writeOutput(llvm::StringRef word, const NamedRows &outputs) {
  auto [name, path] = word.split('=');
  auto found = outputs.find(name.str());
  if (found == outputs.end() || found->second.element != Element::F32)
    return llvm::createStringError("--output: error: the function has no output '" + name + "' of f32");
  return writeNpy(path.str(), found->second.values, found->second.width);
}

static llvm::Error call(const Options &options) {
  llvm::Expected<NamedRows> inputs = readInputs(options);
  if (!inputs)
    return inputs.takeError();
  llvm::Expected<ProgramFile> file = loadProgram(options.program);
  if (!file)
    return file.takeError();
  llvm::Expected<NamedRows> outputs = file->program->encode(options.function, options.rows, *inputs);
  if (!outputs)
    return outputs.takeError();
  for (llvm::StringRef word : options.outputs)
    if (llvm::Error error = writeOutput(word, *outputs))
      return error;
  return llvm::Error::success();
}

int callFunction(const std::vector<std::string> &words) {
  CLI::App app("Calls a function of a program of the target interp.", "gemmac-interp call");
  Options options;
  app.add_option("PROGRAM", options.program, "Program of the target interp")->required();
  app.add_option("--function", options.function, "Function that reads no tokens")->required();
  app.add_option("--rows", options.rows, "Rows of the call")->required()->check(CLI::PositiveNumber);
  app.add_option("--input", options.inputs, "NAME=FILE: an input and the npy file of its rows");
  app.add_option("--output", options.outputs, "NAME=FILE: an output and the npy file to write");
  return runWords(app, words, [&] { return call(options); });
}

} // namespace gemmac::interp
