#include "compiler/choose/AutoWeights.h"

#include "compiler/artifact/MemoryModel.h"
#include "compiler/base/ByteSize.h"
#include "compiler/base/Errors.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <utility>

using namespace mlir;

namespace gemmac {

llvm::Expected<MemoryFit> fitMemoryForAuto(const CompileOptions &options, const Planner &planner) {
  for (Format format : {Format::Q4, Format::Q3, Format::Q2}) {
    CompileOptions tried = options;
    tried.open.weights = tried.open.embeddings = false;
    tried.formats.weights = format;
    if (format == Format::Q2) // the narrowest that the search can choose
      for (std::optional<Format> *table : {&tried.formats.embeddings, &tried.formats.perLayerTable})
        *table = table->value_or(format);
    llvm::Expected<MemoryFit> fit = fitMemoryLimit(tried, planner);
    if (fit) {
      QuantizeOptions fitted = std::exchange(fit->options.formats, options.formats);
      fit->options.formats.vision = fitted.vision;
      fit->options.formats.audio = fitted.audio;
      return fit;
    }
    if (format == Format::Q2)
      return usageError("{0}\n  this is with every matrix that --weights auto chooses for in q2, the narrowest",
                        llvm::toString(fit.takeError()));
    llvm::consumeError(fit.takeError());
  }
  llvm_unreachable("the last format returns");
}

QuantizeOptions AutoWeights::widestFormats() const {
  QuantizeOptions widest = options.formats;
  widest.weights = Format::Q8;
  widest.choices.clear();
  for (std::optional<Format> *table : {&widest.embeddings, &widest.perLayerTable})
    *table = table->value_or(Format::Q8);
  return widest;
}

static llvm::Expected<std::vector<PackedMatrix>> plannedMatrices(ModuleOp fused, const CompileOptions &options,
                                                                 const QuantizeOptions &formats) {
  CompileOptions planned = options;
  planned.formats = formats;
  llvm::Expected<OwningOpRef<ModuleOp>> copy = planCopy(fused, planned);
  if (!copy)
    return copy.takeError();
  return packedMatrices(**copy);
}

/// The formats of the matrices when all open ones follow from `format`, as without --weights auto.
llvm::Expected<MatrixFormats> AutoWeights::uniform(Format format) const {
  QuantizeOptions formatsOfAll = options.formats;
  formatsOfAll.weights = format;
  formatsOfAll.choices.clear();
  llvm::Expected<std::vector<PackedMatrix>> matrices = plannedMatrices(fused, options, formatsOfAll);
  if (!matrices)
    return matrices.takeError();
  llvm::StringMap<Format> byName;
  for (const PackedMatrix &matrix : *matrices)
    byName[matrix.name] = matrix.format;
  MatrixFormats formats = open.widest();
  for (auto [item, matrix] : llvm::enumerate(open.items()))
    formats = open.changed(std::move(formats), item, byName.lookup(open.matrices()[matrix.matrices.front()].name));
  return formats;
}

llvm::Error AutoWeights::plan() {
  llvm::Expected<std::vector<PackedMatrix>> matrices = plannedMatrices(fused, options, widestFormats());
  if (!matrices)
    return matrices.takeError();
  llvm::StringMap<std::string> parts;
  for (const auto &entry : weightParts(fused, options.formats))
    if (entry.second.open)
      parts[entry.first()] = entry.second.name.str();
  open = OpenMatrices(std::move(*matrices), parts);
  if (open.items().empty())
    return usageError(
        "--weights: error: auto has nothing to choose: every matrix of the checkpoint is stored as integers with "
        "scales of whole rows, which are kept; --weights q8 keeps them too");
  llvm::Expected<MatrixFormats> q4 = uniform(Format::Q4);
  if (!q4)
    return q4.takeError();
  likeQ4 = std::move(*q4);
  FileParts least{0, tokenizerBytes}; // what code takes is not known yet
  bool fits = !options.maxFile || programBytes(least, open.bytes(open.narrowest())) <= options.maxFile;
  return fits ? llvm::Error::success() : tooLarge(least);
}

llvm::Error AutoWeights::learn(FormatMeter newMeter) {
  meter = std::move(newMeter);
  search.emplace(open, meter);
  if (llvm::Error error = search->learn())
    return error;
  return search->tryMix(nameOf(Format::Q4).str(), likeQ4);
}

llvm::Expected<uint64_t> AutoWeights::residentOf(const MatrixFormats &formats) const {
  CompileOptions planned = options;
  planned.formats.choices = open.choices(formats);
  llvm::Expected<ProgramSummary> summary = planner(planned);
  if (!summary)
    return summary.takeError();
  return residentBytes(*summary);
}

/// Without any limit the program is no larger than one in q4, in the file and in memory.
llvm::Expected<FormatBudget> AutoWeights::budgetFor(const FileParts &parts) const {
  FormatBudget budget;
  if (!options.maxFile && !options.maxResident)
    return FormatBudget{open.bytes(likeQ4), open.resident(likeQ4), {}};
  if (options.maxFile)
    budget.bytes = mostMatrixBytes(parts, options.maxFile);
  if (options.maxResident) {
    llvm::Expected<uint64_t> resident = residentOf(likeQ4);
    if (!resident)
      return resident.takeError();
    budget.resident =
        static_cast<int64_t>(options.maxResident) - static_cast<int64_t>(*resident) + open.resident(likeQ4);
  }
  return budget;
}

/// Formats also change working memory a little, so what was planned is looked at, and the budget made
/// smaller by what it is too much.
llvm::Expected<FormatMix> AutoWeights::withinBytes(const FileParts &parts) {
  constexpr int mostRounds = 4;
  llvm::Expected<FormatBudget> budget = budgetFor(parts);
  if (!budget)
    return budget.takeError();
  for (int round = 0; round < mostRounds; ++round) {
    llvm::Expected<FormatMix> mix = search->leastDivergence(*budget);
    if (!mix || !mix->fits || !options.maxResident)
      return mix;
    llvm::Expected<uint64_t> resident = residentOf(mix->formats);
    if (!resident)
      return resident.takeError();
    if (*resident <= options.maxResident)
      return mix;
    *budget->resident -= static_cast<int64_t>(*resident - options.maxResident);
  }
  return FormatMix{open.narrowest(), false};
}

llvm::Expected<AutoWeights::Choice> AutoWeights::choose(uint64_t elfBytes) {
  FileParts parts{elfBytes, tokenizerBytes};
  bool fewest = options.maxDivergence && !options.maxFile && !options.maxResident;
  llvm::Expected<FormatMix> mix = fewest ? search->fewestBytes(*options.maxDivergence) : withinBytes(parts);
  if (!mix)
    return mix.takeError();
  if (!mix->fits && !fewest)
    return tooLarge(parts);
  if (options.maxDivergence && mix->measured->divergence > *options.maxDivergence)
    return unreachable(*mix);
  Choice choice{open.choices(mix->formats),
                {search->trials(), open.parts(mix->formats), mix->predicted},
                open.trial("auto", mix->formats, *mix->measured)};
  return choice;
}

llvm::Error AutoWeights::tooLarge(const FileParts &parts) const {
  MatrixFormats narrowest = open.narrowest();
  uint64_t bytes = open.bytes(narrowest), file = programBytes(parts, bytes);
  const char *fixed = options.formats.embeddings || options.formats.perLayerTable
                          ? "\n  --embeddings and --per-layer-table were given; left open, they may have fewer bits"
                          : "";
  if (options.maxFile && file > options.maxFile)
    return usageError(
        "--max-size: error: even in the narrowest formats the program would take {0}{1}, more than {2}: {3}\n"
        "  this size is the least that fits{4}",
        bothUnits(file), parts.elf ? "" : " without its code", bothUnits(options.maxFile), fileText(parts, bytes),
        fixed);
  llvm::Expected<uint64_t> resident = residentOf(narrowest);
  if (!resident)
    return resident.takeError();
  return usageError(
      "--max-rss: error: even in the narrowest formats the program would keep {0} resident, more than {1}\n"
      "  this size is the least that fits; --context N of less would need less{2}",
      bothUnits(*resident), bothUnits(options.maxResident), fixed);
}

/// Says which size the divergence needs, or that no formats of the search have so little.
llvm::Error AutoWeights::unreachable(const FormatMix &best) const {
  double limit = *options.maxDivergence;
  std::string advice;
  FormatMix needed = search->solve(FormatGoal::fewestBytes, {.divergence = limit});
  const FormatTrial &widest = search->trials().front();
  if (needed.fits)
    advice = llvm::formatv("\n  it needs weights of about {0} ({1} resident), by prediction; --max-kld alone finds the "
                           "smallest program that keeps it",
                           formatBytes(open.bytes(needed.formats)), formatBytes(open.resident(needed.formats)));
  else
    advice = llvm::formatv("\n  with every matrix in its widest format (weights of {0}) it is {1:F6}, as measured; "
                           "--weights bf16 or f32 rounds less",
                           formatBytes(widest.bytes), widest.quality.divergence);
  return usageError(
      "--max-kld: error: the smallest KL divergence that was found{0} is {1:F6} (measured), more than {2}{3}",
      options.maxFile || options.maxResident ? " within the other limits" : "", best.measured->divergence, limit,
      advice);
}

llvm::Error AutoWeights::tooFarOff(const CompileOptions &options, const ProgramQuality &quality) {
  return usageError(
      "--max-kld: error: the program's KL divergence from the unquantized one is {0:F6}, more than {1}, measured on "
      "{2} tokens\n  --weights auto --max-kld {1} finds the smallest program that keeps it; wider --weights than {3} "
      "round less",
      quality.divergence, *options.maxDivergence, quality.tokens,
      options.chooseFormats ? "auto" : nameOf(options.formats.weights));
}

} // namespace gemmac
