#include "compiler/driver/MemoryLimit.h"

#include "compiler/driver/UsageError.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FormatVariadic.h"

#include <cstring>
#include <optional>

using namespace mlir;

namespace gemmac {

uint64_t mappedTokenizerBytes(llvm::StringRef table) {
  gemmac_tokenizer header;
  if (table.size() < sizeof(header))
    return table.size();
  std::memcpy(&header, table.data(), sizeof(header));
  return std::min<uint64_t>(header.merges, table.size());
}

Planner plannerOf(ModuleOp fused, uint64_t mappedTokenizer) {
  return [fused, mappedTokenizer](const CompileOptions &options) mutable -> llvm::Expected<ProgramSummary> {
    ScopedDiagnosticHandler quiet(fused.getContext(), [](Diagnostic &) { return success(); });
    OwningOpRef<ModuleOp> copy = fused.clone();
    PassManager manager(fused.getContext());
    findPhase("quantize")->build(manager, options);
    findPhase("plan")->build(manager, options);
    if (failed(manager.run(*copy)))
      return llvm::createStringError("these options cannot be planned");
    llvm::Expected<ProgramSummary> summary = summarizeProgram(*copy, {});
    if (summary)
      summary->memory.tokenizer = mappedTokenizer;
    return summary;
  };
}

namespace {

/// A change of the options, as one would type it.
struct Change {
  std::string text;
  uint64_t resident;
};

class Advisor {
public:
  Advisor(const CompileOptions &options, const Planner &plan) : asked(options), smallest(options), plan(plan) {}

  /// The mildest of each kind of change that fits by itself.
  std::vector<Change> singleChanges() {
    std::vector<Change> fitting;
    for (auto kind : {&Advisor::lessContext, &Advisor::smallerChunk, &Advisor::smallerCache, &Advisor::smallerWeights,
                      &Advisor::smallerEmbeddings})
      if (std::optional<Change> change = (this->*kind)())
        fitting.push_back(*change);
    return fitting;
  }

  /// All changes together, each as far as it goes; call it afterwards.
  std::optional<Change> allChanges() {
    std::optional<uint64_t> resident = residentWith(smallest);
    return resident ? std::optional(Change{smallestText, *resident}) : std::nullopt;
  }

private:
  std::optional<uint64_t> residentWith(const CompileOptions &options) {
    llvm::Expected<ProgramSummary> summary = plan(options);
    if (summary)
      return residentBytes(*summary);
    llvm::consumeError(summary.takeError());
    return std::nullopt;
  }

  /// Tries `values` from mild to strong with `set`, and returns the first that fits. The strongest that can be planned
  /// goes into `smallest`.
  template <typename Value, typename Set, typename Name>
  std::optional<Change> firstThatFits(const char *option, const std::vector<Value> &values, Set set, Name name) {
    std::optional<Change> fitting;
    std::optional<Value> strongest;
    for (const Value &value : values) {
      CompileOptions changed = asked;
      set(changed, value);
      std::optional<uint64_t> resident = residentWith(changed);
      if (!resident)
        continue;
      strongest = value;
      if (*resident <= asked.maxResident && !fitting)
        fitting = Change{llvm::formatv("{0} {1}", option, name(value)), *resident};
    }
    if (strongest) {
      set(smallest, *strongest);
      smallestText += llvm::formatv("{0}{1} {2}", smallestText.empty() ? "" : " ", option, name(*strongest));
    }
    return fitting;
  }

  std::optional<Change> halved(const char *option, int64_t from, int64_t least, int64_t &(*field)(CompileOptions &)) {
    std::vector<int64_t> values;
    for (int64_t value = from / 2; value >= least; value /= 2)
      values.push_back(value);
    return firstThatFits(
        option, values,
        [&](CompileOptions &options, int64_t value) {
          field(options) = value;
          options.plan.chunk = std::min(options.plan.chunk, options.plan.context);
        },
        [](int64_t value) { return value; });
  }

  std::optional<Change> lessContext() {
    return halved("--context", asked.plan.context, 256,
                  [](CompileOptions &options) -> int64_t & { return options.plan.context; });
  }
  std::optional<Change> smallerChunk() {
    return halved("--chunk", asked.plan.chunk, 16,
                  [](CompileOptions &options) -> int64_t & { return options.plan.chunk; });
  }

  /// Formats with fewer bits than `format`, most bits first.
  static std::vector<WeightFormat> below(WeightFormat format, bool quantizedOnly) {
    std::vector<WeightFormat> formats;
    for (const FormatInfo &info : formatTable)
      if (info.bits < formatInfo(format).bits && (info.quantized || !quantizedOnly))
        formats.push_back(info.format);
    llvm::stable_sort(formats, [](auto a, auto b) { return formatInfo(a).bits > formatInfo(b).bits; });
    return formats;
  }
  static llvm::StringRef nameOf(WeightFormat format) { return formatInfo(format).name; }

  std::optional<Change> smallerCache() {
    auto set = [](CompileOptions &options, WeightFormat format) {
      options.plan.cacheFormat = static_cast<gemma::Format>(format);
    };
    return firstThatFits("--cache", below(static_cast<WeightFormat>(asked.plan.cacheFormat), false), set, nameOf);
  }
  std::optional<Change> smallerWeights() {
    auto set = [](CompileOptions &options, WeightFormat format) { options.formats.weights = format; };
    return firstThatFits("--weights", below(asked.formats.weights, true), set, nameOf);
  }
  std::optional<Change> smallerEmbeddings() {
    auto set = [](CompileOptions &options, WeightFormat format) { options.formats.embeddings = format; };
    return firstThatFits("--embeddings", below(asked.formats.embeddings.value_or(WeightFormat::F32), true), set, nameOf);
  }

  const CompileOptions &asked;
  CompileOptions smallest;
  std::string smallestText;
  const Planner &plan;
};

} // namespace

static std::string bothUnits(uint64_t bytes) { return llvm::formatv("{0} ({1} bytes)", formatBytes(bytes), bytes); }

llvm::Error checkMemoryLimit(const CompileOptions &options, const ProgramSummary &summary, const Planner &plan) {
  uint64_t resident = residentBytes(summary);
  if (options.maxResident == 0 || resident <= options.maxResident)
    return llvm::Error::success();
  std::string text = llvm::formatv("--max-rss: error: the program would keep {0} resident, more than {1}: {2}",
                                   bothUnits(resident), bothUnits(options.maxResident), residentText(summary));
  Advisor advisor(options, plan);
  std::vector<Change> changes = advisor.singleChanges();
  for (const Change &change : changes)
    text += llvm::formatv("\n  {0,-20} would fit: {1}", change.text, bothUnits(change.resident));
  if (std::optional<Change> all = advisor.allChanges(); all && changes.empty())
    text += llvm::formatv("\n  no single change is enough; {0} would {1}: {2}", all->text,
                          all->resident <= options.maxResident ? "fit" : "be the least, and too much",
                          bothUnits(all->resident));
  return llvm::make_error<UsageError>(text);
}

} // namespace gemmac
