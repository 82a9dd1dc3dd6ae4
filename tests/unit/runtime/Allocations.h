// How often this thread allocates.
#ifndef GEMMAC_TESTS_RUNTIME_ALLOCATIONS_H
#define GEMMAC_TESTS_RUNTIME_ALLOCATIONS_H

#include <cstddef>

namespace gemmac::test {

/// Counts from now on, or no longer. \returns how often operator new was called while it counted, since the last call.
size_t countAllocations(bool now);

} // namespace gemmac::test

#endif // GEMMAC_TESTS_RUNTIME_ALLOCATIONS_H
