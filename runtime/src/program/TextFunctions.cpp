#include "program/TextFunctions.h"

#include "base/Text.h"

#include <algorithm>

namespace gemmac::runtime {

/// Null where no element of `all` is called `name`.
template <typename T> static const T *find(std::span<const T> all, std::string_view name) {
  const auto found = std::ranges::find_if(all, [&](const T &one) { return name == one.name; });
  return found == all.end() ? nullptr : &*found;
}

const gemmac_function *findFunction(const gemmac_program &program, std::string_view name) {
  return find(functionsOf(program), name);
}

const gemmac_value *findInput(const gemmac_function &function, std::string_view name) {
  return find(std::span(function.inputs, static_cast<size_t>(function.input_count)), name);
}

const gemmac_value *findOutput(const gemmac_function &function, std::string_view name) {
  return find(std::span(function.outputs, static_cast<size_t>(function.output_count)), name);
}

static Status checkLogits(const gemmac_program &program, const gemmac_function &function) {
  const gemmac_value *logits = findOutput(function, GEMMAC_LOGITS);
  if (!logits)
    return {ExitCode::internal,
            format("the compiled model's function '%s' has no output '%s'", function.name, GEMMAC_LOGITS)};
  if (logits->width < program.vocab)
    return {ExitCode::internal,
            format("the compiled model's function '%s' gives %lld logits a row, but the vocabulary has %lld tokens",
                   function.name, static_cast<long long>(logits->width), static_cast<long long>(program.vocab))};
  return {};
}

/// \param soft  whether it may take soft tokens.
static Status checkInputs(const gemmac_program &program, const gemmac_function &function, bool soft) {
  for (const gemmac_value &input : std::span(function.inputs, static_cast<size_t>(function.input_count))) {
    if (!soft || std::string_view(input.name) != GEMMAC_SOFT_TOKENS)
      return {ExitCode::internal,
              format("the compiled model's function '%s' wants input '%s', but functions of text take tokens%s",
                     function.name, input.name, soft ? " and soft tokens alone" : " alone")};
    if (input.element != GEMMAC_F32 || input.per_row != 1 || input.width < program.hidden)
      return {ExitCode::internal,
              format("the compiled model's function '%s' takes soft tokens of %lld elements, expected one row of %lld "
                     "f32 for each of the call",
                     function.name, static_cast<long long>(input.width), static_cast<long long>(program.hidden))};
  }
  return {};
}

static Status findTextFunction(const gemmac_program &program, const char *name, const gemmac_function *&function) {
  function = findFunction(program, name);
  if (!function)
    return {ExitCode::internal, format("the compiled model has no function '%s'", name)};
  return checkInputs(program, *function, std::string_view(name) == GEMMAC_PREFILL);
}

Status findTextFunctions(const gemmac_program &program, std::optional<TextFunctions> &functions) {
  const gemmac_function *decode, *verify, *prefill;
  for (auto [name, found] : {std::pair{GEMMAC_DECODE, &decode}, {GEMMAC_VERIFY, &verify}, {GEMMAC_PREFILL, &prefill}})
    if (Status status = findTextFunction(program, name, *found); !status.ok())
      return status;
  for (const gemmac_function *function : {decode, verify})
    if (Status status = checkLogits(program, *function); !status.ok())
      return status;
  const gemmac_function *block = findFunction(program, GEMMAC_PREFILL_BLOCK);
  if (block)
    if (Status status = checkInputs(program, *block, true); !status.ok())
      return status;
  if (block && (!findInput(*block, GEMMAC_SOFT_TOKENS) || !findInput(*prefill, GEMMAC_SOFT_TOKENS)))
    return {ExitCode::internal,
            format("the compiled model has a function '%s', but takes no soft tokens", block->name)};
  functions.emplace(TextFunctions{*decode, *verify, *prefill, block});
  return {};
}

} // namespace gemmac::runtime
