// `PROG bench`: speed and memory of this program on this machine.
#include "Commands.h"

#include "Files.h"
#include "Signals.h"
#include "Text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <sys/resource.h>
#include <unistd.h>

namespace gemmac::runtime {

namespace {
/// Tokens per second over the repetitions.
struct Speed {
  std::vector<double> runs;

  double median() const {
    std::vector<double> sorted = runs;
    std::sort(sorted.begin(), sorted.end());
    const size_t half = sorted.size() / 2;
    return sorted.size() % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }
  double lowest() const { return *std::min_element(runs.begin(), runs.end()); }
  double highest() const { return *std::max_element(runs.begin(), runs.end()); }
};
} // namespace

// Random tokens: experts and embedding rows are then read as varied as text reads them. Same ids every time.
static std::vector<int32_t> randomTokens(int64_t count, int64_t vocab) {
  Random random(1);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t &token : tokens)
    token = static_cast<int32_t>(random.next() % static_cast<uint64_t>(vocab));
  return tokens;
}

static bool measurePrefill(Session &session, std::span<const int32_t> tokens, Speed &speed) {
  const double begin = monotonicSeconds();
  for (auto rest = tokens; !rest.empty();) {
    if (interruptRequested())
      return false;
    auto rows = std::min(rest.size(), static_cast<size_t>(session.chunkRows()));
    session.prefill(rest.first(rows));
    rest = rest.subspan(rows);
  }
  speed.runs.push_back(static_cast<double>(tokens.size()) / (monotonicSeconds() - begin));
  return true;
}

static bool measureDecode(Session &session, std::span<const int32_t> tokens, Speed &speed) {
  const double begin = monotonicSeconds();
  for (int32_t token : tokens) {
    if (interruptRequested())
      return false;
    session.decode(token);
  }
  speed.runs.push_back(static_cast<double>(tokens.size()) / (monotonicSeconds() - begin));
  return true;
}

// Pages of the mapped program count as soon as they were read. The kernel's figure for this very program is VmHWM; without
// /proc there is only getrusage, whose maximum includes the process that started the program. Both in KiB.
static uint64_t peakResidentBytes() {
  if (std::FILE *status = std::fopen("/proc/self/status", "re")) {
    char line[256];
    unsigned long long kibibytes = 0;
    bool found = false;
    while (!found && std::fgets(line, sizeof line, status))
      found = std::sscanf(line, "VmHWM: %llu kB", &kibibytes) == 1;
    std::fclose(status);
    if (found)
      return kibibytes * 1024;
  }
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

static std::string describe(const char *name, const Speed &speed, int64_t tokens) {
  return format("%-8s %10.2f tokens/s  (%lld tokens, %zu runs, %.2f to %.2f)\n", name, speed.median(),
                static_cast<long long>(tokens), speed.runs.size(), speed.lowest(), speed.highest());
}

static nlohmann::ordered_json toJson(const Speed &speed, int64_t tokens) {
  return {{"tokens", tokens}, {"tokens_per_second", speed.median()}, {"runs", speed.runs}};
}

static std::string report(const Model &model, const BenchOptions &options, const Speed &prefill, const Speed &decode,
                          bool json) {
  const gemmac_program &program = model.program;
  const int64_t weightBytes = program.phases[GEMMAC_PHASE_DECODE].weight_bytes;
  const double bandwidth = decode.runs.empty() ? 0 : decode.median() * static_cast<double>(weightBytes) / 1e9;
  if (json) {
    nlohmann::ordered_json object = {{"model", program.name},        {"target", program.target},
                                     {"weights", program.weights},   {"level", model.level->name},
                                     {"threads", model.pool.size()}, {"chunk", model.session.chunkRows()},
                                     {"depth", options.depth}};
    if (!prefill.runs.empty())
      object["prefill"] = toJson(prefill, options.promptTokens);
    if (!decode.runs.empty()) {
      object["decode"] = toJson(decode, options.decodeTokens);
      object["decode"]["weight_bytes_per_token"] = weightBytes;
      object["decode"]["weight_gigabytes_per_second"] = bandwidth;
    }
    object["kv_cache_bytes"] = program.cache_bytes;
    object["peak_resident_bytes"] = peakResidentBytes();
    return object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  std::string text = format("%s, %s, %s, %lld threads", program.name, program.weights, model.level->name,
                            static_cast<long long>(model.pool.size()));
  text += options.depth > 0 ? format(", from position %lld on\n", static_cast<long long>(options.depth)) : "\n";
  if (!prefill.runs.empty())
    text += describe("prefill", prefill, options.promptTokens);
  if (!decode.runs.empty()) {
    text += describe("decode", decode, options.decodeTokens);
    text += format("weights  %s read per decoded token, %.2f GB/s; KV cache not counted, %s at most\n",
                   formatBytes(static_cast<uint64_t>(weightBytes)).c_str(), bandwidth,
                   formatBytes(static_cast<uint64_t>(program.cache_bytes)).c_str());
  }
  return text + format("memory   %s resident at the peak, mapped weights included\n",
                       formatBytes(peakResidentBytes()).c_str());
}

Status runBench(Model &model, const BenchOptions &options, bool json) {
  const int64_t total = options.promptTokens + options.decodeTokens;
  if (total == 0)
    return {ExitCode::usage, "bench: -p and -n are both 0, so there is nothing to measure"};
  if (total > model.session.context() - options.depth)
    return {ExitCode::context,
            format("bench: %lld + %lld tokens from position %lld on do not fit into the context of %lld",
                   static_cast<long long>(options.promptTokens), static_cast<long long>(options.decodeTokens),
                   static_cast<long long>(options.depth), static_cast<long long>(model.session.context()))};
  const std::vector<int32_t> tokens = randomTokens(total, model.program.vocab);
  const auto prompt = std::span(tokens).first(static_cast<size_t>(options.promptTokens));
  const auto decoded = std::span(tokens).subspan(prompt.size());
  Speed prefill, decode;
  // One round more than counted: the first one reads the weights from disk.
  for (int64_t round = 0; round <= options.repetitions; ++round) {
    if (options.depth > 0)
      model.session.pretendPosition(options.depth);
    else
      model.session.reset();
    if ((!prompt.empty() && !measurePrefill(model.session, prompt, prefill)) ||
        (!decoded.empty() && !measureDecode(model.session, decoded, decode)))
      return {ExitCode::interrupted, ""};
    if (round == 0) {
      prefill.runs.clear();
      decode.runs.clear();
    }
  }
  Output out(STDOUT_FILENO, "standard output");
  out.write(report(model, options, prefill, decode, json));
  return out.finish();
}

} // namespace gemmac::runtime
