#include "engine/Engine.h"

#include "base/Text.h"

namespace gemmac::runtime {

static Status refuse(const char *what, size_t row, int64_t got, int64_t limit) {
  return {ExitCode::internal, format("a call of the model: %s of row %zu is %lld, expected 0 to %lld", what, row,
                                     static_cast<long long>(got), static_cast<long long>(limit - 1))};
}

/// Rows of a run of prefill_block are one group, others are in none.
static Status checkGroup(std::span<const gemmac_row> rows, size_t at, bool blocks) {
  const uint16_t group = rows[at].group;
  if (!blocks)
    return group == 0 ? Status() : refuse("the group", at, group, 1);
  if (group == 0)
    return {ExitCode::internal,
            format("a call of the model: row %zu is in no group, but its function is for groups", at)};
  if (at > 0 && rows[at].slot == rows[at - 1].slot && group != rows[at - 1].group)
    return {ExitCode::internal, format("a call of the model: rows %zu and %zu of slot %d are in different groups",
                                       at - 1, at, rows[at].slot)};
  return {};
}

static Status checkRow(const Engine &engine, const gemmac_function &function, std::span<const gemmac_row> rows,
                       size_t at) {
  const gemmac_row &row = rows[at];
  const gemmac_program &program = engine.program();
  if (row.token >= program.vocab || (row.token < 0 && !findInput(function, GEMMAC_SOFT_TOKENS)))
    return refuse("the token", at, row.token, program.vocab);
  if (row.slot < 0 || row.slot >= engine.slots())
    return refuse("the slot", at, row.slot, engine.slots());
  if (row.position < 0 || row.position >= engine.context())
    return refuse("the position", at, row.position, engine.context());
  if (Status status = checkGroup(rows, at, &function == engine.functions().prefillBlock); !status.ok())
    return status;
  if (at > 0 && row.slot == rows[at - 1].slot && row.position != rows[at - 1].position + 1)
    return {ExitCode::internal, format("a call of the model: row %zu is at position %d, expected %d", at, row.position,
                                       rows[at - 1].position + 1)};
  for (size_t before = 0; at > 0 && row.slot != rows[at - 1].slot && before < at; ++before)
    if (rows[before].slot == row.slot)
      return {ExitCode::internal,
              format("a call of the model: rows %zu and %zu of slot %d are apart", before, at, row.slot)};
  return {};
}

Status checkRows(const Engine &engine, const gemmac_function &function, std::span<const gemmac_row> rows) {
  if (rows.empty() || static_cast<int64_t>(rows.size()) > engine.maxRows(function))
    return {ExitCode::internal, format("a call of the model has %zu rows, expected 1 to %lld", rows.size(),
                                       static_cast<long long>(engine.maxRows(function)))};
  if (!engine.functions().contain(function))
    return {};
  for (size_t at = 0; at < rows.size(); ++at) {
    if (Status status = checkRow(engine, function, rows, at); !status.ok())
      return status;
    if (rows[at].flags & GEMMAC_ROW_LOGITS && !findOutput(function, GEMMAC_LOGITS))
      return {ExitCode::internal, format("a call of the model: row %zu asks a %s for logits", at, function.name)};
  }
  return {};
}

} // namespace gemmac::runtime
