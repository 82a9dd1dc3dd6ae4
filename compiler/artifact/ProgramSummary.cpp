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

/// Adds an input or output. Rows of logits have an element for each token; of others, the buffer's padding counts.
template <typename ValueOp>
static llvm::Error readValue(ValueOp value, const FunctionSummary &function, int64_t vocab,
                             std::vector<ValueSummary> &result) {
  auto buffer = value.getBuffer().template getDefiningOp<gemma::BufferOp>();
  const std::string what = ("'" + value.getName() + "' of function '" + function.name + "'").str();
  if (!buffer.getOffset())
    return defect(what + " has no offset");
  gemma::BufferType type = buffer.getResult().getType();
  if (type.getElement() != Element::F32 && type.getElement() != Element::I32)
    return defect(what + " has elements that are neither f32 nor i32");
  const bool isLogits = value.getName() == GEMMAC_LOGITS;
  if (isLogits && type.getWidth() < vocab)
    return defect(what + " is " + llvm::Twine(type.getWidth()) + " wide, too narrow for a vocabulary of " +
                  llvm::Twine(vocab));
  result.push_back({value.getName().str(), static_cast<int64_t>(*buffer.getOffset()), type.getRowBytes(),
                    isLogits ? vocab : type.getWidth(), static_cast<int32_t>(type.getRows() / function.maxRows),
                    type.getElement() == Element::F32 ? GEMMAC_F32 : GEMMAC_I32});
  return llvm::Error::success();
}

static llvm::Error readValues(gemma::FunctionOp function, int64_t vocab, FunctionSummary &result) {
  for (auto input : function.getBody().getOps<gemma::InputOp>())
    if (llvm::Error error = readValue(input, result, vocab, result.inputs))
      return error;
  for (auto output : function.getBody().getOps<gemma::OutputOp>())
    if (llvm::Error error = readValue(output, result, vocab, result.outputs))
      return error;
  return llvm::Error::success();
}

static std::vector<StepSummary> readSteps(gemma::FunctionOp function) {
  std::vector<StepSummary> steps;
  for (auto mark : function.getBody().getOps<gemma::MarkOp>())
    steps.push_back({mark.getWhat().str(), mark.getMemory().value_or("").str(), static_cast<int64_t>(mark.getBytes())});
  return steps;
}

/// The functions of text are there, with what the runtime reads of them.
static llvm::Error checkTextFunctions(const ProgramSummary &summary) {
  for (auto [name, logits] : {std::pair{GEMMAC_DECODE, true}, {GEMMAC_VERIFY, true}, {GEMMAC_PREFILL, false}}) {
    auto named = [name = llvm::StringRef(name)](const auto &one) { return one.name == name; };
    auto function = llvm::find_if(summary.functions, named);
    if (function == summary.functions.end())
      return defect(llvm::Twine("no function '") + name + "'");
    auto isLogits = [](const ValueSummary &one) { return one.name == GEMMAC_LOGITS; };
    if (llvm::any_of(function->outputs, isLogits) != logits)
      return defect(llvm::Twine("function '") + name + "' " +
                    (logits ? "has no output 'logits'" : "has logits, expected none"));
  }
  return llvm::Error::success();
}

static llvm::Error readFunctions(ModuleOp module, ProgramSummary &summary) {
  for (auto function : module.getOps<gemma::FunctionOp>()) {
    FunctionSummary &result = summary.functions.emplace_back();
    result.name = function.getSymName().str();
    result.maxRows = static_cast<int64_t>(function.getMaxRows());
    result.barriers = function.countBarriers();
    result.steps = readSteps(function);
    DictionaryAttr attributes = function->getAttrDictionary();
    if (llvm::Error error = readInteger(attributes, function.getWeightBytesAttrName(), result.weightBytes))
      return error;
    if (llvm::Error error = readInteger(attributes, function.getMultiplyAddsAttrName(), result.multiplyAdds))
      return error;
    if (llvm::Error error = readValues(function, summary.vocab, result))
      return error;
  }
  if (llvm::Error error = checkTextFunctions(summary))
    return error;
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

/// The formats of the matrices that pictures and sounds need.
static std::vector<PartSummary> readTowers(ModuleOp module) {
  std::vector<PartSummary> towers;
  const WeightsBesideText weights = weightsBesideText(module);
  for (const auto &[part, packed] : {std::pair{"pictures", &weights.image}, {"sounds", &weights.audio}}) {
    PartSummary row{part, {}};
    for (gemma::PackedOp matrix : *packed)
      if (matrix.getLayout() != Layout::Vector)
        ++row.weights[matrix.getFormat()];
    if (!row.weights.empty())
      towers.push_back(std::move(row));
  }
  return towers;
}

llvm::Expected<ProgramSummary> summarizeProgram(ModuleOp module, llvm::ArrayRef<PackedMatrix> matrices,
                                                StackBytes stack) {
  ProgramSummary summary;
  if (llvm::Error error = readModel(module, summary))
    return std::move(error);
  if (llvm::Error error = readProgram(module, summary))
    return std::move(error);
  if (llvm::Error error = readFunctions(module, summary))
    return std::move(error);
  if (llvm::Error error = readTables(module, summary))
    return std::move(error);
  summary.memory = memoryOf(module, summary, stack);
  summary.towers = readTowers(module);
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
