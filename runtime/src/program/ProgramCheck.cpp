#include "program/ProgramCheck.h"

#include "base/Text.h"
#include "gemmac/abi.h"
#include "program/TextFunctions.h"

#include <algorithm>

namespace gemmac::runtime {

static Status inconsistent(const std::string &what) {
  return {ExitCode::internal, "the compiled model describes itself inconsistently: " + what};
}

static long long number(int64_t value) { return value; }

static bool hasSaneSizes(const gemmac_program &program) {
  return program.vocab > 0 && program.context > 0 && program.arena_bytes > 0 && program.scratch_bytes >= 0 &&
         program.slot_bytes >= 0 && program.slots > 0;
}

/// An input or output, which has room for all rows that belong to those of a call.
static Status checkValue(const gemmac_program &program, const gemmac_function &function, const gemmac_value &value) {
  constexpr int64_t element = sizeof(float);
  if (value.offset % element != 0 || value.row_bytes % element != 0 || value.width < 1 ||
      value.width > value.row_bytes / element)
    return inconsistent(format("'%s' of function '%s' has rows of %lld elements in %lld bytes at byte %lld", value.name,
                               function.name, number(value.width), number(value.row_bytes), number(value.offset)));
  if (value.per_row < 1 || value.element > GEMMAC_I32)
    return inconsistent(format("'%s' of function '%s' has %d rows for each of the call and elements of kind %u",
                               value.name, function.name, value.per_row, value.element));
  if (value.offset < 0 || value.offset > program.arena_bytes ||
      value.row_bytes > (program.arena_bytes - value.offset) / function.max_rows / value.per_row)
    return inconsistent(
        format("'%s' of function '%s' lies outside of the arena: %lld x %d x %lld bytes at byte %lld of %lld",
               value.name, function.name, number(function.max_rows), value.per_row, number(value.row_bytes),
               number(value.offset), number(program.arena_bytes)));
  return {};
}

static Status checkFunction(const gemmac_program &program, const gemmac_function &function) {
  if (function.max_rows < 1)
    return inconsistent(format("function '%s' takes %lld rows", function.name, number(function.max_rows)));
  for (int64_t i = 0; i < function.input_count; ++i)
    if (Status status = checkValue(program, function, function.inputs[i]); !status.ok())
      return status;
  for (int64_t i = 0; i < function.output_count; ++i)
    if (Status status = checkValue(program, function, function.outputs[i]); !status.ok())
      return status;
  return {};
}

static Status checkCode(const gemmac_program &program) {
  if (program.code_count < 1)
    return inconsistent("it has no code");
  for (int64_t i = 0; i < program.code_count; ++i)
    if (program.code[i].kind != GEMMAC_CODE_CPU)
      return inconsistent(format("code '%s' is of kind %u, which this runtime does not know", program.code[i].name,
                                 program.code[i].kind));
  return {};
}

static bool tablesFitTheirRow(const gemmac_program &program) {
  return std::all_of(program.tables, program.tables + program.table_count, [&](const gemmac_table &table) {
    return table.row_at + table.row_bytes <= static_cast<uint64_t>(program.table_row_bytes);
  });
}

Status checkProgram(const gemmac_program &program) {
  if (program.abi_version != GEMMAC_ABI_VERSION || program.struct_bytes < sizeof(gemmac_program))
    return {ExitCode::internal, format("the model was compiled for runtime ABI %u, this runtime has %u",
                                       program.abi_version, GEMMAC_ABI_VERSION)};
  if (!hasSaneSizes(program))
    return inconsistent("a size is 0 or less");
  for (const gemmac_function &function : functionsOf(program))
    if (Status status = checkFunction(program, function); !status.ok())
      return status;
  if (Status status = checkCode(program); !status.ok())
    return status;
  if (!tablesFitTheirRow(program))
    return inconsistent("rows of tables do not fit into what they are read to");
  std::optional<TextFunctions> functions;
  return findTextFunctions(program, functions);
}

} // namespace gemmac::runtime
