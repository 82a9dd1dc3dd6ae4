// Where functions of many rows work on some of them at a time.
#ifndef GEMMAC_PASSES_PLAN_ROWBLOCKS_H
#define GEMMAC_PASSES_PLAN_ROWBLOCKS_H

#include "dialects/Gemma/GemmaDialect.h"

namespace gemmac {

/// Puts row-wise steps that follow each other and multiply more than `mostRows` rows with a matrix between gemma.blocks
/// and gemma.end_blocks, so that what flows between them alone takes the memory of a block: such buffers get `block`.
/// Blocks are as equal as can be. Left alone: steps that keep nothing to themselves, serial functions. The function has
/// no barriers yet.
void divideIntoBlocks(gemma::FunctionOp function, int64_t mostRows);

} // namespace gemmac

#endif // GEMMAC_PASSES_PLAN_ROWBLOCKS_H
