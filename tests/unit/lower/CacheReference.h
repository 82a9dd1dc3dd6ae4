// What a KV cache holds (gemma.kv_cache), written and read element by element with slow, obvious code that shares nothing with
// the kernels.
#ifndef GEMMAC_TESTS_UNIT_LOWER_CACHEREFERENCE_H
#define GEMMAC_TESTS_UNIT_LOWER_CACHEREFERENCE_H

#include "Reference.h"

namespace gemmac::test {

enum class Part { keys, values };

/// A row of a head as it is stored but for rounding: times the Hadamard matrix and its factor where the cache is rotated.
Row rotated(const Cache &cache, const Row &row);
/// The inverse.
Row rotatedBack(const Cache &cache, const Row &row);

/// Rounds the row that is the key or value of position `slot` as gemma.kv_cache says; `memory` is all of the cache memory.
void writeRow(std::vector<uint8_t> &memory, const Cache &cache, Part part, int64_t head, int64_t slot, const Row &row);
/// What is stored: rounded, and rotated where the cache is.
Row readRow(const std::vector<uint8_t> &memory, const Cache &cache, Part part, int64_t head, int64_t slot);

/// How far rounding may move element `j` of a row before which nothing was rounded.
double roundingError(const Cache &cache, const Row &rotatedRow, int64_t j);

} // namespace gemmac::test

#endif // GEMMAC_TESTS_UNIT_LOWER_CACHEREFERENCE_H
