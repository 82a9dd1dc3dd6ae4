// What a KV cache holds (gemma.kv_cache), written and read element by element with slow, obvious code that
// shares nothing with the kernels.
#ifndef GEMMAC_TESTS_UNIT_CPU_CACHEREFERENCE_H
#define GEMMAC_TESTS_UNIT_CPU_CACHEREFERENCE_H

#include "Reference.h"

namespace gemmac::test {

enum class Part { keys, values };

/// A stored key or a value but for rounding: times the Hadamard matrix and its factor where the cache is rotated, times
/// the power of two that its exponent says.
Row adapted(const Cache &cache, Part part, const Row &row);
/// The inverse.
Row restored(const Cache &cache, Part part, const Row &row);
/// What is stored of a key: all of it, or the elements that RoPE turns, as a head of that many.
Row storedKey(const Cache &cache, const Row &key);
/// The key that stored elements and a value stand for; `norm` is the weight that makes keys of values.
Row wholeKey(const Cache &cache, const Row &stored, const Row &value, const std::vector<float> &norm);

/// Rounds the row that is the key or value of position `slot` as gemma.kv_cache says;
/// `memory` is all of the cache memory.
void writeRow(std::vector<uint8_t> &memory, const Cache &cache, Part part, int64_t head, int64_t slot, const Row &row);
/// What is stored: adapted and rounded.
Row readRow(const std::vector<uint8_t> &memory, const Cache &cache, Part part, int64_t head, int64_t slot);

/// How far rounding may move element `j` of a row before which nothing was rounded.
double roundingError(const Cache &cache, const Row &adaptedRow, int64_t j);

} // namespace gemmac::test

#endif // GEMMAC_TESTS_UNIT_CPU_CACHEREFERENCE_H
