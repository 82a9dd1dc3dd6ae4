// Checkpoints that were trained for a quantized format and then stored as floats (`*-qat-q4_0-unquantized`): each group
// of 32 weights lies on a lattice scale * n, rounded to the stored type. Finding that scale again makes packing exact.
#ifndef GEMMAC_COMPILER_ARTIFACT_LATTICESCALE_H
#define GEMMAC_COMPILER_ARTIFACT_LATTICESCALE_H

#include "compiler/artifact/GroupQuantizer.h"
#include "dialects/formats/Encoding.h"

namespace gemmac {

/// Looks, lane by lane, for an f16 scale and integers of `format` with which scale * integer equals every value of the
/// lane, once rounded to what the checkpoint stores (bf16 or f16; all else counts as f32). Fills the lanes of `result`
/// for which there is one; bit `lane` of the return value tells. A lane that is reported is proven: each of its 32
/// products was compared. Up to five bits find a scale whenever one exists; more only those of lattices of up to five
/// bits, and up to 8 bits ones that give the value of largest magnitude the integer that their own quantizers give it.
uint32_t findLattice(Format format, Encoding stored, const GroupTile &tile, QuantizedTile &result);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_LATTICESCALE_H
