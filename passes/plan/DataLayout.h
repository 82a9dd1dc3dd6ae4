// What functions read of the data section: order and cost.
#ifndef GEMMAC_PASSES_PLAN_DATALAYOUT_H
#define GEMMAC_PASSES_PLAN_DATALAYOUT_H

#include "dialects/Gemma/GemmaDialect.h"

#include "mlir/IR/BuiltinOps.h"

namespace gemmac {

/// Sets the offsets of all packed weights, multiples of 64, and brings the symbols into that order: vectors, then
/// matrices as the functions (in their order in the module) use them, so that decode reads forward; the same of what
/// functions for pictures and sounds alone read, whose pages others leave untouched; then tables read by row, which are
/// not mapped (gemma.packed). Sets `data_bytes`, `mapped_bytes` and `table_row_bytes` of the program.
void assignDataOffsets(mlir::ModuleOp module, gemma::ProgramOp program);

/// Sets `weight_bytes` and `multiply_adds` of a function: packed bytes that a call with one row reads (of
/// tables one row, of experts top-k; a matrix counts for each step that reads it), and multiply-adds of its matrices
/// per row, padding and attention scores excluded.
void setFunctionCosts(gemma::FunctionOp function, mlir::SymbolTable &symbols);

/// Packed bytes that one step reads for one row, as `weight_bytes` of a function counts them.
int64_t weightBytesRead(mlir::Operation *step, mlir::SymbolTable &symbols);

} // namespace gemmac

#endif // GEMMAC_PASSES_PLAN_DATALAYOUT_H
