// `PROG bench`: speed and memory of this program on this machine.
#include "commands/Commands.h"

#include "base/Files.h"
#include "base/Signals.h"
#include "base/Text.h"
#include "engine/Roof.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <sys/resource.h>
#include <unistd.h>

namespace gemmac::runtime {

namespace {
/// One figure, over the repetitions.
struct Runs {
  std::vector<double> values;

  bool empty() const { return values.empty(); }
  double median() const {
    std::vector<double> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    const size_t half = sorted.size() / 2;
    return sorted.size() % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }
  double lowest() const { return *std::min_element(values.begin(), values.end()); }
  double highest() const { return *std::max_element(values.begin(), values.end()); }
};

struct Measurements {
  Runs prefill, decode, verify; ///< tokens per second
  Runs verifyTime;              ///< of a call, in times that of a decoded token
  Runs roof;                    ///< bytes per second
  uint64_t peakResidentBytes = 0;
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

static bool measurePrefill(Session &session, std::span<const int32_t> tokens, Runs &speed) {
  const double begin = monotonicSeconds();
  for (auto rest = tokens; !rest.empty();) {
    if (interruptRequested())
      return false;
    auto rows = std::min(rest.size(), static_cast<size_t>(session.chunkRows()));
    session.prefill(rest.first(rows));
    rest = rest.subspan(rows);
  }
  speed.values.push_back(static_cast<double>(tokens.size()) / (monotonicSeconds() - begin));
  return true;
}

static bool measureDecode(Session &session, std::span<const int32_t> tokens, Runs &speed) {
  const double begin = monotonicSeconds();
  for (int32_t token : tokens) {
    if (interruptRequested())
      return false;
    session.decode(token);
  }
  speed.values.push_back(static_cast<double>(tokens.size()) / (monotonicSeconds() - begin));
  return true;
}

static bool measureVerify(Session &session, std::span<const int32_t> tokens, int64_t rows, Runs &speed) {
  const double begin = monotonicSeconds();
  for (auto rest = tokens; !rest.empty(); rest = rest.subspan(static_cast<size_t>(rows))) {
    if (interruptRequested())
      return false;
    session.verify(rest.first(static_cast<size_t>(rows)));
  }
  speed.values.push_back(static_cast<double>(tokens.size()) / (monotonicSeconds() - begin));
  return true;
}

// Pages of the mapped program count as soon as they were read. The kernel's figure for this very program is VmHWM;
// without /proc there is only getrusage, whose maximum includes the process that started the program. Both in KiB.
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

static uint64_t predictedResidentBytes(const Model &model, const BenchOptions &options) {
  // Beginning at a position fills the whole cache with zeros.
  const int64_t positions = options.depth > 0 ? model.program.context
                                              : options.promptTokens + options.decodeTokens * (1 + options.verifyRows);
  return model.residentBytes(model.pool.size(), positions);
}

static std::string describe(const char *name, const Runs &speed, int64_t tokens) {
  return format("%-8s %10.2f tokens/s  (%lld tokens, %zu runs, %.2f to %.2f)\n", name, speed.median(),
                static_cast<long long>(tokens), speed.values.size(), speed.lowest(), speed.highest());
}

static nlohmann::ordered_json toJson(const Runs &speed, int64_t tokens) {
  return {{"tokens", tokens}, {"tokens_per_second", speed.median()}, {"runs", speed.values}};
}

// Weights that a decoded token reads, per second; 0 when nothing was decoded.
static double weightBandwidth(const gemmac_program &program, const Measurements &measured) {
  return measured.decode.empty()
             ? 0
             : measured.decode.median() * static_cast<double>(program.phases[GEMMAC_PHASE_DECODE].weight_bytes);
}

constexpr std::pair<gemmac_phase_id, const char *> phaseNames[] = {
#define GEMMAC_PHASE_NAME(id, name, logits, summary) {GEMMAC_PHASE_##id, name},
    GEMMAC_PHASES(GEMMAC_PHASE_NAME)
#undef GEMMAC_PHASE_NAME
};

static std::vector<std::pair<gemmac_phase_id, const char *>> measuredPhases(const Measurements &measured) {
  std::vector<std::pair<gemmac_phase_id, const char *>> phases;
  for (auto one : phaseNames) {
    const Runs &runs = one.first == GEMMAC_PHASE_DECODE   ? measured.decode
                       : one.first == GEMMAC_PHASE_VERIFY ? measured.verify
                                                          : measured.prefill;
    if (!runs.empty())
      phases.push_back(one);
  }
  return phases;
}

static nlohmann::ordered_json kernelsJson(const StepTimes &times) {
  auto phases = nlohmann::ordered_json::object();
  for (auto [phase, name] : phaseNames) {
    const auto calls = static_cast<double>(times.calls(phase));
    if (calls == 0)
      continue;
    auto kernels = nlohmann::ordered_json::array();
    for (const StepTimes::Kernel &kernel : times.kernels(phase))
      kernels.push_back({{"kernel", kernel.what},
                         {"steps", kernel.steps},
                         {"seconds_per_call", kernel.seconds / calls},
                         {"share", kernel.seconds / times.seconds(phase)},
                         {"weight_bytes", kernel.weightBytes}});
    phases[name] = {{"calls", times.calls(phase)},
                    {"seconds_per_call", times.seconds(phase) / calls},
                    {"kernels", std::move(kernels)}};
  }
  return phases;
}

static std::string kernelsText(const StepTimes &times) {
  std::string text;
  for (auto [phase, name] : phaseNames) {
    const auto calls = static_cast<double>(times.calls(phase));
    if (calls == 0)
      continue;
    text += format("\n%s: %.3f ms a call, %lld calls\n       ms   share   GB/s  steps  kernel\n", name,
                   times.seconds(phase) / calls * 1e3, static_cast<long long>(times.calls(phase)));
    for (const StepTimes::Kernel &kernel : times.kernels(phase)) {
      const double seconds = kernel.seconds / calls;
      const bool reads = kernel.weightBytes > 0 && seconds > 0;
      text += format("%9.3f  %5.1f%%  %5s  %5lld  %s\n", seconds * 1e3, kernel.seconds / times.seconds(phase) * 100,
                     reads ? format("%.1f", static_cast<double>(kernel.weightBytes) / seconds / 1e9).c_str() : "",
                     static_cast<long long>(kernel.steps), kernel.what.c_str());
    }
  }
  return text;
}

static std::string reportJson(const Model &model, const BenchOptions &options, const Measurements &measured,
                              const StepTimes &times) {
  const gemmac_program &program = model.program;
  nlohmann::ordered_json object = {{"model", program.name},        {"target", program.target},
                                   {"weights", program.weights},   {"level", model.level->name},
                                   {"threads", model.pool.size()}, {"chunk", model.session.chunkRows()},
                                   {"depth", options.depth}};
  object["processors"] = {{"allowed", model.processors.allowed}, {"usable", model.processors.usable}};
  if (std::isfinite(model.processors.quota))
    object["processors"]["quota"] = model.processors.quota;
  for (auto [phase, name] : measuredPhases(measured))
    object["threads_by_phase"][name] = {{"threads", model.threads->threads(phase)},
                                        {"reason", model.threads->reason(phase)}};
  if (!measured.prefill.empty())
    object["prefill"] = toJson(measured.prefill, options.promptTokens);
  if (!measured.decode.empty()) {
    object["decode"] = toJson(measured.decode, options.decodeTokens);
    object["decode"]["weight_bytes_per_token"] = program.phases[GEMMAC_PHASE_DECODE].weight_bytes;
    object["decode"]["weight_gigabytes_per_second"] = weightBandwidth(program, measured) / 1e9;
  }
  if (!measured.verify.empty()) {
    object["verify"] = toJson(measured.verify, options.decodeTokens * options.verifyRows);
    object["verify"]["rows"] = options.verifyRows;
    object["verify"]["time_against_one_row"] = measured.verifyTime.median();
  }
  if (!measured.roof.empty())
    object["roof"] = {{"bytes_per_second", measured.roof.median()}, {"runs", measured.roof.values}};
  if (options.kernels)
    object["kernels"] = kernelsJson(times);
  object["kv_cache_bytes"] = program.slots * program.slot_bytes;
  object["peak_resident_bytes"] = measured.peakResidentBytes;
  object["predicted_resident_bytes"] = predictedResidentBytes(model, options);
  return object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

static std::string reportText(const Model &model, const BenchOptions &options, const Measurements &measured) {
  const gemmac_program &program = model.program;
  std::string text = format("%s, %s, %s, %lld threads", program.name, program.weights, model.level->name,
                            static_cast<long long>(model.pool.size()));
  text += options.depth > 0 ? format(", from position %lld on\n", static_cast<long long>(options.depth)) : "\n";
  if (!measured.prefill.empty())
    text += describe("prefill", measured.prefill, options.promptTokens);
  if (!measured.decode.empty())
    text += describe("decode", measured.decode, options.decodeTokens);
  if (!measured.verify.empty())
    text += describe("verify", measured.verify, options.decodeTokens * options.verifyRows) +
            format("         a call with %lld rows takes %.2f times as long as one row\n",
                   static_cast<long long>(options.verifyRows), measured.verifyTime.median());
  if (!measured.decode.empty())
    text += format("weights  %s read per decoded token, %.2f GB/s; KV cache not counted, %s at most\n",
                   formatBytes(static_cast<uint64_t>(program.phases[GEMMAC_PHASE_DECODE].weight_bytes)).c_str(),
                   weightBandwidth(program, measured) / 1e9,
                   formatBytes(static_cast<uint64_t>(program.slots * program.slot_bytes)).c_str());
  text += format("on       %s\n", model.processors.describe().c_str());
  for (auto [phase, name] : measuredPhases(measured))
    text += format("threads  %s %lld: %s\n", name, static_cast<long long>(model.threads->threads(phase)),
                   model.threads->reason(phase).c_str());
  if (!measured.roof.empty())
    text += format("roof     %.2f GB/s when nothing but read\n", measured.roof.median() / 1e9);
  return text + format("memory   %s resident at the peak, mapped weights included; %s predicted\n",
                       formatBytes(measured.peakResidentBytes).c_str(),
                       formatBytes(predictedResidentBytes(model, options)).c_str());
}

static Status checkOptions(const gemmac_program &program, const Session &session, const BenchOptions &options) {
  const int64_t verified = options.decodeTokens * options.verifyRows;
  const int64_t total = options.promptTokens + options.decodeTokens + verified;
  if (total == 0)
    return {ExitCode::usage, "bench: -p and -n are both 0, so there is nothing to measure"};
  if (options.kernels && program.steps[GEMMAC_PHASE_DECODE].count == 0)
    return {ExitCode::usage, "bench: --kernels needs a program that was compiled with --profile"};
  if (options.verifyRows > 0 && options.decodeTokens == 0)
    return {ExitCode::usage, "bench: --verify compares with single tokens; give it some with -n"};
  if (options.verifyRows > session.verifyRows())
    return {ExitCode::usage,
            format("bench: --verify %lld: this program takes at most %lld rows",
                   static_cast<long long>(options.verifyRows), static_cast<long long>(session.verifyRows()))};
  if (total > session.context() - options.depth)
    return {ExitCode::context,
            format("bench: %lld + %lld tokens from position %lld on do not fit into the context of %lld",
                   static_cast<long long>(options.promptTokens),
                   static_cast<long long>(options.decodeTokens + verified), static_cast<long long>(options.depth),
                   static_cast<long long>(session.context()))};
  return {};
}

// \returns whether the round was finished.
static bool measureRound(Model &model, const BenchOptions &options, std::span<const int32_t> tokens,
                         Measurements &measured) {
  const auto prompt = tokens.first(static_cast<size_t>(options.promptTokens));
  const auto decoded = tokens.subspan(prompt.size(), static_cast<size_t>(options.decodeTokens));
  const auto verified = tokens.subspan(prompt.size() + decoded.size());
  if (options.depth > 0)
    model.session.pretendPosition(options.depth);
  else
    model.session.reset();
  if ((!prompt.empty() && !measurePrefill(model.session, prompt, measured.prefill)) ||
      (!decoded.empty() && !measureDecode(model.session, decoded, measured.decode)))
    return false;
  if (verified.empty())
    return true;
  if (!measureVerify(model.session, verified, options.verifyRows, measured.verify))
    return false;
  measured.verifyTime.values.push_back(static_cast<double>(options.verifyRows) * measured.decode.values.back() /
                                       measured.verify.values.back());
  return true;
}

Status runBench(Model &model, const BenchOptions &options, bool json) {
  if (Status status = checkOptions(model.program, model.session, options); !status.ok())
    return status;
  const std::vector<int32_t> tokens =
      randomTokens(options.promptTokens + options.decodeTokens * (1 + options.verifyRows), model.program.vocab);
  Measurements warmUp, measured;
  StepTimes times(model.program);
  // One round more than counted: the first one reads the weights from disk.
  for (int64_t round = 0; round <= options.repetitions; ++round) {
    model.session.countSteps(options.kernels && round > 0 ? &times : nullptr);
    if (!measureRound(model, options, tokens, round == 0 ? warmUp : measured))
      return {ExitCode::interrupted, ""};
  }
  // Before reading for the roof, which in a mixture of experts reads other weights than the tokens above did.
  measured.peakResidentBytes = peakResidentBytes();
  const std::span<const uint8_t> weights = model.session.mappedWeights();
  const int64_t read =
      std::min(model.program.phases[GEMMAC_PHASE_DECODE].weight_bytes, static_cast<int64_t>(weights.size()));
  for (int64_t round = 0; options.roof && round <= options.repetitions; ++round) {
    const double bytesPerSecond = readBandwidth(model.pool, weights.data(), read);
    (round == 0 ? warmUp : measured).roof.values.push_back(bytesPerSecond);
  }
  Output out(STDOUT_FILENO, "standard output");
  out.write(json ? reportJson(model, options, measured, times)
                 : reportText(model, options, measured) + kernelsText(times));
  return out.finish();
}

} // namespace gemmac::runtime
