#include "compiler/compile/Back.h"

#include "compiler/artifact/Link.h"
#include "compiler/artifact/OutputFile.h"
#include "compiler/artifact/ProgramObject.h"
#include "compiler/base/ByteSize.h"
#include "compiler/compile/StageRun.h"
#include "gemmac/call.h"

#include <thread>

using namespace mlir;

namespace gemmac {

/// Sums of all rows of a chunk wait on a thread's stack, the parts of all experts among them.
static llvm::Error checkStack(ModuleOp planned, const CompileOptions &options) {
  int64_t bytes = options.target->stackBytes(planned).all;
  if (bytes <= GEMMAC_MOST_STACK)
    return llvm::Error::success();
  return usageError(
      "--chunk: error: in chunks of {0} tokens this model takes {1} of a thread's stack, expected at most {2}; "
      "smaller ones may take less",
      options.plan.functions.chunk, formatBytes(static_cast<uint64_t>(bytes)), formatBytes(GEMMAC_MOST_STACK));
}

llvm::Error Back::build(OwningOpRef<ModuleOp> quantized) {
  built = std::move(quantized);
  if (llvm::Error error = runStage(Stage::plan, *built, options(), *progress))
    return error;
  llvm::Expected<PlannedProgram> planned = readPlan(*built, front->checkpoint(), decided);
  if (!planned)
    return planned.takeError();
  program = std::move(*planned);
  if (options().emit == EmitKind::executable)
    if (llvm::Error error = checkFreeSpace(options().output, program.section.bytes()))
      return error;
  if (options().stopAfter == Stage::plan)
    return llvm::Error::success();
  if (llvm::Error error = checkStack(*built, options()))
    return error;
  return runStage(Stage::lower, *built, options(), *progress);
}

/// Levels are independent: each has an LLVM context of its own.
llvm::Expected<std::vector<std::string>> Back::emit(CodeKind kind) const {
  progress->stage("generating code");
  const std::vector<TargetLevel> levels = options().target->levels();
  std::vector<std::optional<llvm::Expected<std::string>>> results(levels.size());
  auto emit = [&](size_t index) { results[index].emplace(options().target->emit(*built, levels[index].name, kind)); };
  std::vector<std::thread> workers;
  for (size_t index = 1; index < levels.size(); ++index) {
    if (options().threads > 1)
      workers.emplace_back(emit, index);
    else
      emit(index);
  }
  emit(0);
  for (std::thread &worker : workers)
    worker.join();
  std::vector<std::string> code;
  llvm::Error errors = llvm::Error::success();
  for (auto &result : results) {
    if (*result)
      code.push_back(std::move(**result));
    else
      errors = llvm::joinErrors(std::move(errors), result->takeError());
  }
  if (errors)
    return std::move(errors);
  return code;
}

llvm::Expected<std::string> Back::programObject() const {
  gemmac_span tokenizer = {program.section.tailOffset(), program.section.tail.size()};
  return gemmac::programObject(program.summary, front->checkpoint(), tokenizer, *options().target);
}

llvm::Expected<std::string> Back::link() {
  if (built) {
    llvm::Expected<std::vector<std::string>> code = emit(CodeKind::object);
    if (!code)
      return code.takeError();
    objects = std::move(*code);
    built = {}; // its memory is not needed while weights are packed
  }
  progress->stage("linking");
  llvm::Expected<std::string> constant = programObject();
  if (!constant)
    return constant.takeError();
  std::vector<std::string> all = objects;
  all.push_back(std::move(*constant));
  return linkProgram(all, *options().target, options().runtime);
}

llvm::Error Back::pack(const std::string &path, std::string elf, RoundingGuide *guide, uint64_t room,
                       llvm::function_ref<llvm::Error()> beforeNaming) {
  progress->stage("packing weights");
  auto advance = [this](uint64_t done, uint64_t total) { progress->update(done, total); };
  PackOptions pack{front->checkpoint().directory, path, options().threads, advance, options().rounding, guide};
  auto note = [&](const ProgramFileInfo &info) {
    noteExactness(program.summary, program.section.matrices, info.counts);
    return beforeNaming ? beforeNaming() : llvm::Error::success();
  };
  llvm::Expected<ProgramFileInfo> info = writeProgram(path, std::move(elf), program.section, pack, room, note);
  if (!info)
    return info.takeError();
  file = std::move(*info);
  return llvm::Error::success();
}

llvm::Error Back::replace(const std::string &path, std::string elf) {
  llvm::Expected<ProgramFileInfo> info = replaceElf(path, std::move(elf), file);
  if (!info)
    return info.takeError();
  file = std::move(*info);
  return llvm::Error::success();
}

} // namespace gemmac
