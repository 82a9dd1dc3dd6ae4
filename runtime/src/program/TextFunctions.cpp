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

static Status findTextFunction(const gemmac_program &program, const char *name, const gemmac_function *&function) {
  function = findFunction(program, name);
  if (!function)
    return {ExitCode::internal, format("the compiled model has no function '%s'", name)};
  if (function->input_count != 0)
    return {ExitCode::internal,
            format("the compiled model's function '%s' wants input '%s', but functions of text take tokens alone", name,
                   function->inputs[0].name)};
  return {};
}

Status findTextFunctions(const gemmac_program &program, std::optional<TextFunctions> &functions) {
  const gemmac_function *decode, *verify, *prefill;
  for (auto [name, found] : {std::pair{GEMMAC_DECODE, &decode}, {GEMMAC_VERIFY, &verify}, {GEMMAC_PREFILL, &prefill}})
    if (Status status = findTextFunction(program, name, *found); !status.ok())
      return status;
  for (const gemmac_function *function : {decode, verify})
    if (Status status = checkLogits(program, *function); !status.ok())
      return status;
  functions.emplace(TextFunctions{*decode, *verify, *prefill});
  return {};
}

} // namespace gemmac::runtime
