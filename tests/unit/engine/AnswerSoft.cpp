// Greedy answers of a compiled program to prompts with soft tokens, which its file and this one's arguments name:
//
//   answer-soft PROMPTS ROWS LOGITS THREADS CHUNK ISA
//
// PROMPTS has a line for each: the number of tokens to generate, then ids; -1 is a soft token of a picture, -2 one of a
// sound. ROWS are their f32 values, one after the other. Prints the ids of each answer on a line, writes to LOGITS the
// row of f32 that each was chosen from, and fails where an answer is another one behind what the sequence holds
// already.
#include "Subject.h"

#include "engine/CpuEngine.h"
#include "engine/Sequence.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

using namespace gemmac;
using namespace gemmac::runtime;

[[noreturn]] static void fail(const std::string &what) {
  std::cerr << "answer-soft: " << what << "\n";
  exit(1);
}

static void check(const Status &status) {
  if (!status.ok())
    fail(status.message());
}

static std::vector<float> readRows(const char *path) {
  std::stringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  const std::string text = bytes.str();
  std::vector<float> values(text.size() / sizeof(float));
  memcpy(values.data(), text.data(), text.size());
  return values;
}

/// Runs of one negative number become soft rows, which are taken from `rows`.
static SoftPrompt makePrompt(const Engine &engine, std::span<const int32_t> ids, std::span<const float> &rows) {
  SoftPrompt prompt;
  for (size_t at = 0; at < ids.size();) {
    const int32_t kind = ids[at];
    size_t end = at;
    while (end < ids.size() && ids[end] == kind)
      ++end;
    if (kind >= 0) {
      prompt.tokens.push_back(kind);
      ++at;
      continue;
    }
    auto soft = std::make_shared<SoftRows>();
    soft->width = engine.program().hidden;
    soft->block = kind == -1 && engine.functions().prefillBlock;
    const auto values = rows.first((end - at) * static_cast<size_t>(soft->width));
    soft->values.assign(values.begin(), values.end());
    rows = rows.subspan(values.size());
    prompt.append(std::move(soft));
    at = end;
  }
  return prompt;
}

/// \param file  gets the logits; null: nobody wants them.
static std::vector<int32_t> answer(Sequence &sequence, const Feed &prompt, int64_t limit,
                                   std::ofstream *file = nullptr) {
  Logits logits;
  std::vector<int32_t> ids;
  check(sequence.feed(prompt, logits));
  while (static_cast<int64_t>(ids.size()) < limit) {
    const float *row = logits.row(0), *end = row + sequence.engine().program().vocab;
    if (file)
      file->write(reinterpret_cast<const char *>(row), (end - row) * static_cast<std::streamsize>(sizeof(float)));
    ids.push_back(static_cast<int32_t>(std::max_element(row, end) - row));
    if (static_cast<int64_t>(ids.size()) < limit)
      check(sequence.decode(ids.back(), logits));
  }
  return ids;
}

/// The same answer once more behind what the sequence holds: all of the prompt but its end, and a picture of another
/// prompt first.
static void answerAgain(Sequence &sequence, const SoftPrompt &prompt, const SoftPrompt &other,
                        const std::vector<int32_t> &expected) {
  const Feed feed(prompt);
  const auto limit = static_cast<int64_t>(expected.size());
  if (sequence.keepCommon(feed) + 1 != static_cast<int64_t>(prompt.size()))
    fail("a prompt that was fed is not found again");
  if (answer(sequence, feed.subspan(prompt.size() - 1), limit) != expected)
    fail("another answer behind what was fed");
  const Feed another(other);
  check(sequence.prefill(another.subspan(static_cast<size_t>(sequence.keepCommon(another)))));
  const auto kept = static_cast<size_t>(sequence.keepCommon(feed));
  if (answer(sequence, feed.subspan(kept), limit) != expected)
    fail("another answer behind another picture");
}

int main(int argc, char **argv) {
  if (argc != 7)
    fail("expects PROMPTS ROWS LOGITS THREADS CHUNK ISA");
  CpuEngine engine;
  EngineOptions options;
  options.threads = std::stoll(argv[4]);
  options.chunk = std::stoll(argv[5]);
  options.isa = argv[6];
  check(engine.open(test::subjectProgram(), test::subjectFile(), options));
  const std::vector<float> values = readRows(argv[2]);
  std::span<const float> rows = values;
  std::ifstream lines(argv[1]);
  std::ofstream file(argv[3], std::ios::binary);
  std::vector<SoftPrompt> prompts;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    int64_t limit = 0;
    numbers >> limit;
    const std::vector<int32_t> ids{std::istream_iterator<int32_t>(numbers), {}};
    prompts.push_back(makePrompt(engine, ids, rows));
    Sequence sequence(engine, 0);
    const std::vector<int32_t> generated = answer(sequence, prompts.back(), limit, &file);
    for (int32_t id : generated)
      std::cout << id << " ";
    std::cout << std::endl;
    answerAgain(sequence, prompts.back(), prompts.front(), generated);
  }
  return rows.empty() ? 0 : 1;
}
