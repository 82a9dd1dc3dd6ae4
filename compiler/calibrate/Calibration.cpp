#include "compiler/calibrate/Calibration.h"

#include "compiler/import/ChatFormat.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"

namespace gemmac {

namespace {

using Ids = std::vector<int32_t>;

constexpr size_t windowTokens = 256; ///< <bos> included
constexpr size_t measuredEvery = 4;  ///< one window in so many is kept for comparing
constexpr int64_t answerTokens = 96;

int64_t payFor(double budget, int64_t cost, int64_t least, int64_t most) {
  return std::clamp(static_cast<int64_t>(budget / static_cast<double>(std::max<int64_t>(cost, 1))), least, most);
}

} // namespace

// Reading costs arithmetic, writing costs a pass over the weights for each token, comparing also disk for logits.
CalibrationBudget::CalibrationBudget(const ProgramSummary &summary) {
  const FunctionSummary &decode = summary.function(GEMMAC_DECODE);
  read = payFor(6e12, decode.multiplyAdds, 1024, 8192);
  generated = payFor(6e11, decode.weightBytes, 64, 4096);
  measured = std::min(payFor(1.5e12, decode.multiplyAdds, 256, 2048), payFor(1e9, summary.vocab * 4, 256, 2048));
}

namespace {

/// The tokens that the windows are cut from.
class WindowMaker {
public:
  WindowMaker(const ProgramRunner &runner, const ObservingProgram &program, const Checkpoint &checkpoint)
      : runner(runner), program(program), checkpoint(checkpoint), budget(program.summary) {}

  llvm::Expected<std::vector<Ids>> make(const CalibrationText &text) {
    std::vector<Ids> windows;
    for (const std::string &passage : text.passages)
      if (llvm::Error error = addPassage(passage, windows))
        return std::move(error);
    thinOut(windows, budget.read);
    // The model's own distribution: what it says when nobody asks, and what it answers.
    int64_t left = budget.generated;
    if (checkpoint.chat.chats())
      for (const std::string &prompt : text.prompts) {
        if (left < budget.generated / 2)
          break;
        if (llvm::Error error = addAnswer(prompt, left, windows))
          return std::move(error);
      }
    constexpr unsigned mostTexts = 64; // some models have nothing to say unasked
    for (unsigned seed = 1; left > 0 && seed <= mostTexts && checkpoint.bosId >= 0; ++seed)
      if (llvm::Error error = addFreeText(seed, left, windows))
        return std::move(error);
    if (windows.empty())
      return llvm::createStringError("calibration: error: the text gives no tokens; give another with --calibration");
    return windows;
  }

private:
  static llvm::Expected<Ids> parseIds(llvm::StringRef text) {
    Ids ids;
    llvm::SmallVector<llvm::StringRef> words;
    llvm::SplitString(text, words);
    for (llvm::StringRef word : words) {
      int32_t id;
      if (word.getAsInteger(10, id))
        return llvm::createStringError("calibration: error: the program printed '" + word.str() +
                                       "', expected a token id");
      ids.push_back(id);
    }
    return ids;
  }

  llvm::Expected<Ids> tokenize(llvm::StringRef text, bool controlTokens) {
    std::vector<std::string> words{"tokenize"};
    if (controlTokens)
      words.push_back("--special");
    llvm::Expected<std::string> printed = runner.run(program.path, words, text);
    if (!printed)
      return printed.takeError();
    return parseIds(*printed);
  }

  Ids withStart(llvm::ArrayRef<int32_t> tokens) const {
    Ids window;
    if (checkpoint.bosId >= 0)
      window.push_back(checkpoint.bosId);
    window.insert(window.end(), tokens.begin(), tokens.end());
    return window;
  }

  llvm::Error addPassage(llvm::StringRef passage, std::vector<Ids> &windows) {
    llvm::Expected<Ids> ids = tokenize(passage, /*controlTokens=*/false);
    if (!ids)
      return ids.takeError();
    for (size_t begin = 0; begin < ids->size(); begin += windowTokens - 1)
      windows.push_back(withStart(llvm::ArrayRef(*ids).slice(begin, std::min(windowTokens - 1, ids->size() - begin))));
    return llvm::Error::success();
  }

  /// Keeps windows evenly spread over the text.
  static void thinOut(std::vector<Ids> &windows, int64_t tokens) {
    size_t most = std::max<size_t>(tokens / windowTokens, 1), count = windows.size();
    if (count <= most)
      return;
    std::vector<Ids> kept;
    for (size_t i = 0; i < most; ++i)
      kept.push_back(std::move(windows[i * count / most]));
    windows = std::move(kept);
  }

  llvm::Expected<Ids> generate(const Ids &prompt, int64_t count, std::vector<std::string> sampling) {
    std::vector<std::string> words{"--prompt-ids", "-", "-n", std::to_string(count), "--ids", "-q"};
    words.insert(words.end(), sampling.begin(), sampling.end());
    auto texts = llvm::map_range(prompt, [](int32_t id) { return std::to_string(id); });
    llvm::Expected<std::string> printed = runner.compute(program.path, words, llvm::join(texts, " "));
    if (!printed)
      return printed.takeError();
    return parseIds(*printed);
  }

  llvm::Error addAnswer(llvm::StringRef prompt, int64_t &left, std::vector<Ids> &windows) {
    llvm::Expected<Ids> ids = tokenize(composeChat(checkpoint.chat, GEMMAC_THINK_DEFAULT, {{}, {prompt.str()}}), true);
    if (!ids)
      return ids.takeError();
    ids->resize(std::min(ids->size(), windowTokens - answerTokens));
    llvm::Expected<Ids> answer = generate(*ids, std::min(left, answerTokens), {"--temperature", "0"});
    if (!answer)
      return answer.takeError();
    left -= static_cast<int64_t>(answer->size()) + 1; // an empty answer also costs
    ids->insert(ids->end(), answer->begin(), answer->end());
    windows.push_back(std::move(*ids));
    return llvm::Error::success();
  }

  llvm::Error addFreeText(unsigned seed, int64_t &left, std::vector<Ids> &windows) {
    Ids start = withStart({});
    llvm::Expected<Ids> text =
        generate(start, std::min<int64_t>(left, windowTokens - 1),
                 {"--temperature", "1", "--top-k", "0", "--top-p", "1", "--seed", std::to_string(seed)});
    if (!text)
      return text.takeError();
    left -= static_cast<int64_t>(text->size()) + 1;
    windows.push_back(withStart(*text));
    return llvm::Error::success();
  }

  const ProgramRunner &runner;
  const ObservingProgram &program;
  const Checkpoint &checkpoint;
  CalibrationBudget budget;
};

std::string asLines(llvm::ArrayRef<Ids> windows) {
  std::string lines;
  for (const Ids &window : windows) {
    auto texts = llvm::map_range(window, [](int32_t id) { return std::to_string(id); });
    lines += llvm::join(texts, " ") + "\n";
  }
  return lines;
}

/// Splits the windows; both parts are never empty.
void splitWindows(llvm::ArrayRef<Ids> windows, int64_t measuredTokens, std::vector<Ids> &observed,
                  std::vector<Ids> &measured) {
  int64_t left = measuredTokens;
  for (auto [index, window] : llvm::enumerate(windows))
    if (index % measuredEvery == measuredEvery - 1 && left > 0) {
      left -= static_cast<int64_t>(window.size());
      measured.push_back(window);
    } else {
      observed.push_back(window);
    }
  if (measured.empty())
    measured.push_back(windows.back());
}

} // namespace

llvm::Expected<Calibration> Calibration::run(const ProgramRunner &runner, const ObservingProgram &program,
                                             const Checkpoint &checkpoint, const CalibrationText &text,
                                             const CalibrationStage &stage) {
  stage("calibrating: text");
  llvm::Expected<std::vector<Ids>> windows = WindowMaker(runner, program, checkpoint).make(text);
  if (!windows)
    return windows.takeError();
  std::vector<Ids> observed, measured;
  splitWindows(*windows, CalibrationBudget(program.summary).measured, observed, measured);

  stage("calibrating: inputs of the matrices");
  std::string momentFile = runner.file("moments");
  llvm::Expected<std::string> report = runner.compute(
      program.path, {"score", "--ids", "-", "--lines", "--moments", momentFile, "--json"}, asLines(observed));
  if (!report)
    return report.takeError();

  stage("calibrating: unquantized answers");
  Calibration result;
  result.measuredIds = asLines(measured);
  result.logits = runner.file("logits.npy");
  report = runner.compute(program.path, {"score", "--ids", "-", "--lines", "--logits", result.logits, "--json"},
                          result.measuredIds);
  if (!report)
    return report.takeError();
  llvm::Expected<std::unique_ptr<Moments>> moments = Moments::open(momentFile, program.moments);
  if (!moments)
    return moments.takeError();
  result.moments = std::move(*moments);
  return result;
}

llvm::Expected<ProgramQuality> Calibration::measure(const ProgramRunner &runner, const std::string &program) const {
  llvm::Expected<std::string> printed =
      runner.compute(program, {"score", "--ids", "-", "--lines", "--reference", logits, "--json"}, measuredIds);
  if (!printed)
    return printed.takeError();
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(*printed);
  if (!value)
    return value.takeError();
  const llvm::json::Object *object = value->getAsObject();
  auto number = [&](llvm::StringRef key) { return object ? object->getNumber(key) : std::nullopt; };
  std::optional<double> divergence = number("kl"), agreement = number("top1"), tokens = number("compared");
  if (!divergence || !agreement || !tokens)
    return llvm::createStringError("calibration: error: the program printed no comparison: " + *printed);
  return ProgramQuality{*divergence, *agreement, static_cast<int64_t>(*tokens)};
}

} // namespace gemmac
