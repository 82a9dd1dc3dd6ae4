// Reading the facts of a planned module.
#include "compiler/artifact/ProgramSummary.h"

#include "compiler/artifact/MemoryModel.h"
#include "dialects/Gemma/GemmaDialect.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace gemmac {

const FunctionSummary &ProgramSummary::function(llvm::StringRef name) const {
  auto found = llvm::find_if(functions, [&](const FunctionSummary &one) { return one.name == name; });
  assert(found != functions.end() && "no function of that name");
  return *found;
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

/// The buffer labelled "logits" is the phase's output.
static llvm::Error readLogits(gemma::PhaseOp phase, const ProgramSummary &summary, FunctionSummary &result) {
  for (auto buffer : phase.getBody().getOps<gemma::BufferOp>()) {
    if (buffer.getLabel() != llvm::StringRef(GEMMAC_LOGITS))
      continue;
    if (!buffer.getOffset())
      return defect("the logits of phase '" + result.name + "' have no offset");
    auto rowBytes = static_cast<int64_t>(buffer.getResult().getType().getRowBytes());
    if (rowBytes < summary.vocab * static_cast<int64_t>(sizeof(float)))
      return defect("rows of logits of phase '" + result.name + "' are " + llvm::Twine(rowBytes) +
                    " bytes long, too few for a vocabulary of " + llvm::Twine(summary.vocab));
    result.outputs.push_back({GEMMAC_LOGITS, static_cast<int64_t>(*buffer.getOffset()), rowBytes, summary.vocab});
  }
  const bool wanted = result.name != GEMMAC_PREFILL;
  if (wanted != !result.outputs.empty())
    return defect("phase '" + result.name + "' " +
                  (wanted ? "has no buffer labelled \"logits\"" : "has logits, expected none"));
  return llvm::Error::success();
}

static std::vector<StepSummary> readSteps(gemma::PhaseOp phase) {
  std::vector<StepSummary> steps;
  for (auto mark : phase.getBody().getOps<gemma::MarkOp>())
    steps.push_back({mark.getWhat().str(), mark.getMemory().value_or("").str(), static_cast<int64_t>(mark.getBytes())});
  return steps;
}

static llvm::Error readPhases(ModuleOp module, ProgramSummary &summary) {
  for (auto phase : module.getOps<gemma::PhaseOp>()) {
    FunctionSummary &result = summary.functions.emplace_back();
    result.name = phase.getSymName().str();
    result.maxRows = phase.getMaxRows();
    result.steps = readSteps(phase);
    DictionaryAttr attributes = phase->getAttrDictionary();
    if (llvm::Error error = readInteger(attributes, "gemma.weight_bytes", result.weightBytes))
      return error;
    if (llvm::Error error = readInteger(attributes, "gemma.multiply_adds", result.multiplyAdds))
      return error;
    if (llvm::Error error = readInteger(attributes, "gemma.barriers", result.barriers))
      return error;
    if (llvm::Error error = readLogits(phase, summary, result))
      return error;
  }
  for (llvm::StringRef name : {GEMMAC_DECODE, GEMMAC_VERIFY, GEMMAC_PREFILL})
    if (llvm::none_of(summary.functions, [&](const FunctionSummary &one) { return one.name == name; }))
      return defect("no phase '" + name + "'");
  summary.chunk = summary.function(GEMMAC_PREFILL).maxRows;
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

llvm::Expected<ProgramSummary> summarizeProgram(ModuleOp module, llvm::ArrayRef<PackedMatrix> matrices) {
  ProgramSummary summary;
  if (llvm::Error error = readModel(module, summary))
    return std::move(error);
  if (llvm::Error error = readPhases(module, summary))
    return std::move(error);
  if (llvm::Error error = readTables(module, summary))
    return std::move(error);
  summary.memory = memoryOf(module, summary);
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

} // namespace gemmac
