#include "commands/BenchReport.h"

#include "base/Text.h"
#include "commands/BenchMedia.h"
#include "engine/MemoryLimit.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace gemmac::runtime {

double Runs::median() const {
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const size_t half = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

double Runs::lowest() const { return *std::min_element(values.begin(), values.end()); }

double Runs::highest() const { return *std::max_element(values.begin(), values.end()); }

int64_t mostSequences(const BenchOptions &options) {
  int64_t most = 1;
  for (int64_t sequences : options.sequences)
    most = std::max(most, sequences);
  return most;
}

static uint64_t predictedResidentBytes(const Model &model, const BenchOptions &options, const Measurements &measured) {
  // Beginning at a position fills the whole cache with zeros.
  int64_t positions = options.depth > 0 ? model.program.context
                                        : options.promptTokens + options.decodeTokens * (1 + options.verifyRows);
  bool image = false, audio = false;
  uint64_t frontEnd = 0;
  int64_t held = 0; // soft tokens at once: nothing is kept from one to the next
  for (const MediaRuns &one : measured.media) {
    positions = std::max(positions, one.tokens + 2);
    (std::string_view(one.function->name).starts_with(GEMMAC_ENCODE_IMAGE) ? image : audio) = true;
    frontEnd = std::max(frontEnd, one.frontEndBytes);
    held = std::max(held, one.tokens);
  }
  const uint64_t notHeld =
      measured.media.empty() || held >= GEMMAC_MEDIA_CACHE_ROWS
          ? 0
          : static_cast<uint64_t>((GEMMAC_MEDIA_CACHE_ROWS - held) * model.program.hidden) * sizeof(float);
  const int64_t threads = model.cpu.threads().poolSize();
  return residentBytes(model.program, threads, positions, mostSequences(options)) +
         mediaBytes(model.program, threads, image, audio) + frontEnd - notHeld;
}

static std::string describe(const char *name, const Runs &speed, int64_t tokens) {
  return format("%-8s %10.2f tokens/s  (%lld tokens, %zu runs, %.2f to %.2f)\n", name, speed.median(),
                static_cast<long long>(tokens), speed.values.size(), speed.lowest(), speed.highest());
}

static nlohmann::ordered_json toJson(const Runs &speed, int64_t tokens) {
  return {{"tokens", tokens}, {"tokens_per_second", speed.median()}, {"runs", speed.values}};
}

// Weights that a decoded token reads, per second; 0 when nothing was decoded.
static double weightBandwidth(const gemmac_function &decode, const Measurements &measured) {
  return measured.decode.empty() ? 0 : measured.decode.median() * static_cast<double>(decode.weight_bytes);
}

static std::vector<const gemmac_function *> measuredFunctions(const Model &model, const Measurements &measured) {
  const auto &[decode, verify, prefill, block] = model.engine().functions();
  std::vector<const gemmac_function *> functions;
  for (auto [function, runs] :
       {std::pair{&decode, &measured.decode}, {&verify, &measured.verify}, {&prefill, &measured.prefill}})
    if (!runs->empty())
      functions.push_back(function);
  return functions;
}

static nlohmann::ordered_json kernelsJson(const gemmac_program &program, const StepTimes &times) {
  auto functions = nlohmann::ordered_json::object();
  for (const gemmac_function &function : functionsOf(program)) {
    const auto calls = static_cast<double>(times.calls(function));
    if (calls == 0)
      continue;
    auto kernels = nlohmann::ordered_json::array();
    for (const StepTimes::Kernel &kernel : times.kernels(function))
      kernels.push_back({{"kernel", kernel.what},
                         {"steps", kernel.steps},
                         {"seconds_per_call", kernel.seconds / calls},
                         {"share", kernel.seconds / times.seconds(function)},
                         {"weight_bytes", kernel.weightBytes}});
    functions[function.name] = {{"calls", times.calls(function)},
                                {"seconds_per_call", times.seconds(function) / calls},
                                {"kernels", std::move(kernels)}};
  }
  return functions;
}

static std::string kernelsText(const gemmac_program &program, const StepTimes &times) {
  std::string text;
  for (const gemmac_function &function : functionsOf(program)) {
    const auto calls = static_cast<double>(times.calls(function));
    if (calls == 0)
      continue;
    text += format("\n%s: %.3f ms a call, %lld calls\n       ms   share   GB/s  steps  kernel\n", function.name,
                   times.seconds(function) / calls * 1e3, static_cast<long long>(times.calls(function)));
    for (const StepTimes::Kernel &kernel : times.kernels(function)) {
      const double seconds = kernel.seconds / calls;
      const bool reads = kernel.weightBytes > 0 && seconds > 0;
      text += format("%9.3f  %5.1f%%  %5s  %5lld  %s\n", seconds * 1e3, kernel.seconds / times.seconds(function) * 100,
                     reads ? format("%.1f", static_cast<double>(kernel.weightBytes) / seconds / 1e9).c_str() : "",
                     static_cast<long long>(kernel.steps), kernel.what.c_str());
    }
  }
  return text;
}

static double each(const SideBySide &one) { return one.speed.median() / static_cast<double>(one.sequences); }

static nlohmann::ordered_json sideBySideJson(const Model &model, const Measurements &measured) {
  auto all = nlohmann::ordered_json::array();
  for (const SideBySide &one : measured.sideBySide)
    all.push_back({{"sequences", one.sequences},
                   {"tokens_per_second", one.speed.median()},
                   {"tokens_per_second_each", each(one)},
                   {"runs", one.speed.values},
                   {"kv_cache_bytes", static_cast<uint64_t>(one.sequences) * model.engine().memory().slot}});
  return all;
}

static std::string sideBySideText(const Model &model, const Measurements &measured) {
  std::string text;
  for (const SideBySide &one : measured.sideBySide)
    text += format("together %10.2f tokens/s  (%lld sequence%s, %.2f each; KV caches of %s at most)\n",
                   one.speed.median(), static_cast<long long>(one.sequences), one.sequences == 1 ? "" : "s", each(one),
                   formatBytes(static_cast<uint64_t>(one.sequences) * model.engine().memory().slot).c_str());
  return text;
}

std::string benchJson(const Model &model, const BenchOptions &options, const Measurements &measured,
                      const StepTimes &times) {
  const gemmac_program &program = model.program;
  const gemmac_function &decode = model.engine().functions().decode;
  nlohmann::ordered_json object = {{"model", program.name},
                                   {"target", program.target},
                                   {"weights", program.weights},
                                   {"level", model.cpu.level().name},
                                   {"threads", model.cpu.threads().poolSize()},
                                   {"chunk", model.engine().maxRows(model.engine().functions().prefill)},
                                   {"depth", options.depth}};
  object["processors"] = {{"allowed", model.cpu.processors().allowed}, {"usable", model.cpu.processors().usable}};
  if (std::isfinite(model.cpu.processors().quota))
    object["processors"]["quota"] = model.cpu.processors().quota;
  for (const gemmac_function *function : measuredFunctions(model, measured))
    object["threads_by_phase"][function->name] = {{"threads", model.cpu.threads().threads(*function)},
                                                  {"reason", model.cpu.threads().reason(*function)}};
  if (!measured.prefill.empty())
    object["prefill"] = toJson(measured.prefill, options.promptTokens);
  if (!measured.decode.empty()) {
    object["decode"] = toJson(measured.decode, options.decodeTokens);
    object["decode"]["weight_bytes_per_token"] = decode.weight_bytes;
    object["decode"]["weight_gigabytes_per_second"] = weightBandwidth(decode, measured) / 1e9;
  }
  if (!measured.verify.empty()) {
    object["verify"] = toJson(measured.verify, options.decodeTokens * options.verifyRows);
    object["verify"]["rows"] = options.verifyRows;
    object["verify"]["time_against_one_row"] = measured.verifyTime.median();
  }
  if (!measured.sideBySide.empty())
    object["side_by_side"] = sideBySideJson(model, measured);
  if (!measured.media.empty())
    object["media"] = mediaJson(measured.media);
  if (!measured.roof.empty())
    object["roof"] = {{"bytes_per_second", measured.roof.median()}, {"runs", measured.roof.values}};
  if (options.kernels)
    object["kernels"] = kernelsJson(program, times);
  object["kv_cache_bytes"] = program.slots * program.slot_bytes;
  object["peak_resident_bytes"] = measured.peakResidentBytes;
  object["predicted_resident_bytes"] = predictedResidentBytes(model, options, measured);
  return object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string benchText(const Model &model, const BenchOptions &options, const Measurements &measured,
                      const StepTimes &times) {
  const gemmac_program &program = model.program;
  const gemmac_function &decode = model.engine().functions().decode;
  std::string text = format("%s, %s, %s, %lld threads", program.name, program.weights, model.cpu.level().name,
                            static_cast<long long>(model.cpu.threads().poolSize()));
  text += options.depth > 0 ? format(", from position %lld on\n", static_cast<long long>(options.depth)) : "\n";
  if (!measured.prefill.empty())
    text += describe("prefill", measured.prefill, options.promptTokens);
  if (!measured.decode.empty())
    text += describe("decode", measured.decode, options.decodeTokens);
  if (!measured.verify.empty())
    text += describe("verify", measured.verify, options.decodeTokens * options.verifyRows) +
            format("         a call with %lld rows takes %.2f times as long as one row\n",
                   static_cast<long long>(options.verifyRows), measured.verifyTime.median());
  text += sideBySideText(model, measured) + mediaText(measured.media);
  if (!measured.decode.empty())
    text +=
        format("weights  %s read per decoded token, %.2f GB/s; KV cache not counted, %s at most\n",
               formatBytes(static_cast<uint64_t>(decode.weight_bytes)).c_str(), weightBandwidth(decode, measured) / 1e9,
               formatBytes(static_cast<uint64_t>(program.slots * program.slot_bytes)).c_str());
  text += format("on       %s\n", model.cpu.processors().describe().c_str());
  for (const gemmac_function *function : measuredFunctions(model, measured))
    text +=
        format("threads  %s %lld: %s\n", function->name, static_cast<long long>(model.cpu.threads().threads(*function)),
               model.cpu.threads().reason(*function).c_str());
  if (!measured.roof.empty())
    text += format("roof     %.2f GB/s when nothing but read\n", measured.roof.median() / 1e9);
  text += format("memory   %s resident at the peak, mapped weights included; %s predicted\n",
                 formatBytes(measured.peakResidentBytes).c_str(),
                 formatBytes(predictedResidentBytes(model, options, measured)).c_str());
  return text + kernelsText(program, times);
}

} // namespace gemmac::runtime
