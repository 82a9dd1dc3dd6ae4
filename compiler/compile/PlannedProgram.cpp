#include "compiler/compile/PlannedProgram.h"

#include "llvm/ADT/STLExtras.h"

namespace gemmac {

static ChatSummary summarizeChat(const ChatFormat &chat) {
  const ChatMode &usual = chat.modes[GEMMAC_THINK_DEFAULT], &on = chat.modes[GEMMAC_THINK_ON],
                 &off = chat.modes[GEMMAC_THINK_OFF];
  ChatSummary result;
  result.format = chat.name;
  result.takesInstructions = chat.flags & GEMMAC_CHAT_SYSTEM;
  result.thinkingSwitch = !(on == usual && off == usual);
  result.thinksByDefault = usual == on && !(usual == off);
  result.keepsThoughts = !(chat.flags & (GEMMAC_CHAT_DROPS_THOUGHTS | GEMMAC_CHAT_DROPS_TO_LAST_CLOSE));
  result.differences = chat.differences;
  return result;
}

/// The facts that no module knows: target and options, tokenizer, chat.
static void addCallersFacts(PlannedProgram &program, const Checkpoint &checkpoint, const Decided &decided) {
  const CompileOptions &options = decided.options;
  ProgramSummary &summary = program.summary;
  const DataSection &section = program.section;
  summary.target = options.target->name().str();
  for (const TargetLevel &level : options.target->levels())
    summary.levels.push_back(level.name);
  summary.weights = options.chooseFormats ? "auto" : nameOf(options.formats.weights).str();
  summary.choice = decided.choice;
  if (llvm::any_of(section.matrices, [](const PackedMatrix &matrix) { return formatInfo(matrix.format).quantized; }))
    summary.rounding = roundingName(options.rounding).str();
  summary.tokenizerBytes = static_cast<int64_t>(section.tail.size());
  summary.memory.tokenizer = section.tail.size();
  summary.dataBytes = static_cast<int64_t>(section.bytes());
  summary.memory.limit = options.maxResident;
  summary.memoryChanges = decided.memoryChanges;
  summary.chat = summarizeChat(checkpoint.chat);
}

llvm::Expected<PlannedProgram> readPlan(mlir::ModuleOp planned, const Checkpoint &checkpoint, const Decided &decided) {
  llvm::Expected<std::vector<PackedMatrix>> matrices = packedMatrices(planned);
  if (!matrices)
    return matrices.takeError();
  llvm::Expected<ProgramSummary> summary =
      summarizeProgram(planned, *matrices, decided.options.target->stackBytes(planned));
  if (!summary)
    return summary.takeError();
  PlannedProgram program{std::move(*summary), {std::move(*matrices), 0, checkpoint.tokenizer}, {}};
  program.section.matrixBytes = program.summary.weightBytes;
  if (decided.options.plan.observe)
    program.moments = momentPlaces(planned);
  addCallersFacts(program, checkpoint, decided);
  return program;
}

} // namespace gemmac
