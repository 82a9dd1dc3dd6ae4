#include "tests/interp/RunProgram.h"

#include "gemmac/program.h"
#include "targets/interp/Interpreter.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <cstring>
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
  std::vector<float> take(llvm::ArrayRef<int32_t> ids) {
    std::vector<float> rows(ids.size() * width);
    for (size_t i = 0; i < ids.size(); ++i)
      if (ids[i] < 0 && used + width <= values.size()) {
        std::copy_n(values.begin() + static_cast<ptrdiff_t>(used), width,
                    rows.begin() + static_cast<ptrdiff_t>(i * width));
        used += width;
      }
    return rows;
  }
};

/// A program file: the text of its module and its data section.
struct ProgramParts {
  llvm::StringRef text;
  std::span<const uint8_t> data;
};

} // namespace

static std::vector<int32_t> readIds(const std::string &path) {
  std::ifstream file(path);
  return {std::istream_iterator<int32_t>(file), {}};
}

static llvm::Expected<ProgramParts> partsOf(llvm::StringRef file, const std::string &path) {
  gemmac_image image = {};
  if (file.size() >= sizeof(image))
    std::memcpy(&image, file.data(), sizeof(image));
  if (std::memcmp(image.magic, GEMMAC_IMAGE_MAGIC, sizeof(image.magic)) != 0 || image.file_bytes != file.size() ||
      image.data_offset + image.data_bytes != file.size())
    return llvm::createStringError(path + ": error: is no program of the target interp, or was cut short");
  llvm::StringRef text = file.take_front(image.data_offset).drop_front(sizeof(image));
  return ProgramParts{text.take_until([](char c) { return c == '\0'; }),
                      {reinterpret_cast<const uint8_t *>(file.data()) + image.data_offset, image.data_bytes}};
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
  SoftRows soft{readFloats(options.soft), static_cast<size_t>(program.hidden())};
  while (!ids.empty()) {
    const bool block = blocks && ids.front() == -1;
    auto parts = [&](int32_t id) { return blocks && (id == -1) != block; };
    const size_t run = static_cast<size_t>(llvm::find_if(ids, parts) - ids.begin());
    const llvm::ArrayRef<int32_t> part = ids.take_front(block ? run : std::min(run, chunk));
    const std::vector<float> rows = soft.take(part);
    const InputRows input{GEMMAC_SOFT_TOKENS, rows, {}};
    if (llvm::Error error = program.call(block ? GEMMAC_PREFILL_BLOCK : GEMMAC_PREFILL, part, input).takeError())
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

/// Writes `[rows, columns]` f32 as an npy file, format 1.0.
static llvm::Error writeNpy(const std::string &path, llvm::ArrayRef<float> values, int64_t columns) {
  std::string header = llvm::formatv("{{'descr': '<f4', 'fortran_order': False, 'shape': ({0}, {1}), }",
                                     static_cast<int64_t>(values.size()) / columns, columns);
  constexpr size_t prefix = 10;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file.write("\x93NUMPY\x01\x00", 8).put(static_cast<char>(header.size() & 0xff));
  file.put(static_cast<char>(header.size() >> 8)) << header;
  file.write(reinterpret_cast<const char *>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(float)));
  file.close();
  return file ? llvm::Error::success() : llvm::createStringError(path + ": error: cannot write the logits");
}

static llvm::Error run(const Options &options) {
  auto file = llvm::MemoryBuffer::getFile(options.program, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return llvm::createStringError(options.program + ": error: cannot read: " + file.getError().message());
  llvm::Expected<ProgramParts> parts = partsOf((*file)->getBuffer(), options.program);
  if (!parts)
    return parts.takeError();
  const std::vector<int32_t> ids = readIds(options.ids);
  if (ids.empty() || options.prefill >= ids.size())
    return llvm::createStringError(options.ids + ": error: holds " + llvm::Twine(ids.size()) +
                                   " ids, expected more than --prefill " + llvm::Twine(options.prefill));
  auto program = Interpreter::load(parts->text, parts->data);
  if (!program)
    return program.takeError();
  llvm::Expected<std::vector<float>> logits = feed(**program, ids, options);
  return logits ? writeNpy(options.logits, *logits, (*program)->vocab()) : logits.takeError();
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
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    app.parse(reversed);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (llvm::Error error = run(options)) {
    llvm::errs() << llvm::toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}

} // namespace gemmac::interp
