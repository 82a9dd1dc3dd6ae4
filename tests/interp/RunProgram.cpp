#include "tests/interp/RunProgram.h"

#include "gemmac/program.h"
#include "tests/interp/Npy.h"
#include "tests/interp/ProgramFile.h"
#include "tests/interp/Words.h"

#include <fstream>

namespace gemmac::interp {

namespace {

struct Options {
  std::string program, ids, logits, function = "verify";
  size_t prefill = 0, chunk = SIZE_MAX;
};

} // namespace

static std::vector<int32_t> readIds(const std::string &path) {
  std::ifstream file(path);
  return {std::istream_iterator<int32_t>(file), {}};
}

/// Which function the next call goes to, and how many tokens it may take: by turns where both are asked for.
static std::pair<llvm::StringRef, size_t> nextCall(const Options &options, Interpreter &program, size_t turn) {
  const auto most = static_cast<size_t>(program.maxRows(GEMMAC_VERIFY));
  if (options.function == "decode" || (options.function == "mix" && turn % 2 == 0))
    return {GEMMAC_DECODE, 1};
  return {GEMMAC_VERIFY, options.function == "mix" ? 1 + turn % most : most};
}

/// Feeds all tokens. \returns the logits of those behind the first `options.prefill`.
static llvm::Expected<std::vector<float>> feed(Interpreter &program, llvm::ArrayRef<int32_t> ids,
                                               const Options &options) {
  const size_t chunk = std::min(options.chunk, static_cast<size_t>(program.maxRows(GEMMAC_PREFILL)));
  for (size_t at = 0; at < options.prefill; at += chunk)
    if (llvm::Error error =
            program.call(GEMMAC_PREFILL, ids.slice(at, std::min(chunk, options.prefill - at))).takeError())
      return std::move(error);
  std::vector<float> logits;
  for (size_t at = options.prefill, turn = 0; at < ids.size(); ++turn) {
    auto [function, rows] = nextCall(options, program, turn);
    rows = std::min(rows, ids.size() - at);
    llvm::Expected<std::vector<float>> some = program.call(function, ids.slice(at, rows));
    if (!some)
      return some.takeError();
    logits.insert(logits.end(), some->begin(), some->end());
    at += rows;
  }
  return logits;
}

static llvm::Error run(const Options &options) {
  llvm::Expected<ProgramFile> file = loadProgram(options.program);
  if (!file)
    return file.takeError();
  const std::vector<int32_t> ids = readIds(options.ids);
  if (ids.empty() || options.prefill >= ids.size())
    return llvm::createStringError(options.ids + ": error: holds " + llvm::Twine(ids.size()) +
                                   " ids, expected more than --prefill " + llvm::Twine(options.prefill));
  llvm::Expected<std::vector<float>> logits = feed(*file->program, ids, options);
  return logits ? writeNpy(options.logits, *logits, file->program->vocab()) : logits.takeError();
}

int runProgram(const std::vector<std::string> &words) {
  CLI::App app("Runs a program of the target interp.", "gemmac-interp run");
  Options options;
  app.add_option("PROGRAM", options.program, "Program of the target interp")->required();
  app.add_option("--ids", options.ids, "File of token ids")->required();
  app.add_option("--logits", options.logits, "npy file to write")->required();
  app.add_option("--prefill", options.prefill, "Tokens that go through prefill and have no logits");
  app.add_option("--chunk", options.chunk, "Most tokens of a call of prefill")->check(CLI::PositiveNumber);
  app.add_option("--function", options.function, "What the others go through: verify, decode or mix")
      ->check(CLI::IsMember({"verify", "decode", "mix"}));
  return runWords(app, words, [&] { return run(options); });
}

} // namespace gemmac::interp
