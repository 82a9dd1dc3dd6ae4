// What a matrix, or an error of it, puts into its outputs.
#ifndef GEMMAC_COMPILER_ARTIFACT_OUTPUTENERGY_H
#define GEMMAC_COMPILER_ARTIFACT_OUTPUTENERGY_H

#include "compiler/artifact/RoundingFactor.h"

namespace gemmac {

/// Sum over the 16 rows d of a panel, `[cols][16]`, of d^T H d: the sum of squares of what the rows give for all inputs
/// that H was summed over. The same bits on every machine.
double outputEnergy(const RoundingFactor &factor, const float *panel);

/// The same where nothing is known of inputs and H is the unit matrix. `count` is a multiple of 32.
double sumOfSquares(const float *values, int64_t count);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_OUTPUTENERGY_H
