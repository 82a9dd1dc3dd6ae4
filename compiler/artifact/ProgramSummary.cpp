// Reading the facts of a planned module.
#include "compiler/artifact/ProgramSummary.h"

#include "compiler/artifact/MemoryModel.h"
#include "dialects/Gemma/GemmaDialect.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace gemmac {

llvm::StringRef phaseName(unsigned phase) {
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
  return llvm::createStringError("planned module: error: " + message.str() + "; this is a defect of the plan stage");
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
  return llvm::Error::success();
}

/// The facts of gemma.program, which the plan stage has given all.
static llvm::Error readProgram(ModuleOp module, ProgramSummary &summary) {
  auto programs = module.getOps<gemma::ProgramOp>();
  if (programs.empty())
    return defect("no gemma.program");
  gemma::ProgramOp program = *programs.begin();
  summary.context = static_cast<int64_t>(program.getContext());
  summary.slots = static_cast<int64_t>(program.getSlots());
  summary.slotBytes = static_cast<int64_t>(program.getSlotBytes());
  for (auto [attribute, field] : {std::pair{program.getDataBytesAttrName(), &summary.weightBytes},
                                  {program.getMappedBytesAttrName(), &summary.mappedBytes},
                                  {program.getTableRowBytesAttrName(), &summary.tableRowBytes},
                                  {program.getActivationBitsAttrName(), &summary.activationBits},
                                  {program.getArenaBytesAttrName(), &summary.arenaBytes},
                                  {program.getScratchBytesAttrName(), &summary.scratchBytes}})
    if (llvm::Error error = readInteger(program->getAttrDictionary(), attribute, *field))
      return error;
  if (std::optional<uint64_t> moments = program.getMomentsAt())
    summary.moments = {*moments, program.getSlotBytes() - *moments};
  return llvm::Error::success();
}

/// The output "logits" gives the function's offset and the stride of all functions.
static llvm::Error readLogits(gemma::FunctionOp function, unsigned number, ProgramSummary &summary) {
  for (auto output : function.getBody().getOps<gemma::OutputOp>()) {
    if (output.getName() != "logits")
      continue;
    auto buffer = output.getBuffer().getDefiningOp<gemma::BufferOp>();
    if (!buffer.getOffset())
      return defect("the logits of function '" + phaseName(number) + "' have no offset");
    int64_t stride = buffer.getResult().getType().getRowBytes() / static_cast<int64_t>(sizeof(float));
    if (stride < summary.vocab || (summary.logitsStride != 0 && stride != summary.logitsStride))
      return defect("rows of logits of function '" + phaseName(number) + "' are " + llvm::Twine(stride) +
                    " values long, expected " + llvm::Twine(std::max(summary.logitsStride, summary.vocab)));
    summary.logitsStride = stride;
    summary.phases[number].logitsOffset = *buffer.getOffset();
  }
  if (phaseWantsLogits(number) != (summary.phases[number].logitsOffset >= 0))
    return defect("function '" + phaseName(number) + "' " +
                  (phaseWantsLogits(number) ? "has no output \"logits\"" : "has logits, expected none"));
  return llvm::Error::success();
}

static std::vector<StepSummary> readSteps(gemma::FunctionOp function) {
  std::vector<StepSummary> steps;
  for (auto mark : function.getBody().getOps<gemma::MarkOp>())
    steps.push_back({mark.getWhat().str(), mark.getMemory().value_or("").str(), static_cast<int64_t>(mark.getBytes())});
  return steps;
}

static llvm::Error readPhases(ModuleOp module, ProgramSummary &summary) {
  bool found[GEMMAC_PHASE_COUNT] = {};
  for (auto function : module.getOps<gemma::FunctionOp>()) {
    unsigned number = 0;
    while (number < GEMMAC_PHASE_COUNT && phaseName(number) != function.getSymName())
      ++number;
    if (number == GEMMAC_PHASE_COUNT)
      continue;
    found[number] = true;
    PhaseSummary &result = summary.phases[number];
    result.maxRows = static_cast<int64_t>(function.getMaxRows());
    result.steps = readSteps(function);
    result.barriers = function.countBarriers();
    DictionaryAttr attributes = function->getAttrDictionary();
    if (llvm::Error error = readInteger(attributes, function.getWeightBytesAttrName(), result.weightBytes))
      return error;
    if (llvm::Error error = readInteger(attributes, function.getMultiplyAddsAttrName(), result.multiplyAdds))
      return error;
    if (llvm::Error error = readLogits(function, number, summary))
      return error;
  }
  for (unsigned number = 0; number < GEMMAC_PHASE_COUNT; ++number)
    if (!found[number])
      return defect("no function '" + phaseName(number) + "'");
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

llvm::Expected<ProgramSummary> summarizeProgram(ModuleOp module, llvm::ArrayRef<PackedMatrix> matrices) {
  ProgramSummary summary;
  if (llvm::Error error = readModel(module, summary))
    return std::move(error);
  if (llvm::Error error = readProgram(module, summary))
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
    return defect("data_bytes of gemma.program is " + llvm::Twine(summary.weightBytes) + ", but '" +
                  matrices.back().name + "' ends at " + llvm::Twine(matrices.back().offset + matrices.back().bytes));
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
