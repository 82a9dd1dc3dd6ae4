// From a checkpoint's description to a module of the gemma dialect, level 0.
#ifndef GEMMAC_COMPILER_IMPORT_MODULEBUILDER_H
#define GEMMAC_COMPILER_IMPORT_MODULEBUILDER_H

#include "compiler/import/Model.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace gemmac {

/// Builds `func @forward(ids [rows] i32, positions [rows] i32) -> logits [rows, vocab] f32` exactly as
/// spec 3 states the arithmetic in float32, one op per line of it, before it a gemma.weight per tensor in order of use
/// and a gemma.kv_cache @kv.<layer> per layer that owns one, and the module attribute `gemma.model`. No file is read.
/// Loads the dialects that it needs into `context`.
/// \returns null, after a diagnostic, when a tensor is missing, is never used or has another shape than its use wants.
mlir::OwningOpRef<mlir::ModuleOp> buildModule(mlir::MLIRContext &context, const Checkpoint &checkpoint);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_MODULEBUILDER_H
