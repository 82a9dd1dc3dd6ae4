#include "tests/interp/RunProgram.h"

#include "gemmac/program.h"
#include "tests/interp/Npy.h"
#include "tests/interp/ProgramFile.h"
#include "tests/interp/Words.h"

#include <fstream>

namespace gemmac::interp {

namespace {

struct Options {
  std::string program, ids, soft, logits, function = "verify";
  size_t prefill = 0, chunk = SIZE_MAX;
};

/// The rows of negative ids, those that are still to be fed.
struct SoftRows {
  std::vector<float> values;
  size_t width, used = 0;

  /// A row for each of `ids`, zeros where it is no soft token.
  Rows take(llvm::ArrayRef<int32_t> ids) {
    Rows rows;
    rows.width = static_cast<int64_t>(width);
    rows.values.resize(ids.size() * width);
    for (size_t i = 0; i < ids.size(); ++i)
      if (ids[i] < 0 && used + width <= values.size()) {
        std::copy_n(values.begin() + static_cast<ptrdiff_t>(used), width,
                    rows.values.begin() + static_cast<ptrdiff_t>(i * width));
        used += width;
      }
    return rows;
  }
};

} // namespace

static std::vector<int32_t> readIds(const std::string &path) {
  std::ifstream file(path);
  return {std::istream_iterator<int32_t>(file), {}};
}

static std::vector<float> readFloats(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<float> values;
  for (float value; file.read(reinterpret_cast<char *>(&value), sizeof(value));)
    values.push_back(value);
  return values;
}

/// Feeds the first ids through prefill, and pictures (ids -1) whole through prefill_block where there is one.
static llvm::Error prefill(Interpreter &program, llvm::ArrayRef<int32_t> ids, const Options &options) {
  const size_t chunk = std::min(options.chunk, static_cast<size_t>(program.maxRows(GEMMAC_PREFILL)));
  const bool blocks = program.maxRows(GEMMAC_PREFILL_BLOCK) > 0;
  const bool takesSoftTokens = program.hasInput(GEMMAC_PREFILL, GEMMAC_SOFT_TOKENS);
  SoftRows soft{readFloats(options.soft), static_cast<size_t>(program.hidden())};
  while (!ids.empty()) {
    const bool block = blocks && ids.front() == -1;
    auto parts = [&](int32_t id) { return blocks && (id == -1) != block; };
    const size_t run = static_cast<size_t>(llvm::find_if(ids, parts) - ids.begin());
    const llvm::ArrayRef<int32_t> part = ids.take_front(block ? run : std::min(run, chunk));
    const llvm::StringRef function = block ? GEMMAC_PREFILL_BLOCK : GEMMAC_PREFILL;
    NamedRows inputs;
    if (takesSoftTokens)
      inputs[GEMMAC_SOFT_TOKENS] = soft.take(part);
    if (llvm::Error error = program.call(function, part, inputs).takeError())
      return error;
    ids = ids.drop_front(part.size());
  }
  if (soft.used != soft.values.size())
    return llvm::createStringError(options.soft + ": error: holds more rows than there are negative ids");
  return llvm::Error::success();
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
  if (llvm::Error error = prefill(program, ids.take_front(options.prefill), options))
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
  app.add_option("--soft", options.soft, "File of f32: rows for the negative ids, -1 in pictures and -2 in sounds");
  app.add_option("--prefill", options.prefill, "Tokens that go through prefill and have no logits");
  app.add_option("--chunk", options.chunk, "Most tokens of a call of prefill")->check(CLI::PositiveNumber);
  app.add_option("--function", options.function, "What the others go through: verify, decode or mix")
      ->check(CLI::IsMember({"verify", "decode", "mix"}));
  return runWords(app, words, [&] { return run(options); });
}

} // namespace gemmac::interp
