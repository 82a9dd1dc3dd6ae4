// `PROG score`: logits of given tokens, and the mean negative log-likelihood of a text.
#include "Commands.h"

#include "Files.h"
#include "Signals.h"
#include "Text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <unistd.h>

namespace gemmac::runtime {

static_assert(std::endian::native == std::endian::little, "npy files are written as the machine stores numbers");

// -log softmax(logits)[token], summed in double.
static double negativeLogLikelihood(const float *logits, int64_t vocab, int32_t token) {
  const double highest = *std::max_element(logits, logits + vocab);
  double sum = 0;
  for (int64_t i = 0; i < vocab; ++i)
    sum += std::exp(static_cast<double>(logits[i]) - highest);
  return highest + std::log(sum) - static_cast<double>(logits[token]);
}

/// Called with a row's place among the fed tokens and its logits.
using RowVisitor = std::function<Status(size_t row, const float *logits)>;

// Feeds `tokens` from position 0, the first `unscored` of them through prefill; visits the rows of the others.
static Status scoreTokens(Session &session, std::span<const int32_t> tokens, size_t unscored, bool decodeOnly,
                          const RowVisitor &visit) {
  session.reset();
  for (size_t at = 0; at < unscored;) {
    const size_t rows = std::min(unscored - at, static_cast<size_t>(session.chunkRows()));
    session.prefill(tokens.subspan(at, rows));
    at += rows;
    if (interruptRequested())
      return {ExitCode::interrupted, ""};
  }
  for (size_t at = unscored; at < tokens.size();) {
    const size_t rows = decodeOnly ? 1 : std::min(tokens.size() - at, static_cast<size_t>(session.verifyRows()));
    const float *logits = decodeOnly ? session.decode(tokens[at]) : session.verify(tokens.subspan(at, rows));
    for (size_t row = 0; row < rows; ++row)
      if (Status status = visit(at + row, logits + row * static_cast<size_t>(session.logitsStride())); !status.ok())
        return status;
    at += rows;
    if (interruptRequested())
      return {ExitCode::interrupted, ""};
  }
  return {};
}

// The header of an npy file, format 1.0: padded so that the data begins at a multiple of 64.
static std::string npyHeader(size_t rows, int64_t columns) {
  std::string dictionary =
      format("{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %lld), }", rows, static_cast<long long>(columns));
  constexpr size_t prefix = 10;
  dictionary.append(63 - (prefix + dictionary.size()) % 64, ' ');
  dictionary += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(dictionary.size() & 0xff);
  header += static_cast<char>(dictionary.size() >> 8);
  return header + dictionary;
}

static Status printResult(double sum, size_t tokens, const std::vector<double> &windows, bool json) {
  const double mean = tokens ? sum / static_cast<double>(tokens) : 0;
  Output out(STDOUT_FILENO, "standard output");
  if (json) {
    nlohmann::ordered_json object = {{"nll", mean}, {"tokens", tokens}};
    if (!windows.empty())
      object["window_nll_sums"] = windows;
    out.write(object.dump() + "\n");
  } else {
    out.write(format("nll %.6f per token over %zu tokens, perplexity %.4f\n", mean, tokens, std::exp(mean)));
  }
  return out.finish();
}

static Status scoreIds(Model &model, const ScoreOptions &options, bool json) {
  std::string text;
  std::vector<int32_t> tokens;
  if (Status status = readFile(options.ids, text); !status.ok())
    return status;
  if (Status status = parseTokenIds(text, options.ids, model.program.vocab, tokens); !status.ok())
    return status;
  const auto unscored = static_cast<size_t>(options.prefill);
  if (tokens.size() <= unscored)
    return {ExitCode::usage, format("score: '%s' has %zu tokens and --prefill takes %zu, so none is left to score",
                                    options.ids.c_str(), tokens.size(), unscored)};
  if (static_cast<int64_t>(tokens.size()) > model.session.context())
    return {ExitCode::context, format("score: '%s' has %zu tokens, but the context holds %lld", options.ids.c_str(),
                                      tokens.size(), static_cast<long long>(model.session.context()))};
  NewFile file;
  const bool wanted = !options.logits.empty();
  if (wanted) {
    const std::string header = npyHeader(tokens.size() - unscored, model.program.vocab);
    if (Status status = file.create(options.logits); !status.ok())
      return status;
    if (Status status = file.write(header.data(), header.size()); !status.ok())
      return status;
  }
  double sum = 0;
  size_t scored = 0;
  const int64_t vocab = model.program.vocab;
  Status status =
      scoreTokens(model.session, tokens, unscored, options.decodeOnly, [&](size_t row, const float *logits) {
        if (row + 1 < tokens.size()) {
          sum += negativeLogLikelihood(logits, vocab, tokens[row + 1]);
          ++scored;
        }
        return wanted ? file.write(logits, static_cast<size_t>(vocab) * sizeof(float)) : Status();
      });
  if (status.ok() && wanted)
    status = file.commit();
  return status.ok() ? printResult(sum, scored, {}, json) : status;
}

static Status scoreText(Model &model, const ScoreOptions &options, bool json) {
  std::string text;
  if (Status status = readFile(options.text, text); !status.ok())
    return status;
  std::vector<int32_t> tokens;
  const Segment segment{text, false};
  model.tokenizer.encode({&segment, 1}, tokens);
  if (tokens.empty())
    return {ExitCode::usage, format("score: '%s' is empty", options.text.c_str())};
  // The last token of a window is predicted but never fed, so one behind <bos> needs `window` positions.
  const int64_t context = model.session.context();
  const int64_t window = options.window ? options.window : std::clamp<int64_t>(context - 1, 1, 255);
  if (window > context)
    return {ExitCode::context, format("score: --window %lld does not fit into the context of %lld",
                                      static_cast<long long>(window), static_cast<long long>(context))};
  const int32_t bos = model.program.bos_id;
  double sum = 0;
  size_t scored = 0;
  std::vector<double> windows;
  std::vector<int32_t> fed;
  for (size_t begin = 0; begin < tokens.size(); begin += static_cast<size_t>(window)) {
    const auto part = std::span(tokens).subspan(begin, std::min(tokens.size() - begin, static_cast<size_t>(window)));
    fed.clear();
    if (bos >= 0)
      fed.push_back(bos);
    fed.insert(fed.end(), part.begin(), part.end() - 1);
    const auto predicted = bos >= 0 ? part : part.subspan(1); // without <bos> nothing predicts the first token
    double windowSum = 0;
    Status status = scoreTokens(model.session, fed, 0, options.decodeOnly, [&](size_t row, const float *logits) {
      windowSum += negativeLogLikelihood(logits, model.program.vocab, predicted[row]);
      return Status();
    });
    if (!status.ok())
      return status;
    windows.push_back(windowSum);
    sum += windowSum;
    scored += predicted.size();
  }
  return printResult(sum, scored, windows, json);
}

Status runScore(Model &model, const ScoreOptions &options, bool json) {
  if (options.ids.empty() == options.text.empty())
    return {ExitCode::usage, "score: give either --ids FILE or --text FILE"};
  if (options.ids.empty() && (!options.logits.empty() || options.prefill))
    return {ExitCode::usage, "score: --logits and --prefill go with --ids"};
  if (!options.ids.empty() && options.window)
    return {ExitCode::usage, "score: --window goes with --text"};
  return options.ids.empty() ? scoreText(model, options, json) : scoreIds(model, options, json);
}

} // namespace gemmac::runtime
