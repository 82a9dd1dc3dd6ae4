// Where threads must meet: the rule of gemma.function c2 as one routine.
#ifndef GEMMAC_PASSES_PLAN_BARRIERS_H
#define GEMMAC_PASSES_PLAN_BARRIERS_H

#include "dialects/Gemma/GemmaDialect.h"

namespace gemmac {

/// Puts a gemma.barrier before each step that touches a shared buffer or a cache in conflict with a step since the last
/// barrier: one of the two writes, and they are not both divided by rows (then one thread does both for a row).
/// Barriers come as late as they can, which for a given order of steps gives the fewest; one stands where blocks begin
/// and end. The function has none before; a serial one needs none.
void insertBarriers(gemma::FunctionOp function);

/// The steps of a function with the barrier epoch of each: the number of barriers before it; of a serial function, of
/// steps.
llvm::SmallVector<std::pair<mlir::Operation *, int64_t>> stepsWithEpochs(gemma::FunctionOp function);

/// First and last step of each gemma.blocks, by number in the function.
llvm::SmallVector<std::pair<int64_t, int64_t>> stepsInBlocks(gemma::FunctionOp function);

} // namespace gemmac

#endif // GEMMAC_PASSES_PLAN_BARRIERS_H
