// The inner loops that read a checkpoint: stored values to f32, for every encoding of Encoding.h. Each is
// compiled for several ISA levels of the machine that gemmac runs on; all give the same bits, because nothing is
// contracted.
#ifndef GEMMAC_COMPILER_ARTIFACT_SOURCEKERNELS_H
#define GEMMAC_COMPILER_ARTIFACT_SOURCEKERNELS_H

#include "dialects/formats/Encoding.h"

#include <cstdint>

namespace gemmac {

/// Converts `count` values in `encoding`, which has its scales in it, at `source` to f32; `count` is whole blocks.
/// False when one of them is infinite or NaN, or a block's scale is.
bool decodeValues(Encoding encoding, const uint8_t *source, int64_t count, float *result);

/// The integers of an encoding whose scales are stored apart; `count` is whole blocks.
void decodeIntegers(Encoding encoding, const uint8_t *source, int64_t count, int8_t *result);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_SOURCEKERNELS_H
