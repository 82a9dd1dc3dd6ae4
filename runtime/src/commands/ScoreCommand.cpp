// `PROG score`: logits of given tokens, and the mean negative log-likelihood of a text.
#include "commands/Commands.h"
#include "commands/Npy.h"

#include "base/Files.h"
#include "base/Signals.h"
#include "base/Text.h"
#include "engine/Sequence.h"
#include "text/TokenStream.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <unistd.h>

namespace gemmac::runtime {

// -log softmax(logits)[token], summed in double.
static double negativeLogLikelihood(const float *logits, int64_t vocab, int32_t token) {
  const double highest = *std::max_element(logits, logits + vocab);
  double sum = 0;
  for (int64_t i = 0; i < vocab; ++i)
    sum += std::exp(static_cast<double>(logits[i]) - highest);
  return highest + std::log(sum) - static_cast<double>(logits[token]);
}

// KL divergence in nats of softmax(logits) from softmax(reference), summed in double over the whole vocabulary.
static double divergenceOf(const float *reference, const float *logits, int64_t vocab) {
  const double highest = *std::max_element(reference, reference + vocab),
               other = *std::max_element(logits, logits + vocab);
  double total = 0, otherTotal = 0, weighted = 0;
  for (int64_t i = 0; i < vocab; ++i) {
    const double left = static_cast<double>(reference[i]) - highest, right = static_cast<double>(logits[i]) - other;
    const double power = std::exp(left);
    total += power;
    otherTotal += std::exp(right);
    weighted += power * (left - right);
  }
  return weighted / total - std::log(total) + std::log(otherTotal);
}

/// Called with a row's place among the fed tokens and its logits.
using RowVisitor = std::function<Status(size_t row, const float *logits)>;

// Feeds `tokens` from position 0, the first `unscored` of them through prefill; visits the rows of the others.
static Status scoreTokens(Sequence &sequence, std::span<const int32_t> tokens, size_t unscored, bool decodeOnly,
                          const RowVisitor &visit) {
  const Engine &engine = sequence.engine();
  const auto most = static_cast<size_t>(engine.maxRows(engine.functions().verify));
  sequence.reset();
  if (Status status = sequence.prefill(tokens.first(unscored), &interruption()); !status.ok())
    return status;
  Logits logits;
  for (size_t at = unscored; at < tokens.size();) {
    const size_t rows = decodeOnly ? 1 : std::min(tokens.size() - at, most);
    Status status = decodeOnly ? sequence.decode(tokens[at], logits, &interruption())
                               : sequence.verify(tokens.subspan(at, rows), logits, &interruption());
    for (size_t row = 0; row < rows && status.ok(); ++row)
      status = visit(at + row, logits.row(row));
    if (!status.ok())
      return status;
    at += rows;
  }
  return interruptRequested() ? Status(ExitCode::interrupted, "") : Status();
}

/// What was found out about the scored tokens.
struct Scores {
  double nll = 0; ///< summed
  size_t tokens = 0;
  double divergence = 0; ///< summed over `compared` rows
  size_t compared = 0, agreeing = 0;
  std::vector<double> windows;
};

static Status printResult(const Scores &scores, bool json) {
  auto mean = [](double sum, size_t count) { return count ? sum / static_cast<double>(count) : 0; };
  const double nll = mean(scores.nll, scores.tokens);
  const double divergence = mean(scores.divergence, scores.compared);
  const double agreement = mean(static_cast<double>(scores.agreeing), scores.compared);
  Output out(STDOUT_FILENO, "standard output");
  if (json) {
    nlohmann::ordered_json object = {{"nll", nll}, {"tokens", scores.tokens}};
    if (scores.compared)
      object.update({{"kl", divergence}, {"top1", agreement}, {"compared", scores.compared}});
    if (!scores.windows.empty())
      object["window_nll_sums"] = scores.windows;
    out.write(object.dump() + "\n");
  } else {
    out.write(format("nll %.6f per token over %zu tokens, perplexity %.4f\n", nll, scores.tokens, std::exp(nll)));
    if (scores.compared)
      out.write(format("KL divergence %.6f per token over %zu tokens, likeliest token the same for %.2f %%\n",
                       divergence, scores.compared, 100 * agreement));
  }
  return out.finish();
}

/// The logits that another program wrote with --logits, read row by row.
class Reference {
public:
  ~Reference() {
    if (fd >= 0)
      ::close(fd);
  }

  Status open(const std::string &file, size_t rows, int64_t columns) {
    path = file;
    row.resize(static_cast<size_t>(columns));
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
      return {ExitCode::inputOutput, format("cannot open '%s': %s", path.c_str(), strerror(errno))};
    const std::string expected = npyHeader(rows, columns);
    std::string found(expected.size(), '\0');
    if (::pread(fd, found.data(), found.size(), 0) != static_cast<ssize_t>(found.size()) || found != expected)
      return {ExitCode::usage, format("score: '%s' does not hold the logits of %zu tokens and a vocabulary of %lld; "
                                      "write it with --logits and the same ids",
                                      path.c_str(), rows, static_cast<long long>(columns))};
    offset = static_cast<off_t>(found.size());
    return {};
  }

  /// Reads the next row and adds what `logits` have lost of it.
  Status compare(const float *logits, Scores &scores) {
    const size_t bytes = row.size() * sizeof(float);
    if (::pread(fd, row.data(), bytes, offset) != static_cast<ssize_t>(bytes))
      return {ExitCode::inputOutput, format("cannot read '%s' at byte %lld: the file was cut short", path.c_str(),
                                            static_cast<long long>(offset))};
    offset += static_cast<off_t>(bytes);
    const auto vocab = static_cast<int64_t>(row.size());
    scores.divergence += divergenceOf(row.data(), logits, vocab);
    scores.agreeing += likeliest(row.data(), vocab) == likeliest(logits, vocab);
    ++scores.compared;
    return {};
  }

private:
  static int64_t likeliest(const float *logits, int64_t vocab) {
    return std::max_element(logits, logits + vocab) - logits;
  }

  int fd = -1;
  std::string path;
  std::vector<float> row;
  off_t offset = 0;
};

// \param more the text goes on.
static Status checkText(const Model &model, const ScoreOptions &options, size_t tokens, bool more) {
  const int64_t context = model.engine().context();
  if (static_cast<int64_t>(tokens) > context)
    return {ExitCode::context, format("score: '%s' has %s%zu tokens, but the context holds %lld", options.ids.c_str(),
                                      more ? "more than " : "", tokens, static_cast<long long>(context))};
  if (tokens <= static_cast<size_t>(options.prefill))
    return {ExitCode::usage, format("score: '%s' has %zu tokens and --prefill takes %lld, so none is left to score",
                                    options.ids.c_str(), tokens, static_cast<long long>(options.prefill))};
  return {};
}

/// The texts of `--ids`: all ids, or those of each line. Does not read on where one is far too long.
static Status readTexts(const Model &model, const ScoreOptions &options, std::vector<std::vector<int32_t>> &texts) {
  const auto most = static_cast<size_t>(model.engine().context()) + IdReader::slack;
  IdReader reader(model.program.vocab);
  if (Status status = reader.open(options.ids); !status.ok())
    return status;
  do {
    std::vector<int32_t> text;
    if (Status status = reader.read(text, most, options.lines); !status.ok())
      return status;
    if (!text.empty() || (reader.ended() && texts.empty())) {
      if (Status status = checkText(model, options, text.size(), text.size() == most); !status.ok())
        return status;
      texts.push_back(std::move(text));
    }
  } while (!reader.ended());
  return {};
}

static Status writeMoments(std::span<const uint8_t> moments, const std::string &path) {
  NewFile file;
  if (Status status = file.create(path); !status.ok())
    return status;
  if (Status status = file.write(moments.data(), moments.size()); !status.ok())
    return status;
  return file.commit();
}

static Status scoreIds(Model &model, const ScoreOptions &options, bool json) {
  std::vector<std::vector<int32_t>> texts;
  const int64_t vocab = model.program.vocab;
  if (Status status = readTexts(model, options, texts); !status.ok())
    return status;
  const auto unscored = static_cast<size_t>(options.prefill);
  size_t rows = 0;
  for (const std::vector<int32_t> &text : texts)
    rows += text.size() - unscored;
  Reference reference;
  if (!options.reference.empty())
    if (Status status = reference.open(options.reference, rows, vocab); !status.ok())
      return status;
  NewFile file;
  const bool wanted = !options.logits.empty();
  if (wanted) {
    const std::string header = npyHeader(rows, vocab);
    if (Status status = file.create(options.logits); !status.ok())
      return status;
    if (Status status = file.write(header.data(), header.size()); !status.ok())
      return status;
  }
  Scores scores;
  Sequence sequence(model.engine(), 0);
  for (const std::vector<int32_t> &text : texts) {
    auto visit = [&](size_t row, const float *logits) {
      if (row + 1 < text.size()) {
        scores.nll += negativeLogLikelihood(logits, vocab, text[row + 1]);
        ++scores.tokens;
      }
      Status status = options.reference.empty() ? Status() : reference.compare(logits, scores);
      return status.ok() && wanted ? file.write(logits, static_cast<size_t>(vocab) * sizeof(float)) : status;
    };
    if (Status status = scoreTokens(sequence, text, unscored, options.decodeOnly, visit); !status.ok())
      return status;
  }
  // Files last: none is left where standard output cannot be written.
  if (Status status = printResult(scores, json); !status.ok())
    return status;
  if (wanted)
    if (Status status = file.commit(); !status.ok())
      return status;
  return options.moments.empty() ? Status() : writeMoments(model.cpu.moments(), options.moments);
}

/// Feeds the windows of a text behind <bos>, as they become known.
struct WindowScorer {
  Model &model;
  const bool decodeOnly;
  Sequence sequence{model.engine(), 0};
  Scores scores = {};
  std::vector<int32_t> fed = {};

  Status score(std::span<const int32_t> window) {
    const int32_t bos = model.program.bos_id;
    fed.clear();
    if (bos >= 0)
      fed.push_back(bos);
    fed.insert(fed.end(), window.begin(), window.end() - 1);
    const auto predicted = bos >= 0 ? window : window.subspan(1); // without <bos> nothing predicts the first token
    double windowSum = 0;
    Status status = scoreTokens(sequence, fed, 0, decodeOnly, [&](size_t row, const float *logits) {
      windowSum += negativeLogLikelihood(logits, model.program.vocab, predicted[row]);
      return Status();
    });
    scores.windows.push_back(windowSum);
    scores.nll += windowSum;
    scores.tokens += predicted.size();
    return status;
  }

  /// Scores and removes the whole windows of `tokens`; with `all`, also a shorter one at the end.
  Status take(std::vector<int32_t> &tokens, size_t window, bool all) {
    size_t begin = 0;
    for (; tokens.size() - begin >= window || (all && begin < tokens.size()); begin += window) {
      const size_t count = std::min(window, tokens.size() - begin);
      if (Status status = score(std::span(tokens).subspan(begin, count)); !status.ok())
        return status;
      if (count < window)
        break;
    }
    tokens.erase(tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>(std::min(begin, tokens.size())));
    return {};
  }
};

static Status scoreText(Model &model, const ScoreOptions &options, bool json) {
  // The last token of a window is predicted but never fed, so one behind <bos> needs `window` positions.
  const int64_t context = model.engine().context();
  const int64_t window = options.window ? options.window : std::clamp<int64_t>(context - 1, 1, 255);
  if (window > context)
    return {ExitCode::context, format("score: --window %lld does not fit into the context of %lld",
                                      static_cast<long long>(window), static_cast<long long>(context))};
  Input input;
  if (Status status = input.open(options.text); !status.ok())
    return status;
  TokenStream stream(model.tokenizer);
  WindowScorer scorer{model, options.decodeOnly};
  std::vector<int32_t> tokens;
  std::string text;
  while (!input.ended()) {
    text.clear();
    if (Status status = input.read(text); !status.ok())
      return status;
    stream.push({text, false}, tokens);
    if (input.ended())
      stream.finish(tokens);
    if (Status status = stream.check(input.name()); !status.ok())
      return status;
    if (Status status = scorer.take(tokens, static_cast<size_t>(window), input.ended()); !status.ok())
      return status;
  }
  if (scorer.scores.windows.empty())
    return {ExitCode::usage, format("score: '%s' is empty", options.text.c_str())};
  return printResult(scorer.scores, json);
}

Status runScore(Model &model, const ScoreOptions &options, bool json) {
  if (options.ids.empty() == options.text.empty())
    return {ExitCode::usage, "score: give either --ids FILE or --text FILE"};
  if (options.ids.empty() && (!options.logits.empty() || options.prefill))
    return {ExitCode::usage, "score: --logits and --prefill go with --ids"};
  if (options.ids.empty() && (!options.reference.empty() || !options.moments.empty() || options.lines))
    return {ExitCode::usage, "score: --reference, --moments and --lines go with --ids"};
  if (!options.moments.empty() && model.program.moments.bytes == 0)
    return {ExitCode::usage, "score: --moments: this program was not compiled to observe its matrices' inputs"};
  if (!options.ids.empty() && options.window)
    return {ExitCode::usage, "score: --window goes with --text"};
  return options.ids.empty() ? scoreText(model, options, json) : scoreIds(model, options, json);
}

} // namespace gemmac::runtime
