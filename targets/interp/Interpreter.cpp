#include "targets/interp/Interpreter.h"

#include "gemmac/program.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>

using namespace mlir;

namespace gemmac::interp {

using namespace gemma;

/// Whether the tables have rows for every place: they are numbers that the caller gave.
static llvm::Error checkPlaces(AddPlacesStep step, Frame &frame) {
  const int64_t known = frame.memory.weights(step.getColumnsAttr()).rows / (step.getAlternating() ? 2 : 1);
  for (int64_t r = 0; r < frame.rows(step.getPlaces()); ++r)
    for (int32_t place : frame[step.getPlaces()].integerRow(r).first(2))
      if (place < 0 || place >= known)
        return llvm::createStringError("interp: error: row " + llvm::Twine(r) + " of the places holds " +
                                       llvm::Twine(place) + ", expected at least 0 and less than " +
                                       llvm::Twine(known) + ", the padded rows of their tables");
  return llvm::Error::success();
}

namespace {
/// Carries out an op that is one of `Steps`.
template <typename... Steps> struct StepSwitch {
  static llvm::Error runStep(Operation &op, Frame &frame) {
    return llvm::TypeSwitch<Operation *, llvm::Error>(&op)
        .template Case<Steps...>([&](auto step) { return runIfInterpreted(step, frame); })
        .template Case<BufferOp, BarrierOp, BlocksOp, EndBlocksOp, MarkOp, InputOp, OutputOp>(
            [](auto) { return llvm::Error::success(); }) // all rows at once are what blocks are one after the other
        .Default([](Operation *other) { return notRun(other); });
  }
  template <typename Step> static llvm::Error runIfInterpreted(Step step, Frame &frame) {
    // It adds to what a program computes and is no part of it.
    if constexpr (std::is_same_v<Step, ObserveStep>) {
      return notRun(step);
    } else {
      if constexpr (std::is_same_v<Step, AddPlacesStep>)
        if (llvm::Error error = checkPlaces(step, frame))
          return error;
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

static bool takes(FunctionOp function, StringRef name) {
  return llvm::any_of(function.getBody().getOps<InputOp>(), [&](InputOp input) { return input.getName() == name; });
}

bool Interpreter::hasInput(StringRef name, StringRef input) {
  auto function = module->lookupSymbol<FunctionOp>(name);
  return function && takes(function, input);
}

llvm::Expected<FunctionOp> Interpreter::find(StringRef name, int64_t rows) {
  auto function = module->lookupSymbol<FunctionOp>(name);
  if (!function || rows < 1 || rows > static_cast<int64_t>(function.getMaxRows()))
    return llvm::createStringError("interp: error: a call of '" + name + "' with " + llvm::Twine(rows) +
                                   " rows, and the program has no such function for as many");
  return function;
}

llvm::Error Interpreter::checkTokens(FunctionOp function, ArrayRef<int32_t> tokens) const {
  if (position + static_cast<int64_t>(tokens.size()) > contextPositions)
    return llvm::createStringError("interp: error: the context of " + llvm::Twine(contextPositions) +
                                   " positions is full; give fewer tokens");
  const bool soft = takes(function, GEMMAC_SOFT_TOKENS);
  for (int32_t token : tokens)
    if ((token < 0 && !soft) || token >= vocabulary)
      return llvm::createStringError("interp: error: token " + llvm::Twine(token) + " is none of " +
                                     llvm::Twine(vocabulary));
  return llvm::Error::success();
}

std::vector<float> Interpreter::logitsOf(FunctionOp function, Frame &frame) const {
  std::vector<float> logits;
  for (OutputOp output : function.getBody().getOps<OutputOp>())
    if (output.getName() == GEMMAC_LOGITS)
      for (int64_t r = 0; r < frame.rows(); ++r) {
        std::span<const float> row = frame[output.getBuffer()].row(r).first(static_cast<size_t>(vocabulary));
        logits.insert(logits.end(), row.begin(), row.end());
      }
  return logits;
}

static llvm::Error runSteps(FunctionOp function, Frame &frame) {
  for (Operation &op : function.getBody().front())
    if (llvm::Error error = OfAllSteps<StepSwitch>::runStep(op, frame))
      return error;
  return llvm::Error::success();
}

/// Puts what the caller gave under the name of an input into its buffer; columns that are left stay zero.
static llvm::Error give(InputOp input, const NamedRows &inputs, Frame &frame) {
  auto found = inputs.find(input.getName().str());
  if (found == inputs.end())
    return llvm::createStringError("interp: error: the function wants the input '" + input.getName() + "'");
  const Rows &rows = found->second;
  Rows &buffer = frame[input.getBuffer()];
  const int64_t expected = frame.rows(input.getBuffer());
  if (rows.element != buffer.element || rows.rowCount() != expected || rows.width > buffer.width)
    return llvm::createStringError("interp: error: the input '" + input.getName() + "' has " +
                                   llvm::Twine(rows.rowCount()) + " rows of " + llvm::Twine(rows.width) + " " +
                                   nameOf(rows.element) + ", expected " + llvm::Twine(expected) + " of at most " +
                                   llvm::Twine(buffer.width) + " " + nameOf(buffer.element));
  for (int64_t r = 0; r < expected; ++r)
    if (rows.element == Element::F32)
      std::ranges::copy(rows.row(r), buffer.row(r).begin());
    else
      std::ranges::copy(rows.integerRow(r), buffer.integerRow(r).begin());
  return llvm::Error::success();
}

/// What all inputs of the function hold before its first step.
static llvm::Error giveAll(FunctionOp function, const NamedRows &inputs, Frame &frame) {
  for (InputOp input : function.getBody().getOps<InputOp>())
    if (llvm::Error error = give(input, inputs, frame))
      return error;
  for (const auto &[name, rows] : inputs)
    if (!takes(function, name))
      return llvm::createStringError("interp: error: the function has no input '" + name + "'");
  return llvm::Error::success();
}

llvm::Expected<std::vector<float>> Interpreter::call(StringRef name, ArrayRef<int32_t> tokens,
                                                     const NamedRows &inputs) {
  llvm::Expected<FunctionOp> function = find(name, static_cast<int64_t>(tokens.size()));
  if (!function)
    return function.takeError();
  if (llvm::Error error = checkTokens(*function, tokens))
    return std::move(error);
  Frame frame(memory, *function, tokens, position);
  if (llvm::Error error = giveAll(*function, inputs, frame))
    return std::move(error);
  if (llvm::Error error = runSteps(*function, frame))
    return std::move(error);
  position += frame.rows();
  return logitsOf(*function, frame);
}

/// The rows of the call that an output holds.
static Rows taken(OutputOp output, Frame &frame) {
  Rows rows = frame[output.getBuffer()];
  const auto count = static_cast<size_t>(frame.rows(output.getBuffer()) * rows.width);
  (rows.element == Element::F32) ? rows.values.resize(count) : rows.integers.resize(count);
  return rows;
}

llvm::Expected<NamedRows> Interpreter::encode(StringRef name, int64_t rows, const NamedRows &inputs) {
  llvm::Expected<FunctionOp> function = find(name, rows);
  if (!function)
    return function.takeError();
  // The rows of such a call are numbered from 0, each of the token 0.
  const std::vector<int32_t> tokens(static_cast<size_t>(rows), 0);
  Frame frame(memory, *function, tokens, /*position=*/0);
  if (llvm::Error error = giveAll(*function, inputs, frame))
    return std::move(error);
  if (llvm::Error error = runSteps(*function, frame))
    return std::move(error);
  NamedRows outputs;
  for (OutputOp output : function->getBody().getOps<OutputOp>())
    outputs[output.getName().str()] = taken(output, frame);
  return outputs;
}

} // namespace gemmac::interp
