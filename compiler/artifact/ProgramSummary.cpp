// Reading the facts of a planned module, and showing them as JSON and as text.
#include "compiler/artifact/ProgramSummary.h"

#include "dialects/Gemma/GemmaDialect.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace gemmac {

static llvm::StringRef phaseName(unsigned phase) {
  static constexpr const char *names[] = {
#define GEMMAC_PHASE_NAME(id, name, logits, summary) name,
      GEMMAC_PHASES(GEMMAC_PHASE_NAME)
#undef GEMMAC_PHASE_NAME
  };
  return names[phase];
}

static bool phaseWantsLogits(unsigned phase) {
  static constexpr bool wanted[] = {
#define GEMMAC_PHASE_LOGITS(id, name, logits, summary) logits != 0,
      GEMMAC_PHASES(GEMMAC_PHASE_LOGITS)
#undef GEMMAC_PHASE_LOGITS
  };
  return wanted[phase];
}

static llvm::Error defect(const llvm::Twine &message) {
  return llvm::createStringError("planned module: error: " + message.str() + "; this is a defect of the plan phase");
}

static llvm::Error readInteger(DictionaryAttr attributes, llvm::StringRef name, int64_t &result) {
  auto attribute = attributes.getAs<IntegerAttr>(name);
  if (!attribute)
    return defect("no integer attribute '" + name + "'");
  result = attribute.getInt();
  return llvm::Error::success();
}

static llvm::Error readModel(ModuleOp module, ProgramSummary &summary) {
  auto model = module->getAttrOfType<DictionaryAttr>("gemma.model");
  if (!model)
    return defect("no attribute 'gemma.model'");
  if (auto name = model.getAs<StringAttr>("name"))
    summary.name = name.getValue().str();
  if (auto architecture = model.getAs<StringAttr>("architecture"))
    summary.architecture = architecture.getValue().str();
  for (auto [name, field] :
       {std::pair{"vocab", &summary.vocab}, {"hidden", &summary.hidden}, {"layers", &summary.layers}})
    if (llvm::Error error = readInteger(model, name, *field))
      return error;
  DictionaryAttr attributes = module->getAttrDictionary();
  for (auto [name, field] : {std::pair{"gemma.context", &summary.context},
                             {"gemma.data_bytes", &summary.weightBytes},
                             {"gemma.mapped_bytes", &summary.mappedBytes},
                             {"gemma.table_row_bytes", &summary.tableRowBytes},
                             {"gemma.activation_bits", &summary.activationBits},
                             {"gemma.arena_bytes", &summary.arenaBytes},
                             {"gemma.scratch_bytes", &summary.scratchBytes},
                             {"gemma.slot_bytes", &summary.slotBytes},
                             {"gemma.slots", &summary.slots}})
    if (llvm::Error error = readInteger(attributes, name, *field))
      return error;
  if (auto moments = attributes.getAs<IntegerAttr>("gemma.moments_offset")) {
    auto offset = static_cast<uint64_t>(moments.getInt());
    summary.moments = {offset, static_cast<uint64_t>(summary.slotBytes) - offset};
  }
  return llvm::Error::success();
}

/// The buffer labelled "logits" gives the phase's offset and the stride of all phases.
static llvm::Error readLogits(gemma::PhaseOp phase, unsigned number, ProgramSummary &summary) {
  for (auto buffer : phase.getBody().getOps<gemma::BufferOp>()) {
    if (buffer.getLabel() != llvm::StringRef("logits"))
      continue;
    if (!buffer.getOffset())
      return defect("the logits of phase '" + phaseName(number) + "' have no offset");
    int64_t stride = buffer.getResult().getType().getRowBytes() / static_cast<int64_t>(sizeof(float));
    if (stride < summary.vocab || (summary.logitsStride != 0 && stride != summary.logitsStride))
      return defect("rows of logits of phase '" + phaseName(number) + "' are " + llvm::Twine(stride) +
                    " values long, expected " + llvm::Twine(std::max(summary.logitsStride, summary.vocab)));
    summary.logitsStride = stride;
    summary.phases[number].logitsOffset = *buffer.getOffset();
  }
  if (phaseWantsLogits(number) != (summary.phases[number].logitsOffset >= 0))
    return defect("phase '" + phaseName(number) + "' " +
                  (phaseWantsLogits(number) ? "has no buffer labelled \"logits\"" : "has logits, expected none"));
  return llvm::Error::success();
}

static std::vector<StepSummary> readSteps(gemma::PhaseOp phase) {
  std::vector<StepSummary> steps;
  for (auto mark : phase.getBody().getOps<gemma::MarkOp>())
    steps.push_back({mark.getWhat().str(), mark.getMemory().value_or("").str(), static_cast<int64_t>(mark.getBytes())});
  return steps;
}

static llvm::Error readPhases(ModuleOp module, ProgramSummary &summary) {
  bool found[GEMMAC_PHASE_COUNT] = {};
  for (auto phase : module.getOps<gemma::PhaseOp>()) {
    auto number = static_cast<unsigned>(phase.getKind());
    found[number] = true;
    PhaseSummary &result = summary.phases[number];
    result.maxRows = phase.getMaxRows();
    result.steps = readSteps(phase);
    DictionaryAttr attributes = phase->getAttrDictionary();
    if (llvm::Error error = readInteger(attributes, "gemma.weight_bytes", result.weightBytes))
      return error;
    if (llvm::Error error = readInteger(attributes, "gemma.multiply_adds", result.multiplyAdds))
      return error;
    if (llvm::Error error = readInteger(attributes, "gemma.barriers", result.barriers))
      return error;
    if (llvm::Error error = readLogits(phase, number, summary))
      return error;
  }
  for (unsigned number = 0; number < GEMMAC_PHASE_COUNT; ++number)
    if (!found[number])
      return defect("no phase '" + phaseName(number) + "'");
  summary.chunk = summary.phases[GEMMAC_PHASE_PREFILL].maxRows;
  return llvm::Error::success();
}

static llvm::Error readTables(ModuleOp module, ProgramSummary &summary) {
  for (auto packed : module.getOps<gemma::PackedOp>()) {
    if (packed.getLayout() != Layout::Table)
      continue;
    if (!packed.getOffset() || !packed.getRowAt())
      return defect("table '" + packed.getSymName() + "' has no offset or no row_at");
    auto format = packed.getFormat();
    summary.tables.push_back({static_cast<uint64_t>(*packed.getOffset()),
                              static_cast<uint64_t>(panelBytes(format, 1, packed.getCols(), packed.getScaleBlocks())),
                              static_cast<uint64_t>(*packed.getRowAt())});
  }
  return llvm::Error::success();
}

/// Code and constants that a program touches of itself, and its heap. Measured: 2.1 to 2.9 MiB.
static constexpr uint64_t programMemory = 3 << 20;
/// What the sampler takes for each token of the vocabulary when all of its options are used
/// (runtime/src/generate/Sampler.h).
static constexpr uint64_t samplerMemory = sizeof(uint8_t) + 2 * sizeof(float) + sizeof(int32_t) + sizeof(double);
/// Stack that a thread touches, with what the C library keeps for it.
static constexpr uint64_t stackMemory = 32 << 10;

static void readMemory(ModuleOp module, ProgramSummary &summary) {
  gemmac_memory &memory = summary.memory;
  int64_t rows = 0;
  for (const PhaseSummary &phase : summary.phases)
    rows = std::max(rows, phase.maxRows);
  memory.program = programMemory + samplerMemory * static_cast<uint64_t>(summary.vocab);
  memory.weights = static_cast<uint64_t>(summary.mappedBytes);
  memory.working = static_cast<uint64_t>(summary.arenaBytes + rows * summary.tableRowBytes);
  memory.thread = static_cast<uint64_t>(summary.scratchBytes) + stackMemory;
  for (auto cache : module.getOps<gemma::KvCacheOp>()) {
    auto bytes = static_cast<uint64_t>(cache.getBytes().value_or(0)), capacity = cache.getCapacity().value_or(0);
    if (cache.getWindow() == 0 || static_cast<int64_t>(capacity) >= summary.context) {
      memory.whole_cache += bytes;
      continue;
    }
    memory.ring_cache += bytes;
    memory.ring_positions = std::max<uint64_t>(memory.ring_positions, capacity);
  }
}

uint64_t residentBytes(const ProgramSummary &summary) {
  auto context = static_cast<uint64_t>(summary.context);
  return gemmac_resident_bytes(&summary.memory, GEMMAC_CONTRACT_THREADS, static_cast<uint64_t>(summary.slots), context,
                               context);
}

llvm::Expected<ProgramSummary> summarizeProgram(ModuleOp module, llvm::ArrayRef<PackedMatrix> matrices) {
  ProgramSummary summary;
  if (llvm::Error error = readModel(module, summary))
    return std::move(error);
  if (llvm::Error error = readPhases(module, summary))
    return std::move(error);
  if (llvm::Error error = readTables(module, summary))
    return std::move(error);
  readMemory(module, summary);
  summary.caches = readCaches(module);
  summary.cacheFormat = cacheFormatText(summary.caches);
  for (const FormatInfo &info : formatTable) {
    FormatSummary row{info.format};
    for (const PackedMatrix &matrix : matrices)
      if (matrix.format == info.format)
        ++row.weights, row.values += matrix.valueCount(), row.bytes += matrix.bytes;
    if (row.weights != 0)
      summary.formats.push_back(row);
  }
  if (!matrices.empty() && matrices.back().offset + matrices.back().bytes > static_cast<uint64_t>(summary.weightBytes))
    return defect("gemma.data_bytes is " + llvm::Twine(summary.weightBytes) + ", but '" + matrices.back().name +
                  "' ends at " + llvm::Twine(matrices.back().offset + matrices.back().bytes));
  return summary;
}

void noteExactness(ProgramSummary &summary, llvm::ArrayRef<PackedMatrix> matrices, llvm::ArrayRef<PackCounts> counts) {
  for (FormatSummary &row : summary.formats)
    for (auto [matrix, count] : llvm::zip(matrices, counts))
      if (matrix.format == row.format && count.groups != 0) {
        row.exactWeights += count.exact == count.groups;
        row.groups.add(count);
      }
}

static void writePhases(llvm::json::OStream &json, const ProgramSummary &summary) {
  json.attributeArray("phases", [&] {
    for (unsigned number = 0; number < GEMMAC_PHASE_COUNT; ++number)
      json.object([&] {
        const PhaseSummary &phase = summary.phases[number];
        json.attribute("name", phaseName(number));
        json.attribute("max_rows", phase.maxRows);
        json.attribute("weight_bytes_per_row", phase.weightBytes);
        json.attribute("multiply_adds_per_row", phase.multiplyAdds);
        json.attribute("barriers", phase.barriers);
      });
  });
}

static void writeQuality(llvm::json::OStream &json, const ProgramQuality &quality) {
  json.attribute("kl", quality.divergence);
  json.attribute("top1", quality.agreement);
  json.attribute("tokens", quality.tokens);
}

static void writeChoice(llvm::json::OStream &json, const FormatChoiceSummary &choice) {
  json.attributeObject("auto", [&] {
    json.attribute("predicted_kl", choice.predicted);
    json.attributeArray("measured", [&] {
      for (const FormatTrial &trial : choice.trials)
        json.object([&] {
          json.attribute("weights", trial.name);
          json.attribute("bytes", trial.bytes);
          json.attribute("bits_per_weight", trial.bitsPerValue);
          writeQuality(json, trial.quality);
        });
    });
    json.attributeArray("parts", [&] {
      for (const PartSummary &row : choice.parts)
        json.object([&] {
          json.attribute("part", row.part);
          json.attributeObject("formats", [&] {
            for (const auto &[format, count] : row.weights)
              json.attribute(nameOf(format), count);
          });
        });
    });
  });
}

static void writeChat(llvm::json::OStream &json, const ChatSummary &chat) {
  json.attributeObject("chat", [&] {
    json.attribute("format", chat.format);
    if (chat.format == "none")
      return;
    json.attribute("takes_instructions", chat.takesInstructions);
    json.attribute("thinking_switch", chat.thinkingSwitch);
    json.attribute("thinks_by_default", chat.thinksByDefault);
    json.attribute("keeps_thoughts", chat.keepsThoughts);
    json.attributeArray("differences", [&] {
      for (const std::string &difference : chat.differences)
        json.value(llvm::json::fixUTF8(difference));
    });
  });
}

static std::string chatText(const ChatSummary &chat) {
  std::string text = chat.format == "none"       ? "none: the program continues texts"
                     : chat.format == "template" ? "as the checkpoint's own template has it"
                                                 : chat.format;
  if (chat.thinksByDefault)
    text += ", thinking unless --no-think is given";
  if (!chat.differences.empty())
    text += llvm::formatv("; {0} difference{1} from the template", chat.differences.size(),
                          chat.differences.size() == 1 ? "" : "s");
  return text;
}

std::string summaryJson(const ProgramSummary &summary) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::json::OStream json(os);
  json.object([&] {
    json.attribute("name", llvm::json::fixUTF8(summary.name));
    json.attribute("architecture", llvm::json::fixUTF8(summary.architecture));
    json.attribute("target", summary.target);
    json.attributeArray("levels", [&] {
      for (const std::string &level : summary.levels)
        json.value(level);
    });
    json.attribute("weights", summary.weights);
    json.attribute("activation_bits", summary.activationBits);
    json.attribute("cache", summary.cacheFormat);
    json.attribute("vocab", summary.vocab);
    json.attribute("hidden", summary.hidden);
    json.attribute("layers", summary.layers);
    json.attribute("context", summary.context);
    json.attribute("chunk", summary.chunk);
    json.attribute("slots", summary.slots);
    json.attributeObject("bytes", [&] {
      json.attribute("weights", summary.weightBytes);
      json.attribute("tokenizer", summary.tokenizerBytes);
      json.attribute("data", summary.dataBytes);
      json.attribute("arena", summary.arenaBytes);
      json.attribute("scratch_per_thread", summary.scratchBytes);
      json.attribute("kv_cache", summary.slots * summary.slotBytes);
      json.attribute("table_rows", summary.tableRowBytes);
    });
    json.attributeObject("resident", [&] {
      const gemmac_memory &memory = summary.memory;
      json.attribute("peak", residentBytes(summary));
      json.attribute("limit", memory.limit);
      json.attribute("changed", summary.memoryChanges);
      json.attribute("weights", memory.weights);
      json.attribute("kv_cache", memory.ring_cache + memory.whole_cache);
      json.attribute("working", memory.working);
      json.attribute("per_thread", memory.thread);
      json.attribute("threads", GEMMAC_CONTRACT_THREADS);
      json.attribute("tokenizer", memory.tokenizer);
      json.attribute("program", memory.program);
    });
    writeCaches(json, summary.caches);
    json.attributeArray("formats", [&] {
      for (const FormatSummary &row : summary.formats)
        json.object([&] {
          json.attribute("format", nameOf(row.format));
          json.attribute("weights", row.weights);
          json.attribute("values", row.values);
          json.attribute("bytes", row.bytes);
          if (row.groups.groups != 0) {
            json.attribute("exact_weights", row.exactWeights);
            json.attribute("groups", row.groups.groups);
            json.attribute("exact_groups", row.groups.exact);
          }
        });
    });
    if (!summary.rounding.empty())
      json.attribute("rounding", summary.rounding);
    if (summary.quality)
      json.attributeObject("quality", [&] { writeQuality(json, *summary.quality); });
    if (summary.choice)
      writeChoice(json, *summary.choice);
    writeChat(json, summary.chat);
    writePhases(json, summary);
  });
  return text;
}

std::string formatBytes(uint64_t bytes) {
  static constexpr const char *units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  unsigned unit = 0;
  for (; value >= 999.5 && unit < 4; ++unit)
    value /= 1024;
  const char *format = unit == 0 || value >= 99.95 ? "{0:F0} {1}" : value >= 9.995 ? "{0:F1} {1}" : "{0:F2} {1}";
  return llvm::formatv(format, value, units[unit]).str();
}

std::optional<uint64_t> parseBytes(llvm::StringRef text) {
  static constexpr std::pair<const char *, double> units[] = {
      {"", 1},     {"b", 1},    {"k", 1e3},   {"kb", 1e3},     {"m", 1e6},      {"mb", 1e6},     {"g", 1e9},
      {"gb", 1e9}, {"t", 1e12}, {"tb", 1e12}, {"kib", 1024.0}, {"mib", 0x1p20}, {"gib", 0x1p30}, {"tib", 0x1p40}};
  text = text.trim();
  llvm::StringRef number = text.take_while([](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  std::string unit = text.drop_front(number.size()).ltrim().lower();
  auto *found = llvm::find_if(units, [&](auto &known) { return unit == known.first; });
  double value = 0;
  if (found == std::end(units) || number.getAsDouble(value))
    return std::nullopt;
  value *= found->second;
  if (!(value >= 1) || value > 0x1p62)
    return std::nullopt;
  return static_cast<uint64_t>(value);
}

static std::string millions(int64_t count) {
  return llvm::formatv(count < 10'000'000 ? "{0:F2} M" : "{0:F0} M", static_cast<double>(count) / 1e6).str();
}

std::string residentText(const ProgramSummary &summary) {
  const gemmac_memory &memory = summary.memory;
  return llvm::formatv("weights {0}, KV cache {1}, working memory {2}, {3} threads {4}, tokenizer {5}, program {6}",
                       formatBytes(memory.weights),
                       formatBytes((memory.ring_cache + memory.whole_cache) * static_cast<uint64_t>(summary.slots)),
                       formatBytes(memory.working), GEMMAC_CONTRACT_THREADS,
                       formatBytes(memory.thread * GEMMAC_CONTRACT_THREADS), formatBytes(memory.tokenizer),
                       formatBytes(memory.program));
}

static std::string formatCounts(const PartSummary &row) {
  std::vector<std::pair<Format, int64_t>> formats(row.weights.begin(), row.weights.end());
  llvm::sort(formats, [](auto &a, auto &b) { return formatInfo(a.first).bits > formatInfo(b.first).bits; });
  std::string text;
  for (const auto &[format, count] : formats)
    text += llvm::formatv("{0}{1} in {2}", text.empty() ? "" : ", ", count, nameOf(format));
  return text;
}

static void printChoice(llvm::raw_ostream &os, const FormatChoiceSummary &choice) {
  os << llvm::formatv("\n  {0,-8}{1,13}{2,13}{3,15}{4,16}\n", "measured", "weights", "bits/weight", "KL divergence",
                      "likeliest same");
  for (const FormatTrial &trial : choice.trials)
    os << llvm::formatv("  {0,-8}{1,13}{2,13:F2}{3,15:F6}{4,14:F1} %\n", trial.name, formatBytes(trial.bytes),
                        trial.bitsPerValue, trial.quality.divergence, 100 * trial.quality.agreement);
  os << llvm::formatv("  auto (predicted KL divergence {0:F6}) has\n", choice.predicted);
  for (const PartSummary &row : choice.parts)
    os << llvm::formatv("    {0,-16}{1}\n", row.part, formatCounts(row));
}

std::string summaryText(const ProgramSummary &summary) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::formatv("{0}: {1} layers, {2} wide, vocabulary {3}\n", summary.name, summary.layers, summary.hidden,
                      summary.vocab);
  os << "target " << summary.target << ":";
  for (const std::string &level : summary.levels)
    os << " " << level;
  os << llvm::formatv("; context {0}, prompts in chunks of {1}", summary.context, summary.chunk);
  if (llvm::any_of(summary.formats, [](const FormatSummary &row) { return formatInfo(row.format).quantized; }))
    os << "; activations of " << summary.activationBits << " bits";
  os << "\n\n";
  os << llvm::formatv("  {0,-8}{1,9}{2,13}{3,13}{4,13}\n", "format", "weights", "values", "size", "bits/weight");
  for (const FormatSummary &row : summary.formats)
    os << llvm::formatv("  {0,-8}{1,9}{2,13}{3,13}{4,13:F2}\n", nameOf(row.format), row.weights, millions(row.values),
                        formatBytes(row.bytes), row.bitsPerValue());
  for (const FormatSummary &row : summary.formats)
    if (row.exactWeights != 0)
      os << llvm::formatv(
          "  {0} of {1} weights in {2} hold every value of the checkpoint exactly ({3:F2} % of the groups)\n",
          row.exactWeights, row.weights, nameOf(row.format),
          100.0 * static_cast<double>(row.groups.exact) / static_cast<double>(row.groups.groups));
  if (summary.quality)
    os << llvm::formatv(
        "\n  against the unquantized program, {0} tokens: KL divergence {1:F6}, likeliest token the same {2:F1} %\n",
        summary.quality->tokens, summary.quality->divergence, 100 * summary.quality->agreement);
  if (summary.choice)
    printChoice(os, *summary.choice);
  os << llvm::formatv("\n  weights {0}, tokenizer {1}\n", formatBytes(summary.weightBytes),
                      formatBytes(summary.tokenizerBytes));
  os << llvm::formatv("  memory beside the weights: arena {0}, KV cache {1} ({2}), scratch {3} per thread\n",
                      formatBytes(summary.arenaBytes), formatBytes(summary.slots * summary.slotBytes),
                      summary.cacheFormat, formatBytes(summary.scratchBytes));
  if (summary.slots > 1)
    os << llvm::formatv("  {0} slots for sequences, KV cache {1} each\n", summary.slots,
                        formatBytes(summary.slotBytes));
  os << "  resident at most " << formatBytes(residentBytes(summary)) << ": " << residentText(summary) << "\n";
  if (summary.memory.limit)
    os << "  limit " << formatBytes(summary.memory.limit)
       << (summary.memoryChanges.empty() ? "" : ", kept by " + summary.memoryChanges) << "\n";
  os << "  chat format " << chatText(summary.chat) << "\n\n";
  os << llvm::formatv("  {0,-8}{1,9}{2,19}{3,24}\n", "phase", "max rows", "weights read/row", "multiply-adds/row");
  for (unsigned number = 0; number < GEMMAC_PHASE_COUNT; ++number) {
    const PhaseSummary &phase = summary.phases[number];
    os << llvm::formatv("  {0,-8}{1,9}{2,19}{3,24}\n", phaseName(number), phase.maxRows, formatBytes(phase.weightBytes),
                        millions(phase.multiplyAdds));
  }
  return text;
}

} // namespace gemmac
