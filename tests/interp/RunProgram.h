// `gemmac-interp run`: feeds tokens to a program of the target interp and writes their logits.
#ifndef GEMMAC_TESTS_INTERP_RUNPROGRAM_H
#define GEMMAC_TESTS_INTERP_RUNPROGRAM_H

#include <string>
#include <vector>

namespace gemmac::interp {

/// `FILE --ids FILE --logits OUT.npy [--prefill N] [--chunk N] [--function verify|decode|mix]`, as `PROG score` has
/// them: the first N tokens go through prefill in chunks, each of the others gives a row of logits, through verify,
/// decode or both in turn. \returns 0, 1 for an error of the program, 2 for wrong words.
int runProgram(const std::vector<std::string> &words);

} // namespace gemmac::interp

#endif // GEMMAC_TESTS_INTERP_RUNPROGRAM_H
