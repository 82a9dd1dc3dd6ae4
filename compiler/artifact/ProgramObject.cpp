// Constants are laid out by offsetof of gemmac/program.h itself, with explicit padding: gemmac and its targets are all
// 64-bit little-endian with natural alignment, so the struct that this compiler sees is the one that the runtime sees.
#include "compiler/artifact/ProgramObject.h"

#include "compiler/artifact/SummaryJson.h"
#include "gemmac/abi.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"

#include <cassert>
#include <cstddef>

namespace gemmac {

static_assert(sizeof(void *) == 8 && std::endian::native == std::endian::little, "gemmac runs on 64-bit little-endian");
static_assert(GEMMAC_ABI_VERSION == 9 && sizeof(gemmac_program) == 600,
              "gemmac_program changed: update programConstant");
static_assert(sizeof(gemmac_function) == 88, "gemmac_function changed: update functionConstant");
static_assert(sizeof(gemmac_value) == 40, "gemmac_value changed: update valuesConstant");
static_assert(sizeof(gemmac_code) == 32, "gemmac_code changed: update codeConstant");
static_assert(sizeof(gemmac_chat) == 184, "gemmac_chat changed: update chatConstant");
static_assert(sizeof(gemmac_chat_mode) == 48, "gemmac_chat_mode changed: update chatModeConstant");
static_assert(sizeof(gemmac_cache) == 72, "gemmac_cache changed: update cachesConstant");
static_assert(sizeof(gemmac_step) == 24, "gemmac_step changed: update stepsConstant");
static_assert(sizeof(gemmac_media) == 48, "gemmac_media changed: update mediaConstant");
static_assert(sizeof(gemmac_sampling) == 40, "gemmac_sampling changed: update samplingConstant");

std::string functionSymbol(llvm::StringRef function, llvm::StringRef level) {
  return ("gemmac_" + function + "_" + level).str();
}

namespace {

/// A constant of a C struct, field by field, in order of their offsets.
class StructConstant {
public:
  explicit StructConstant(llvm::LLVMContext &context) : context(context) {}

  StructConstant &add(size_t offset, llvm::Constant *value, size_t bytes) {
    assert(offset >= end && "fields are added in the order of the struct");
    padTo(offset);
    fields.push_back(value);
    end = offset + bytes;
    return *this;
  }
  template <typename T> StructConstant &integer(size_t offset, T value) {
    auto *type = llvm::IntegerType::get(context, sizeof(T) * 8);
    return add(offset, llvm::ConstantInt::get(type, static_cast<uint64_t>(value), std::is_signed_v<T>), sizeof(T));
  }
  StructConstant &real(size_t offset, float value) {
    return add(offset, llvm::ConstantFP::get(context, llvm::APFloat(value)), sizeof(float));
  }
  llvm::Constant *finish(size_t bytes) {
    padTo(bytes);
    return llvm::ConstantStruct::getAnon(context, fields, /*Packed=*/true);
  }

private:
  void padTo(size_t offset) {
    assert(offset >= end && "fields must be added in the order of the struct");
    if (offset > end)
      fields.push_back(
          llvm::ConstantAggregateZero::get(llvm::ArrayType::get(llvm::Type::getInt8Ty(context), offset - end)));
    end = offset;
  }
  llvm::LLVMContext &context;
  std::vector<llvm::Constant *> fields;
  size_t end = 0;
};

class ProgramBuilder {
public:
  ProgramBuilder(llvm::Module &module, const ProgramSummary &summary, const Checkpoint &checkpoint,
                 const TargetBackend &target)
      : module(module), context(module.getContext()), summary(summary), checkpoint(checkpoint), target(target),
        pointer(llvm::PointerType::get(context, 0)) {}

  void build(gemmac_span tokenizer) {
    auto *program = place(programConstant(tokenizer), alignof(gemmac_program));
    program->setLinkage(llvm::GlobalValue::ExternalLinkage);
    program->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::None);
    program->setName("gemmac_the_program");
  }

private:
  llvm::GlobalVariable *place(llvm::Constant *value, size_t alignment) {
    auto *variable = new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                              llvm::GlobalValue::PrivateLinkage, value);
    variable->setAlignment(llvm::Align(alignment));
    variable->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return variable;
  }
  llvm::Constant *text(llvm::StringRef value) {
    return place(llvm::ConstantDataArray::getString(context, value, /*AddNull=*/true), 1);
  }
  llvm::Constant *integers(const std::vector<int32_t> &values) {
    if (values.empty())
      return llvm::ConstantPointerNull::get(pointer);
    auto data = llvm::ArrayRef(reinterpret_cast<const uint32_t *>(values.data()), values.size());
    return place(llvm::ConstantDataArray::get(context, data), 4);
  }

  /// A pointer to constants of one type; null where there are none.
  llvm::Constant *array(llvm::ArrayRef<llvm::Constant *> elements, size_t alignment) {
    if (elements.empty())
      return llvm::ConstantPointerNull::get(pointer);
    // Constants of one struct are anonymous, but structurally equal.
    auto *type = llvm::ArrayType::get(elements.front()->getType(), elements.size());
    return place(llvm::ConstantArray::get(type, elements), alignment);
  }

  /// The code of all functions at one level, in their order.
  llvm::Constant *codeConstant(const TargetLevel &level) {
    auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer, llvm::Type::getInt64Ty(context)},
                                         /*isVarArg=*/false);
    std::vector<llvm::Constant *> run;
    for (const FunctionSummary &function : summary.functions) {
      auto callee = module.getOrInsertFunction(functionSymbol(function.name, level.name), type);
      run.push_back(llvm::cast<llvm::Constant>(callee.getCallee()));
    }
    return StructConstant(context)
        .add(offsetof(gemmac_code, name), text(level.name), 8)
        .integer(offsetof(gemmac_code, kind), uint32_t{GEMMAC_CODE_CPU})
        .integer(offsetof(gemmac_code, features), level.features)
        .add(offsetof(gemmac_code, run), array(run, alignof(gemmac_function_fn)), 8)
        .finish(sizeof(gemmac_code));
  }

  llvm::Constant *allCode() {
    std::vector<llvm::Constant *> code;
    for (const TargetLevel &level : target.levels())
      code.push_back(codeConstant(level));
    return array(code, alignof(gemmac_code));
  }

  llvm::Constant *valuesConstant(llvm::ArrayRef<ValueSummary> values) {
    std::vector<llvm::Constant *> entries;
    for (const ValueSummary &value : values)
      entries.push_back(StructConstant(context)
                            .add(offsetof(gemmac_value, name), text(value.name), 8)
                            .integer(offsetof(gemmac_value, offset), value.offset)
                            .integer(offsetof(gemmac_value, row_bytes), value.rowBytes)
                            .integer(offsetof(gemmac_value, width), value.width)
                            .integer(offsetof(gemmac_value, per_row), value.perRow)
                            .integer(offsetof(gemmac_value, element), value.element)
                            .finish(sizeof(gemmac_value)));
    return array(entries, alignof(gemmac_value));
  }

  llvm::Constant *functionConstant(const FunctionSummary &function) {
    return StructConstant(context)
        .add(offsetof(gemmac_function, name), text(function.name), 8)
        .integer(offsetof(gemmac_function, max_rows), function.maxRows)
        .integer(offsetof(gemmac_function, input_count), static_cast<int64_t>(function.inputs.size()))
        .add(offsetof(gemmac_function, inputs), valuesConstant(function.inputs), 8)
        .integer(offsetof(gemmac_function, output_count), static_cast<int64_t>(function.outputs.size()))
        .add(offsetof(gemmac_function, outputs), valuesConstant(function.outputs), 8)
        .integer(offsetof(gemmac_function, weight_bytes), function.weightBytes)
        .integer(offsetof(gemmac_function, multiply_adds), function.multiplyAdds)
        .integer(offsetof(gemmac_function, barriers), function.barriers)
        .add(offsetof(gemmac_function, steps), stepsConstant(function.steps), sizeof(gemmac_steps))
        .finish(sizeof(gemmac_function));
  }

  llvm::Constant *functionsConstant() {
    std::vector<llvm::Constant *> functions;
    for (const FunctionSummary &function : summary.functions)
      functions.push_back(functionConstant(function));
    return array(functions, alignof(gemmac_function));
  }

  llvm::Constant *stepsConstant(llvm::ArrayRef<StepSummary> steps) {
    std::vector<llvm::Constant *> entries;
    for (const StepSummary &step : steps)
      entries.push_back(StructConstant(context)
                            .add(offsetof(gemmac_step, what), text(step.what), 8)
                            .add(offsetof(gemmac_step, memory), text(step.memory), 8)
                            .integer(offsetof(gemmac_step, weight_bytes), step.weightBytes)
                            .finish(sizeof(gemmac_step)));
    return StructConstant(context)
        .integer(offsetof(gemmac_steps, count), static_cast<int64_t>(steps.size()))
        .add(offsetof(gemmac_steps, steps), array(entries, alignof(gemmac_step)), 8)
        .finish(sizeof(gemmac_steps));
  }

  llvm::Constant *spanConstant(gemmac_span span) {
    return StructConstant(context)
        .integer(offsetof(gemmac_span, offset), span.offset)
        .integer(offsetof(gemmac_span, bytes), span.bytes)
        .finish(sizeof(gemmac_span));
  }

  llvm::Constant *tablesConstant() {
    std::vector<llvm::Constant *> tables;
    for (const TableSummary &table : summary.tables)
      tables.push_back(StructConstant(context)
                           .integer(offsetof(gemmac_table, offset), table.offset)
                           .integer(offsetof(gemmac_table, row_bytes), table.rowBytes)
                           .integer(offsetof(gemmac_table, row_at), table.rowAt)
                           .finish(sizeof(gemmac_table)));
    return array(tables, alignof(gemmac_table));
  }

  llvm::Constant *cachesConstant() {
    std::vector<llvm::Constant *> rows;
    for (const CacheSummary &row : summary.caches)
      rows.push_back(StructConstant(context)
                         .add(offsetof(gemmac_cache, layers), text(layersText(row.layers)), 8)
                         .add(offsetof(gemmac_cache, format), text(nameOf(row.format)), 8)
                         .integer(offsetof(gemmac_cache, heads), row.heads)
                         .integer(offsetof(gemmac_cache, head_dim), row.headDim)
                         .integer(offsetof(gemmac_cache, window), row.window)
                         .integer(offsetof(gemmac_cache, positions), row.positions)
                         .integer(offsetof(gemmac_cache, bytes), row.bytes)
                         .integer(offsetof(gemmac_cache, shared_from), row.sharedFrom)
                         .integer(offsetof(gemmac_cache, key_dim), row.keyDim)
                         .finish(sizeof(gemmac_cache)));
    return array(rows, alignof(gemmac_cache));
  }

  llvm::Constant *memoryConstant() {
    const gemmac_memory &memory = summary.memory;
    return StructConstant(context)
        .integer(offsetof(gemmac_memory, program), memory.program)
        .integer(offsetof(gemmac_memory, tokenizer), memory.tokenizer)
        .integer(offsetof(gemmac_memory, weights), memory.weights)
        .integer(offsetof(gemmac_memory, working), memory.working)
        .integer(offsetof(gemmac_memory, thread), memory.thread)
        .integer(offsetof(gemmac_memory, ring_cache), memory.ring_cache)
        .integer(offsetof(gemmac_memory, ring_positions), memory.ring_positions)
        .integer(offsetof(gemmac_memory, whole_cache), memory.whole_cache)
        .integer(offsetof(gemmac_memory, limit), memory.limit)
        .integer(offsetof(gemmac_memory, media), memory.media)
        .integer(offsetof(gemmac_memory, weights_image), memory.weights_image)
        .integer(offsetof(gemmac_memory, weights_audio), memory.weights_audio)
        .integer(offsetof(gemmac_memory, thread_media), memory.thread_media)
        .finish(sizeof(gemmac_memory));
  }

  llvm::Constant *chatModeConstant(const ChatMode &mode) {
    return StructConstant(context)
        .add(offsetof(gemmac_chat_mode, start), text(mode.start), 8)
        .add(offsetof(gemmac_chat_mode, system_open), text(mode.systemOpen), 8)
        .add(offsetof(gemmac_chat_mode, system_close), text(mode.systemClose), 8)
        .add(offsetof(gemmac_chat_mode, prompt), text(mode.prompt), 8)
        .add(offsetof(gemmac_chat_mode, answered), text(mode.answered), 8)
        .add(offsetof(gemmac_chat_mode, next), text(mode.next), 8)
        .finish(sizeof(gemmac_chat_mode));
  }

  llvm::Constant *chatConstant() {
    const ChatFormat &chat = checkpoint.chat;
    StructConstant result(context);
    result.add(offsetof(gemmac_chat, bos), text(chat.bos), 8)
        .add(offsetof(gemmac_chat, turn_close), text(chat.turnClose), 8)
        .add(offsetof(gemmac_chat, thought_open), text(chat.thoughtOpen), 8)
        .add(offsetof(gemmac_chat, thought_close), text(chat.thoughtClose), 8)
        .integer(offsetof(gemmac_chat, flags), chat.flags);
    for (unsigned i = 0; i < GEMMAC_THINK_COUNT; ++i)
      result.add(offsetof(gemmac_chat, modes) + i * sizeof(gemmac_chat_mode), chatModeConstant(chat.modes[i]),
                 sizeof(gemmac_chat_mode));
    return result.finish(sizeof(gemmac_chat));
  }

  llvm::Constant *mediaConstant() {
    const gemmac_media &media = checkpoint.config.media;
    return StructConstant(context)
        .integer(offsetof(gemmac_media, image_begin), media.image_begin)
        .integer(offsetof(gemmac_media, image), media.image)
        .integer(offsetof(gemmac_media, image_end), media.image_end)
        .integer(offsetof(gemmac_media, audio_begin), media.audio_begin)
        .integer(offsetof(gemmac_media, audio), media.audio)
        .integer(offsetof(gemmac_media, audio_end), media.audio_end)
        .integer(offsetof(gemmac_media, patch), media.patch)
        .integer(offsetof(gemmac_media, pool), media.pool)
        .integer(offsetof(gemmac_media, places), media.places)
        .integer(offsetof(gemmac_media, budget), media.budget)
        .integer(offsetof(gemmac_media, video), media.video)
        .integer(offsetof(gemmac_media, sound), media.sound)
        .finish(sizeof(gemmac_media));
  }

  llvm::Constant *samplingConstant() {
    const SamplingConfig &sampling = checkpoint.sampling;
    return StructConstant(context)
        .real(offsetof(gemmac_sampling, temperature), static_cast<float>(sampling.temperature))
        .integer(offsetof(gemmac_sampling, top_k), static_cast<int32_t>(sampling.topK))
        .real(offsetof(gemmac_sampling, top_p), static_cast<float>(sampling.topP))
        .integer(offsetof(gemmac_sampling, stop_count), static_cast<int32_t>(sampling.stopIds.size()))
        .add(offsetof(gemmac_sampling, stop_ids), integers(sampling.stopIds), 8)
        .integer(offsetof(gemmac_sampling, suppress_count), static_cast<int32_t>(sampling.suppressIds.size()))
        .add(offsetof(gemmac_sampling, suppress_ids), integers(sampling.suppressIds), 8)
        .finish(sizeof(gemmac_sampling));
  }

  llvm::Constant *programConstant(gemmac_span tokenizer) {
    return StructConstant(context)
        .integer(offsetof(gemmac_program, abi_version), uint32_t{GEMMAC_ABI_VERSION})
        .integer(offsetof(gemmac_program, struct_bytes), static_cast<uint32_t>(sizeof(gemmac_program)))
        .add(offsetof(gemmac_program, name), text(summary.name), 8)
        .add(offsetof(gemmac_program, target), text(summary.target), 8)
        .add(offsetof(gemmac_program, weights), text(summary.weights), 8)
        .add(offsetof(gemmac_program, info_json), text(summaryJson(summary)), 8)
        .integer(offsetof(gemmac_program, vocab), summary.vocab)
        .integer(offsetof(gemmac_program, hidden), summary.hidden)
        .integer(offsetof(gemmac_program, layers), summary.layers)
        .integer(offsetof(gemmac_program, context), summary.context)
        .integer(offsetof(gemmac_program, arena_bytes), summary.arenaBytes)
        .integer(offsetof(gemmac_program, scratch_bytes), summary.scratchBytes)
        .integer(offsetof(gemmac_program, slot_bytes), summary.slotBytes)
        .integer(offsetof(gemmac_program, slots), summary.slots)
        .integer(offsetof(gemmac_program, bos_id), checkpoint.bosId)
        .add(offsetof(gemmac_program, tokenizer), spanConstant(tokenizer), sizeof(gemmac_span))
        .integer(offsetof(gemmac_program, function_count), static_cast<int64_t>(summary.functions.size()))
        .add(offsetof(gemmac_program, functions), functionsConstant(), 8)
        .integer(offsetof(gemmac_program, code_count), static_cast<int64_t>(target.levels().size()))
        .add(offsetof(gemmac_program, code), allCode(), 8)
        .add(offsetof(gemmac_program, chat), chatConstant(), sizeof(gemmac_chat))
        .add(offsetof(gemmac_program, sampling), samplingConstant(), sizeof(gemmac_sampling))
        .integer(offsetof(gemmac_program, mapped_bytes), static_cast<uint64_t>(summary.mappedBytes))
        .integer(offsetof(gemmac_program, table_count), static_cast<int64_t>(summary.tables.size()))
        .integer(offsetof(gemmac_program, table_row_bytes), summary.tableRowBytes)
        .add(offsetof(gemmac_program, tables), tablesConstant(), 8)
        .add(offsetof(gemmac_program, memory), memoryConstant(), sizeof(gemmac_memory))
        .add(offsetof(gemmac_program, moments), spanConstant(summary.moments), sizeof(gemmac_span))
        .integer(offsetof(gemmac_program, cache_count), static_cast<int64_t>(summary.caches.size()))
        .add(offsetof(gemmac_program, caches), cachesConstant(), 8)
        .add(offsetof(gemmac_program, media), mediaConstant(), sizeof(gemmac_media))
        .finish(sizeof(gemmac_program));
  }

  llvm::Module &module;
  llvm::LLVMContext &context;
  const ProgramSummary &summary;
  const Checkpoint &checkpoint;
  const TargetBackend &target;
  llvm::PointerType *pointer;
};

} // namespace

static llvm::Expected<std::string> emitObject(llvm::Module &module, llvm::StringRef tripleName) {
  llvm::InitializeAllTargetInfos();
  llvm::InitializeAllTargets();
  llvm::InitializeAllTargetMCs();
  llvm::InitializeAllAsmPrinters();
  llvm::Triple triple(tripleName);
  std::string message;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return llvm::createStringError("target '" + tripleName.str() + "': error: " + message);
  std::unique_ptr<llvm::TargetMachine> machine(
      target->createTargetMachine(triple, "generic", "", llvm::TargetOptions(), llvm::Reloc::Static));
  module.setTargetTriple(triple);
  module.setDataLayout(machine->createDataLayout());
  llvm::SmallString<0> object;
  llvm::raw_svector_ostream os(object);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, os, nullptr, llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("target '" + tripleName.str() + "': error: cannot emit object files");
  passes.run(module);
  return object.str().str();
}

llvm::Expected<std::string> programObject(const ProgramSummary &summary, const Checkpoint &checkpoint,
                                          gemmac_span tokenizer, const TargetBackend &target) {
  llvm::LLVMContext context;
  llvm::Module module("gemmac_program", context);
  ProgramBuilder(module, summary, checkpoint, target).build(tokenizer);
  return emitObject(module, target.triple());
}

} // namespace gemmac
