#include "compiler/compile/Decisions.h"

#include "compiler/compile/Report.h"

namespace gemmac {

/// What a program's own report may grow by when it is linked again.
static constexpr uint64_t reportRoom = 65536;

llvm::Expected<Decided> Decisions::decide() {
  if (llvm::Error error = keepMemoryLimit())
    return std::move(error);
  if (!asked.calibration)
    return decided;
  measurement.emplace(asked, front, progress);
  if (asked.chooseFormats) {
    autoWeights.emplace(decided.options, front.module(), planner(), front.checkpoint().tokenizer.size());
    if (llvm::Error error = autoWeights->plan()) // before programs run for minutes
      return std::move(error);
  }
  if (llvm::Error error = measurement->calibrate())
    return std::move(error);
  if (!asked.chooseFormats)
    return decided;
  if (llvm::Error error = measureFormats())
    return std::move(error);
  return decideAgain(measurement->mixElfBytes() + reportRoom);
}

llvm::Error Decisions::keepMemoryLimit() {
  Planner plan = planner();
  llvm::Expected<MemoryFit> fit = asked.chooseFormats ? fitMemoryForAuto(asked, plan) : fitMemoryLimit(asked, plan);
  if (!fit)
    return fit.takeError();
  decided = {std::move(fit->options), std::move(fit->changes)};
  if (!decided.memoryChanges.empty())
    printNotes("--max-rss: chose " + decided.memoryChanges, asked);
  return llvm::Error::success();
}

llvm::Error Decisions::measureFormats() {
  if (llvm::Error error = measurement->makeMixProgram(*autoWeights, decided.options.plan))
    return error;
  return autoWeights->learn(measurement->meter());
}

llvm::Expected<Decided> Decisions::decideAgain(uint64_t elfBytes) {
  llvm::Expected<AutoWeights::Choice> choice = autoWeights->choose(elfBytes);
  if (!choice)
    return choice.takeError();
  Decided result = decided;
  result.options.formats.choices = std::move(choice->formats);
  result.choice = std::move(choice->summary);
  result.chosen = std::move(choice->trial);
  return result;
}

uint64_t Decisions::elfRoom(uint64_t elfBytes) const { return elfBytes + (measurement ? reportRoom : 0); }

Planner Decisions::planner() const { return plannerOf(front.module(), front.checkpoint().tokenizer.size()); }

} // namespace gemmac
