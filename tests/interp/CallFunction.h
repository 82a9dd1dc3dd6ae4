// `gemmac-interp call`: one call of a function that reads no tokens, with rows from files.
#ifndef GEMMAC_TESTS_INTERP_CALLFUNCTION_H
#define GEMMAC_TESTS_INTERP_CALLFUNCTION_H

#include <string>
#include <vector>

namespace gemmac::interp {

/// `FILE --function NAME --rows N [--input NAME=IN.npy]... [--output NAME=OUT.npy]...`: inputs and outputs by the names
/// of their gemma.input and gemma.output. An input has the rows of its buffer that belong to N rows of the call, f32 or
/// i32, and may leave out the buffer's last columns, which are zeros then; an output is f32, as wide as its buffer.
/// \returns 0, 1 for an error of the program, 2 for wrong words.
int callFunction(const std::vector<std::string> &words);

} // namespace gemmac::interp

#endif // GEMMAC_TESTS_INTERP_CALLFUNCTION_H
