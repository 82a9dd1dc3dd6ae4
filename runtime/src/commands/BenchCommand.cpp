// `PROG bench`: speed and memory of this program on this machine.
#include "commands/BenchMedia.h"
#include "commands/Commands.h"

#include "base/Clock.h"
#include "base/Files.h"
#include "base/Signals.h"
#include "base/Text.h"
#include "engine/Roof.h"
#include "generate/Scheduler.h"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <functional>
#include <sys/resource.h>
#include <unistd.h>

namespace gemmac::runtime {

// Random tokens: experts and embedding rows are then read as varied as text reads them. Same ids every time, others for
// each slot: sequences that say the same would share their experts.
static std::vector<int32_t> randomTokens(int64_t count, int64_t vocab, int64_t slot) {
  Random random(1 + static_cast<uint64_t>(slot));
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t &token : tokens)
    token = static_cast<int32_t>(random.next() % static_cast<uint64_t>(vocab));
  return tokens;
}

/// Adds the speed of `feed`, which feeds so many tokens.
static Status measure(int64_t tokens, Runs &speed, const std::function<Status()> &feed) {
  const double begin = monotonicSeconds();
  Status status = feed();
  if (status.ok())
    speed.values.push_back(static_cast<double>(tokens) / (monotonicSeconds() - begin));
  return status;
}

static Status decodeAll(Sequence &sequence, std::span<const int32_t> tokens) {
  Logits logits;
  for (int32_t token : tokens)
    if (Status status = sequence.decode(token, logits, &interruption()); !status.ok())
      return status;
  return {};
}

static Status verifyAll(Sequence &sequence, std::span<const int32_t> tokens, size_t rows) {
  Logits logits;
  for (; !tokens.empty(); tokens = tokens.subspan(rows))
    if (Status status = sequence.verify(tokens.first(rows), logits, &interruption()); !status.ok())
      return status;
  return {};
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

static bool encodesMedia(const BenchOptions &options) { return options.imageWidth > 0 || options.audioSeconds > 0; }

static Status checkOptions(const Engine &engine, const BenchOptions &options) {
  const int64_t mostVerified = engine.maxRows(engine.functions().verify);
  const int64_t verified = options.decodeTokens * options.verifyRows;
  const int64_t total = options.promptTokens + options.decodeTokens + verified;
  if (total == 0 && !encodesMedia(options))
    return {ExitCode::usage, "bench: -p and -n are both 0, so there is nothing to measure"};
  if (options.imageTokens > 0 && options.imageWidth == 0)
    return {ExitCode::usage, "bench: --image-tokens goes with --image WxH"};
  if (options.kernels && engine.functions().decode.steps.count == 0)
    return {ExitCode::usage, "bench: --kernels needs a program that was compiled with --profile"};
  if (options.verifyRows > 0 && options.decodeTokens == 0)
    return {ExitCode::usage, "bench: --verify compares with single tokens; give it some with -n"};
  if (options.verifyRows > mostVerified)
    return {ExitCode::usage, format("bench: --verify %lld: this program takes at most %lld rows",
                                    static_cast<long long>(options.verifyRows), static_cast<long long>(mostVerified))};
  if (!options.sequences.empty() && options.decodeTokens == 0)
    return {ExitCode::usage, "bench: --sequences compares how tokens are decoded; give it some with -n"};
  for (int64_t sequences : options.sequences)
    if (sequences > engine.slots())
      return {ExitCode::usage,
              format("bench: --sequences %lld: this program holds %lld at a time; compile it again with --slots %lld",
                     static_cast<long long>(sequences), static_cast<long long>(engine.slots()),
                     static_cast<long long>(sequences))};
  if (total > engine.context() - options.depth)
    return {ExitCode::context,
            format("bench: %lld + %lld tokens from position %lld on do not fit into the context of %lld",
                   static_cast<long long>(options.promptTokens),
                   static_cast<long long>(options.decodeTokens + verified), static_cast<long long>(options.depth),
                   static_cast<long long>(engine.context()))};
  return {};
}

static void startAt(Sequence &sequence, int64_t depth) {
  sequence.reset();
  if (depth > 0)
    sequence.pretendPosition(depth);
}

/// Feeds the prompt and the tokens after it in one sequence.
static Status measureAlone(Sequence &sequence, const BenchOptions &options, std::span<const int32_t> tokens,
                           Measurements &measured) {
  const auto prompt = tokens.first(static_cast<size_t>(options.promptTokens));
  const auto decoded = tokens.subspan(prompt.size(), static_cast<size_t>(options.decodeTokens));
  const auto verified = tokens.subspan(prompt.size() + decoded.size());
  startAt(sequence, options.depth);
  Status status;
  if (!prompt.empty())
    status = measure(options.promptTokens, measured.prefill, [&] { return sequence.prefill(prompt, &interruption()); });
  if (!decoded.empty() && status.ok())
    status = measure(options.decodeTokens, measured.decode, [&] { return decodeAll(sequence, decoded); });
  if (verified.empty() || !status.ok())
    return status;
  status = measure(static_cast<int64_t>(verified.size()), measured.verify,
                   [&] { return verifyAll(sequence, verified, static_cast<size_t>(options.verifyRows)); });
  if (status.ok())
    measured.verifyTime.values.push_back(static_cast<double>(options.verifyRows) * measured.decode.values.back() /
                                         measured.verify.values.back());
  return status;
}

namespace {
/// Hears of nothing.
struct Nobody : Listener {
  bool on(const Event &) override { return true; }
};

/// A sequence that decodes given tokens.
struct Decoding {
  Decoding(Sequence &sequence, Sampler &sampler, std::span<const int32_t> tokens)
      : request{sequence, tokens.first(1), sampler, nobody, result} {
    request.given = tokens;
    request.cancel = &interruption();
  }
  Nobody nobody;
  Generation result;
  Request request;
};

/// What a slot that is measured feeds; kept over all rounds: memory that a round touched is there in the next.
struct Slot {
  Slot(Engine &engine, int64_t slot, std::vector<int32_t> tokens) : sequence(engine, slot), tokens(std::move(tokens)) {}
  Sequence sequence;
  std::vector<int32_t> tokens; ///< of the prompt, then those that are decoded alone, then those of --verify
};
using Slots = std::deque<Slot>;
} // namespace

static Status runTogether(Scheduler &scheduler, const std::deque<Decoding> &all) {
  while (!scheduler.idle())
    scheduler.step();
  for (const Decoding &one : all)
    if (!one.result.status.ok())
      return one.result.status;
  return interruptRequested() ? Status(ExitCode::interrupted, "") : Status();
}

/// Feeds so many sequences a prompt each, then decodes all of them together.
static Status measureTogether(Model &model, const BenchOptions &options, Slots &slots, SideBySide &measured) {
  Sampler sampler(model.program.vocab, {}, {});
  Scheduler scheduler(model, model.engine());
  std::deque<Decoding> all;
  for (int64_t number = 0; number < measured.sequences; ++number) {
    auto &[sequence, own] = slots[static_cast<size_t>(number)];
    const auto prompt = std::span(own).first(static_cast<size_t>(options.promptTokens));
    startAt(sequence, options.depth);
    if (Status status = sequence.prefill(prompt, &interruption()); !status.ok())
      return status;
    // The first token also stands behind the prompt, so that as many are fed as there are.
    all.emplace_back(sequence, sampler,
                     std::span(own).subspan(prompt.size(), static_cast<size_t>(options.decodeTokens)));
    if (Status status = scheduler.add(all.back().request); !status.ok())
      return status;
  }
  return measure(measured.sequences * options.decodeTokens, measured.speed,
                 [&] { return runTogether(scheduler, all); });
}

static Status measureRound(Model &model, const BenchOptions &options, Slots &slots, BenchMedia &media,
                           Measurements &measured) {
  if (Status status = measureAlone(slots[0].sequence, options, slots[0].tokens, measured); !status.ok())
    return status;
  for (SideBySide &one : measured.sideBySide)
    if (Status status = measureTogether(model, options, slots, one); !status.ok())
      return status;
  return media.measure(slots[0].sequence, measured.media);
}

static void measureRoof(CpuEngine &cpu, const BenchOptions &options, Measurements &measured) {
  const std::span<const uint8_t> weights = cpu.mappedWeights();
  const int64_t read = std::min(cpu.functions().decode.weight_bytes, static_cast<int64_t>(weights.size()));
  for (int64_t round = 0; round <= options.repetitions; ++round) {
    const double bytesPerSecond = readBandwidth(cpu.threadPool(), weights.data(), read);
    if (round > 0)
      measured.roof.values.push_back(bytesPerSecond);
  }
}

Status runBench(Model &model, const BenchOptions &options, bool json) {
  if (Status status = checkOptions(model.engine(), options); !status.ok())
    return status;
  BenchMedia media(model, options);
  if (Status status = media.prepare(); !status.ok())
    return status;
  const int64_t count = options.promptTokens + options.decodeTokens * (1 + options.verifyRows);
  Measurements measured;
  for (int64_t sequences : options.sequences)
    measured.sideBySide.push_back({sequences, {}});
  Measurements warmUp = measured;
  Slots slots;
  for (int64_t slot = 0; slot < mostSequences(options); ++slot)
    slots.emplace_back(model.engine(), slot, randomTokens(count, model.program.vocab, slot));
  StepTimes times(model.program);
  // One round more than counted: the first one reads the weights from disk.
  for (int64_t round = 0; round <= options.repetitions; ++round) {
    model.cpu.countSteps(options.kernels && round > 0 ? &times : nullptr);
    if (Status status = measureRound(model, options, slots, media, round == 0 ? warmUp : measured); !status.ok())
      return status;
  }
  // Before reading for the roof, which in a mixture of experts reads other weights than the tokens above did.
  measured.peakResidentBytes = peakResidentBytes();
  if (options.roof)
    measureRoof(model.cpu, options, measured);
  Output out(STDOUT_FILENO, "standard output");
  out.write(json ? benchJson(model, options, measured, times) : benchText(model, options, measured, times));
  return out.finish();
}

} // namespace gemmac::runtime
