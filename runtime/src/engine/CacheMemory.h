// The memory of a slot's KV caches, of which only what was written is resident: forgetting it, copying it, keeping it.
#ifndef GEMMAC_RUNTIME_CACHEMEMORY_H
#define GEMMAC_RUNTIME_CACHEMEMORY_H

#include "base/Status.h"

#include <cstdint>
#include <span>
#include <vector>

namespace gemmac::runtime {

// All of `memory` is anonymous private memory, zero where it was never written. Its ends may lie inside of pages.

/// Fills it with zeros and gives its pages back.
void releaseMemory(std::span<uint8_t> memory);

/// Makes `to`, as long as `from` and apart from it, equal. Blocks of zeros stay without pages.
void copyMemory(std::span<const uint8_t> from, std::span<uint8_t> to);

/// The blocks that are not all zeros, each behind its number.
/// \param origin  what tells memory of this meaning from any other of the same length
std::vector<uint8_t> packMemory(std::span<const uint8_t> memory, uint64_t origin);
/// \returns false, nothing changed, where `packed` does not come from memory of this length and origin.
bool unpackMemory(std::span<const uint8_t> packed, std::span<uint8_t> memory, uint64_t origin);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_CACHEMEMORY_H
