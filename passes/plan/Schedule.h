// Who does the steps of a function: decided here from what the target's machine is, and nowhere else. What is done is
// the matter of FunctionBuilder.
#ifndef GEMMAC_PASSES_PLAN_SCHEDULE_H
#define GEMMAC_PASSES_PLAN_SCHEDULE_H

#include "dialects/formats/Enums.h"
#include "targets/PlanModel.h"

#include <cstdint>

namespace gemmac {

class Schedule {
public:
  /// \param maxRows of the function.
  /// \param givesRows  what row steps write is a result of it, which the caller finds in shared memory alone.
  Schedule(const PlanModel &model, int64_t maxRows, bool givesRows = false)
      : model(model), oneRow(maxRows == 1), givesRows(givesRows) {}

  /// Each step is complete before the next one begins: there are no barriers.
  bool isSerial() const { return !model.spmd; }
  /// Every thread does the row steps for itself, in its own scratch, which costs less than a meeting. With several rows
  /// they are divided.
  bool replicatesRows() const { return model.spmd && oneRow && !givesRows; }
  /// Of what row steps write.
  Scope rowScope() const { return replicatesRows() ? Scope::Private : Scope::Shared; }
  /// Attention is divided by keys; else by rows and heads.
  bool splitsKeys() const { return model.splitKeys && oneRow; }

private:
  PlanModel model;
  bool oneRow, givesRows;
};

} // namespace gemmac

#endif // GEMMAC_PASSES_PLAN_SCHEDULE_H
