// What every fuzzer calls where a promise is broken.
#ifndef GEMMAC_TESTS_FUZZ_REQUIRE_H
#define GEMMAC_TESTS_FUZZ_REQUIRE_H

#include <cstdlib>

/// Aborts, which libFuzzer reports with the input.
inline void require(bool holds) {
  if (!holds)
    abort();
}

#endif // GEMMAC_TESTS_FUZZ_REQUIRE_H
