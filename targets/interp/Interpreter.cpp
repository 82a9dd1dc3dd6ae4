#include "targets/interp/Interpreter.h"

#include "gemmac/program.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gemmac::interp {

using namespace gemma;

namespace {
/// Carries out an op that is one of `Steps`.
template <typename... Steps> struct StepSwitch {
  static llvm::Error runStep(Operation &op, Frame &frame) {
    return llvm::TypeSwitch<Operation *, llvm::Error>(&op)
        .template Case<Steps...>([&](auto step) { return runIfInterpreted(step, frame); })
        .template Case<BufferOp, BarrierOp, MarkOp, InputOp, OutputOp>([](auto) { return llvm::Error::success(); })
        .Default([](Operation *other) { return notRun(other); });
  }
  template <typename Step> static llvm::Error runIfInterpreted(Step step, Frame &frame) {
    // It adds to what a program computes and is no part of it.
    if constexpr (std::is_same_v<Step, ObserveStep>) {
      return notRun(step);
    } else {
      run(step, frame);
      return llvm::Error::success();
    }
  }
  static llvm::Error notRun(Operation *op) {
    return llvm::createStringError("interp: error: '" + op->getName().getStringRef() +
                                   "' is no step that the interpreter runs; compile without what asks for it");
  }
};
} // namespace

/// Whether every packed weight lies inside of the data section.
static llvm::Error checkData(ModuleOp module, size_t bytes) {
  for (PackedOp packed : module.getOps<PackedOp>()) {
    std::optional<int64_t> offset = packed.getOffset();
    if (!offset || static_cast<uint64_t>(*offset) + static_cast<uint64_t>(packed.getBytes()) > bytes)
      return llvm::createStringError("interp: error: @" + packed.getSymName() +
                                     " lies outside of the data section of " + llvm::Twine(bytes) +
                                     " bytes; the file was cut or the module is not planned");
  }
  return llvm::Error::success();
}

Interpreter::Interpreter(std::unique_ptr<MLIRContext> context, OwningOpRef<ModuleOp> owned,
                         std::span<const uint8_t> data)
    : mlirContext(std::move(context)), module(std::move(owned)), memory(*module, data) {}

llvm::Expected<std::unique_ptr<Interpreter>> Interpreter::load(StringRef text, std::span<const uint8_t> data) {
  auto context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  context->loadDialect<GemmaDialect>();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, context.get());
  if (!module)
    return llvm::createStringError("interp: error: the program's text is no module of the gemma dialect, see above");
  auto model = (*module)->getAttrOfType<DictionaryAttr>("gemma.model");
  auto vocab = model ? model.getAs<IntegerAttr>("vocab") : IntegerAttr();
  auto programs = module->getOps<ProgramOp>();
  if (!vocab || programs.empty())
    return llvm::createStringError("interp: error: the module tells no vocab in 'gemma.model' or has no gemma.program; "
                                   "it must be what the plan stage makes of a checkpoint");
  if (llvm::Error error = checkData(*module, data.size()))
    return std::move(error);
  std::unique_ptr<Interpreter> result(new Interpreter(std::move(context), std::move(module), data));
  result->vocabulary = vocab.getInt();
  if (auto hidden = model.getAs<IntegerAttr>("hidden"))
    result->hiddenSize = hidden.getInt();
  result->contextPositions = static_cast<int64_t>((*programs.begin()).getContext());
  return result;
}

int64_t Interpreter::maxRows(StringRef name) {
  auto function = module->lookupSymbol<FunctionOp>(name);
  return function ? static_cast<int64_t>(function.getMaxRows()) : 0;
}

llvm::Error Interpreter::checkCall(FunctionOp function, ArrayRef<int32_t> tokens) const {
  const auto rows = static_cast<int64_t>(tokens.size());
  if (!function || rows < 1 || rows > static_cast<int64_t>(function.getMaxRows()))
    return llvm::createStringError("interp: error: a call with " + llvm::Twine(rows) +
                                   " rows, and the program has no such function for as many");
  if (position + rows > contextPositions)
    return llvm::createStringError("interp: error: the context of " + llvm::Twine(contextPositions) +
                                   " positions is full; give fewer tokens");
  auto inputs = function.getBody().getOps<InputOp>();
  const bool soft = llvm::any_of(inputs, [](InputOp input) { return input.getName() == GEMMAC_SOFT_TOKENS; });
  for (int32_t token : tokens)
    if ((token < 0 && !soft) || token >= vocabulary)
      return llvm::createStringError("interp: error: token " + llvm::Twine(token) + " is none of " +
                                     llvm::Twine(vocabulary));
  return llvm::Error::success();
}

/// Rows of a buffer that belong to each row of a call.
static int64_t perRow(FunctionOp function, Value buffer) {
  return cast<BufferType>(buffer.getType()).getRows() / static_cast<int64_t>(function.getMaxRows());
}

/// Rows side by side into those of a buffer, which may be wider.
template <typename T> static bool fillRows(ArrayRef<T> from, int64_t rows, int64_t width, std::vector<T> &to) {
  const size_t given = from.size() / static_cast<size_t>(rows);
  if (given == 0 || from.size() % static_cast<size_t>(rows) != 0 || given > static_cast<size_t>(width))
    return false;
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row)
    llvm::copy(from.slice(row * given, given), to.begin() + static_cast<ptrdiff_t>(row * static_cast<size_t>(width)));
  return true;
}

static llvm::Error setInputs(FunctionOp function, ArrayRef<InputRows> inputs, Frame &frame) {
  for (InputOp input : function.getBody().getOps<InputOp>()) {
    auto given = llvm::find_if(inputs, [&](const InputRows &one) { return one.name == input.getName(); });
    if (given == inputs.end())
      return llvm::createStringError("interp: error: the function wants input '" + input.getName() + "'");
    Rows &rows = frame[input.getBuffer()];
    const int64_t count = frame.rows() * perRow(function, input.getBuffer());
    if (!(rows.element == Element::F32 ? fillRows(given->values, count, rows.width, rows.values)
                                       : fillRows(given->integers, count, rows.width, rows.integers)))
      return llvm::createStringError("interp: error: input '" + input.getName() + "' is not " + llvm::Twine(count) +
                                     " rows of at most " + llvm::Twine(rows.width) + " elements of its kind");
  }
  return llvm::Error::success();
}

std::vector<float> Interpreter::outputOf(FunctionOp function, StringRef name, Frame &frame) const {
  std::vector<float> result;
  for (OutputOp output : function.getBody().getOps<OutputOp>()) {
    if (output.getName() != name)
      continue;
    const Rows &rows = frame[output.getBuffer()];
    const int64_t width = name == GEMMAC_LOGITS ? vocabulary : rows.width;
    for (int64_t r = 0; r < frame.rows() * perRow(function, output.getBuffer()); ++r) {
      std::span<const float> row = rows.row(r).first(static_cast<size_t>(width));
      result.insert(result.end(), row.begin(), row.end());
    }
  }
  return result;
}

llvm::Expected<std::vector<float>> Interpreter::call(StringRef name, ArrayRef<int32_t> tokens,
                                                     ArrayRef<InputRows> inputs, StringRef output) {
  auto function = module->lookupSymbol<FunctionOp>(name);
  if (llvm::Error error = checkCall(function, tokens))
    return std::move(error);
  Frame frame(memory, tokens, position);
  if (llvm::Error error = setInputs(function, inputs, frame))
    return std::move(error);
  for (Operation &op : function.getBody().front())
    if (llvm::Error error = OfAllSteps<StepSwitch>::runStep(op, frame))
      return std::move(error);
  position += frame.rows();
  return outputOf(function, output, frame);
}

} // namespace gemmac::interp
