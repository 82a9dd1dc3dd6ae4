#include "compiler/choose/MemoryLimit.h"

#include "compiler/artifact/MemoryModel.h"
#include "compiler/artifact/SummaryText.h"
#include "compiler/base/ByteSize.h"
#include "compiler/base/Errors.h"
#include "compiler/pipeline/Stages.h"
#include "dialects/formats/CacheLayout.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FormatVariadic.h"

#include <optional>

using namespace mlir;

namespace gemmac {

llvm::Expected<OwningOpRef<ModuleOp>> planCopy(ModuleOp fused, const CompileOptions &options) {
  ScopedDiagnosticHandler quiet(fused.getContext(), [](Diagnostic &) { return success(); });
  OwningOpRef<ModuleOp> copy = fused.clone();
  PassManager manager(fused.getContext());
  stageInfo(Stage::quantize).build(manager, options);
  stageInfo(Stage::plan).build(manager, options);
  if (failed(manager.run(*copy)))
    return llvm::createStringError("these options cannot be planned");
  return copy;
}

Planner plannerOf(ModuleOp fused, uint64_t tokenizerBytes) {
  return [fused, tokenizerBytes](const CompileOptions &options) -> llvm::Expected<ProgramSummary> {
    llvm::Expected<OwningOpRef<ModuleOp>> copy = planCopy(fused, options);
    if (!copy)
      return copy.takeError();
    llvm::Expected<ProgramSummary> summary = summarizeProgram(**copy, {}, options.target->stackBytes(**copy));
    if (summary)
      summary->memory.tokenizer = tokenizerBytes;
    return summary;
  };
}

namespace {

/// One step down: what one would type, and its effect.
struct Rung {
  std::string words;
  std::function<void(CompileOptions &)> apply;
};

/// A kind of change, mild to strong.
struct Ladder {
  bool open; ///< whether it may be used unasked
  std::vector<Rung> rungs;
};

/// For each ladder the number of the rung that is taken; `asked` is none.
using Position = std::vector<int>;
constexpr int asked = -1;

/// Those of `usable` with fewer bits than `from`, most bits first; of those with equal
/// bits the one that is named first.
template <typename Apply>
Ladder formatLadder(bool open, const char *option, Format from, llvm::ArrayRef<Format> usable, Apply apply) {
  std::vector<const FormatInfo *> formats;
  for (Format format : usable) {
    const FormatInfo &info = formatInfo(format);
    if (info.bits < formatInfo(from).bits &&
        llvm::none_of(formats, [&](const FormatInfo *other) { return other->bits == info.bits; }))
      formats.push_back(&info);
  }
  llvm::sort(formats, [](auto *a, auto *b) { return a->bits > b->bits; });
  Ladder ladder{open, {}};
  for (const FormatInfo *info : formats)
    ladder.rungs.push_back({(option + (" " + nameOf(info->format))).str(),
                            [apply, format = info->format](CompileOptions &options) { apply(options, format); }});
  return ladder;
}

template <typename Apply>
Ladder halvingLadder(bool open, const char *option, int64_t from, int64_t least, Apply apply) {
  Ladder ladder{open, {}};
  for (int64_t value = from / 2; value >= least; value /= 2)
    ladder.rungs.push_back(
        {llvm::formatv("{0} {1}", option, value), [apply, value](CompileOptions &options) { apply(options, value); }});
  return ladder;
}

/// Smaller pictures, though none smaller than checkpoints take unless a user says otherwise.
Ladder budgetLadder(bool open, int64_t from) {
  constexpr int64_t usualBudget = 280;
  Ladder ladder{open, {}};
  for (int64_t budget : llvm::reverse(imageBudgets))
    if (budget < from && budget >= usualBudget)
      ladder.rungs.push_back({llvm::formatv("--image-tokens {0}", budget),
                              [budget](CompileOptions &options) { options.plan.functions.imageTokens = budget; }});
  return ladder;
}

/// Towers in fewer bits, that of sounds along with that of pictures. A tower that was asked for in some format stays so
/// where the other is open. None has fewer than four: docs/quantization.md#towers measures no such loss.
Ladder towerLadder(const CompileOptions &options, const gemmac_memory &memory) {
  struct Tower {
    const char *option;
    bool exists, open;
    std::optional<Format> QuantizeOptions::*format;
  };
  const Tower towers[] = {
      {"--vision-weights", memory.weights_image > 0, options.open.visionWeights, &QuantizeOptions::vision},
      {"--audio-weights", memory.weights_audio > 0, options.open.audioWeights, &QuantizeOptions::audio}};
  const bool anyOpen = llvm::any_of(towers, [](const Tower &tower) { return tower.exists && tower.open; });
  const Format unasked = formatInfo(options.formats.weights).quantized ? towerFormatBesideQuantizedText : Format::F32;
  Ladder ladder{anyOpen, {}};
  for (Format format : {Format::Q12, Format::Q8, Format::Q6, Format::Q5, Format::Q4}) {
    std::string words;
    std::vector<std::optional<Format> QuantizeOptions::*> narrowed;
    for (const Tower &tower : towers) {
      Format from = (options.formats.*tower.format).value_or(unasked);
      if (!tower.exists || tower.open != anyOpen || formatInfo(format).bits >= formatInfo(from).bits)
        continue;
      words += (words.empty() ? "" : " ") + llvm::formatv("{0} {1}", tower.option, nameOf(format)).str();
      narrowed.push_back(tower.format);
    }
    if (!narrowed.empty())
      ladder.rungs.push_back({words, [narrowed, format](CompileOptions &changed) {
                                for (auto member : narrowed)
                                  changed.formats.*member = format;
                              }});
  }
  return ladder;
}

/// Of the formats of caches with and without a window the one with more bits: one for all saves from the next on.
Format widestCache(const PlanOptions &plan) {
  auto whole = plan.caches.format;
  auto sliding = plan.caches.slidingFormat.value_or(plan.caches.format);
  return formatInfo(sliding).bits > formatInfo(whole).bits ? sliding : whole;
}

/// In the order in which they are climbed: what costs least comes first. Nobody gets a shorter context unasked.
/// \param memory  of the program as it was asked for.
std::vector<Ladder> laddersFor(const CompileOptions &options, const gemmac_memory &memory) {
  constexpr int64_t leastChunk = 16, leastContext = 256;
  const OpenOptions &open = options.open;
  const bool takesMedia = gemmac_media_bytes(&memory, 1, 1, 1) > 0;
  auto setChunk = [](CompileOptions &changed, int64_t value) { changed.plan.functions.chunk = value; };
  auto setCache = [](CompileOptions &changed, Format format) {
    changed.plan.caches.format = format;
    changed.plan.caches.slidingFormat.reset();
  };
  auto setEmbeddings = [](CompileOptions &changed, Format format) { changed.formats.embeddings = format; };
  auto setWeights = [](CompileOptions &changed, Format format) { changed.formats.weights = format; };
  auto setContext = [](CompileOptions &changed, int64_t value) {
    changed.plan.caches.context = value;
    changed.plan.functions.chunk = std::min(changed.plan.functions.chunk, value);
  };
  return {halvingLadder(open.chunk, "--chunk", options.plan.functions.chunk, leastChunk, setChunk),
          budgetLadder(open.imageTokens, takesMedia ? options.plan.functions.imageTokens : 0),
          formatLadder(open.cache, "--cache", widestCache(options.plan), cacheFormats, setCache),
          towerLadder(options, memory),
          formatLadder(open.embeddings, "--embeddings", options.formats.embeddings.value_or(Format::F32),
                       choosableFormats, setEmbeddings),
          formatLadder(open.weights, "--weights", options.formats.weights, choosableFormats, setWeights),
          halvingLadder(false, "--context", options.plan.caches.context, leastContext, setContext)};
}

class Climber {
public:
  Climber(const CompileOptions &options, const Planner &plan, const gemmac_memory &memory)
      : options(options), plan(plan), ladders(laddersFor(options, memory)) {}

  Position start() const { return Position(ladders.size(), asked); }
  size_t size() const { return ladders.size(); }
  bool isOpen(size_t ladder) const { return ladders[ladder].open; }

  /// The mildest position that fits, on the ladders that `allowed` accepts. When there is none, `strongest` gets the
  /// position with the least memory.
  std::optional<Position> climb(llvm::function_ref<bool(size_t)> allowed, Position &strongest) {
    Position position = start();
    for (size_t ladder = 0; ladder < size(); ++ladder) {
      if (!allowed(ladder))
        continue;
      if (ascend(ladder, position))
        return relaxed(position, ladder);
    }
    strongest = position;
    return std::nullopt;
  }

  CompileOptions optionsAt(const Position &position) const {
    CompileOptions changed = options;
    for (auto [ladder, rung] : llvm::zip(ladders, position))
      if (rung != asked)
        ladder.rungs[rung].apply(changed);
    return changed;
  }

  std::string words(const Position &position) const {
    std::string text;
    for (auto [ladder, rung] : llvm::zip(ladders, position))
      if (rung != asked)
        text += (text.empty() ? "" : " ") + ladder.rungs[rung].words;
    return text;
  }

  /// Nothing when these options cannot be planned.
  std::optional<uint64_t> resident(const Position &position) const {
    llvm::Expected<ProgramSummary> summary = plan(optionsAt(position));
    if (summary)
      return residentBytes(*summary);
    llvm::consumeError(summary.takeError());
    return std::nullopt;
  }

private:
  /// Moves `position` up one ladder until it fits, or else to the top that can be planned.
  bool ascend(size_t ladder, Position &position) const {
    for (size_t rung = 0; rung < ladders[ladder].rungs.size(); ++rung) {
      Position tried = position;
      tried[ladder] = static_cast<int>(rung);
      std::optional<uint64_t> bytes = resident(tried);
      if (!bytes)
        continue;
      position = std::move(tried);
      if (*bytes <= options.maxResident)
        return true;
    }
    return false;
  }

  /// Takes back what a position does on the ladders before `last`, the harshest first, as far as it still fits.
  Position relaxed(Position position, size_t last) const {
    for (size_t ladder = last; ladder-- > 0;)
      for (int rung = asked; rung < position[ladder]; ++rung) {
        Position tried = position;
        tried[ladder] = rung;
        std::optional<uint64_t> bytes = resident(tried);
        if (bytes && *bytes <= options.maxResident) {
          position = std::move(tried);
          break;
        }
      }
    return position;
  }

  const CompileOptions &options;
  const Planner &plan;
  std::vector<Ladder> ladders;
};

} // namespace

/// What the user could give up: for each thing that was asked for, together with what was left open.
static std::string advice(Climber &climber) {
  std::string text;
  auto offer = [&](const Position &position, const char *what) {
    text += llvm::formatv("\n  {0} {1}: {2}", climber.words(position), what,
                          bothUnits(climber.resident(position).value_or(0)));
  };
  Position strongest;
  for (size_t closed = 0; closed < climber.size(); ++closed)
    if (!climber.isOpen(closed))
      if (auto fit = climber.climb([&](size_t other) { return other == closed || climber.isOpen(other); }, strongest))
        offer(*fit, "would fit");
  if (!text.empty())
    return text;
  if (std::optional<Position> fit = climber.climb([](size_t) { return true; }, strongest))
    offer(*fit, "would fit");
  else
    offer(strongest, "would be the least, and too much");
  return text;
}

/// What the program would take without its towers, with the changes that then make it fit if there are any; empty where
/// it has none.
static std::string adviceOnTowers(const CompileOptions &options, const Planner &plan, uint64_t resident) {
  if (!options.plan.functions.encoders)
    return "";
  CompileOptions text = options;
  text.plan.functions.encoders = false;
  llvm::Expected<MemoryFit> fit = fitMemoryLimit(text, plan);
  const bool fits = static_cast<bool>(fit);
  if (!fit)
    llvm::consumeError(fit.takeError());
  llvm::Expected<ProgramSummary> summary = plan(fits ? fit->options : text);
  if (!summary) {
    llvm::consumeError(summary.takeError());
    return "";
  }
  uint64_t bytes = residentBytes(*summary);
  if (bytes >= resident)
    return "";
  std::string words = fits && !fit->changes.empty() ? " " + fit->changes : "";
  return llvm::formatv("\n  --without image,audio{0} would {1}: {2}", words, fits ? "fit" : "take", bothUnits(bytes));
}

llvm::Expected<MemoryFit> fitMemoryLimit(const CompileOptions &options, const Planner &plan) {
  if (options.maxResident == 0)
    return MemoryFit{options, {}};
  llvm::Expected<ProgramSummary> summary = plan(options);
  if (!summary) { // the stages will say why
    llvm::consumeError(summary.takeError());
    return MemoryFit{options, {}};
  }
  uint64_t resident = residentBytes(*summary);
  if (resident <= options.maxResident)
    return MemoryFit{options, {}};
  Climber climber(options, plan, summary->memory);
  Position strongest;
  if (auto fit = climber.climb([&](size_t ladder) { return climber.isOpen(ladder); }, strongest))
    return MemoryFit{climber.optionsAt(*fit), climber.words(*fit)};
  return llvm::make_error<UsageError>(
      llvm::formatv("--max-rss: error: the program would keep {0} resident, more than {1}: {2}{3}", bothUnits(resident),
                    bothUnits(options.maxResident), residentText(*summary),
                    advice(climber) + adviceOnTowers(options, plan, resident))
          .str());
}

} // namespace gemmac
