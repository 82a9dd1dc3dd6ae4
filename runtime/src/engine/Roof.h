// How fast this machine reads memory: the limit that a decoded token's weights meet.
#ifndef GEMMAC_RUNTIME_ROOF_H
#define GEMMAC_RUNTIME_ROOF_H

#include "engine/ThreadPool.h"

namespace gemmac::runtime {

/// Reads `bytes` from `data` on (64-byte aligned) once, each thread a consecutive part, with nothing but vector loads;
/// then once more with prefetches ahead of the loads. Parts of a line are left out.
/// \returns bytes per second of the faster way. `data` should be in memory already, and larger than the caches.
double readBandwidth(ThreadPool &pool, const uint8_t *data, int64_t bytes);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_ROOF_H
