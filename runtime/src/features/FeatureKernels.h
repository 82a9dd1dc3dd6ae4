// The functions that runtime/generators makes, for each processor that a program may meet, and who runs them.
#ifndef GEMMAC_RUNTIME_FEATUREKERNELS_H
#define GEMMAC_RUNTIME_FEATUREKERNELS_H

#include "base/ParallelFor.h"
#include "base/Status.h"

#include <cstdint>

struct halide_buffer_t;

namespace gemmac::runtime {

/// Functions of one ISA level; all levels give the same bits. Each takes a KernelCall and buffers (KernelCall.h); 0 is
/// success. What the buffers hold is said in runtime/generators.
struct FeatureKernels {
  using Buffer = halide_buffer_t *;

  const char *level;
  int (*patches)(const void *call, Buffer source, Buffer firstColumn, Buffer columnWeights, Buffer firstRow,
                 Buffer rowWeights, int32_t side, Buffer out);
  int (*frame)(const void *call, Buffer source, Buffer firstColumn, Buffer columnWeights, Buffer firstRow,
               Buffer rowWeights, Buffer out);
  int (*mel)(const void *call, Buffer wave, Buffer transform, Buffer filters, int32_t valid, Buffer out);
  int (*resample)(const void *call, Buffer source, Buffer weights, Buffer first, Buffer phase, Buffer blend,
                  int32_t step, Buffer out);
};

/// Those for a processor that has `features` (GEMMAC_CPU_* bits, as cpuFeatures() tells them).
/// \returns cpu when there are none: the processor lacks what every program needs.
Status findFeatureKernels(uint64_t features, const FeatureKernels *&kernels);

/// What runs a front end. Both outlive it.
struct FeatureRunner {
  const FeatureKernels &kernels;
  ParallelFor &threads;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_FEATUREKERNELS_H
