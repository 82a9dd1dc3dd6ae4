// The functions of a program, by name.
#ifndef GEMMAC_RUNTIME_TEXTFUNCTIONS_H
#define GEMMAC_RUNTIME_TEXTFUNCTIONS_H

#include "base/Status.h"
#include "gemmac/program.h"

#include <optional>
#include <span>
#include <string_view>

namespace gemmac::runtime {

inline std::span<const gemmac_function> functionsOf(const gemmac_program &program) {
  return {program.functions, static_cast<size_t>(program.function_count)};
}

/// The place of one of `functions` among them.
inline size_t indexOf(std::span<const gemmac_function> functions, const gemmac_function &function) {
  return static_cast<size_t>(&function - functions.data());
}

/// Null where there is none of that name.
const gemmac_function *findFunction(const gemmac_program &program, std::string_view name);
const gemmac_value *findInput(const gemmac_function &function, std::string_view name);
const gemmac_value *findOutput(const gemmac_function &function, std::string_view name);

/// Those that read and generate text. A program may have others, which whoever uses them finds.
struct TextFunctions {
  const gemmac_function &decode, &verify, &prefill;
  const gemmac_function *prefillBlock; ///< null where no rows see each other

  bool contain(const gemmac_function &one) const {
    return &one == &decode || &one == &verify || &one == &prefill || &one == prefillBlock;
  }
};

/// \returns internal where `program` lacks one of them, or has one that takes more than the rows of a call (and, in
///          prefill, soft tokens), or lacks logits where they are needed.
Status findTextFunctions(const gemmac_program &program, std::optional<TextFunctions> &functions);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_TEXTFUNCTIONS_H
