// The gemma dialect for C++: ops of all levels, attributes, the buffer type, enums, interfaces. What each op means and
// which constraints it verifies stands in the .td files.
#ifndef GEMMAC_DIALECTS_GEMMA_GEMMADIALECT_H
#define GEMMAC_DIALECTS_GEMMA_GEMMADIALECT_H

#include "dialects/Gemma/FusedUses.h"
#include "dialects/Gemma/StepUses.h"
#include "dialects/formats/Enums.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Gemma/GemmaDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Gemma/GemmaAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Gemma/GemmaTypes.h.inc"

#include "dialects/Gemma/GemmaInterfaces.h.inc"

#define GET_OP_CLASSES
#include "dialects/Gemma/GemmaOps.h.inc"

namespace gemmac::gemma {

/// The output_activation_scale of each source of a matrix, 0 where it has none; empty where none has one.
llvm::SmallVector<double> outputScalesOf(llvm::ArrayRef<WeightOp> sources);
/// What each source gives, `lo, hi, lo, hi`, as gemma.packed has it; empty where none gives bounds.
llvm::SmallVector<double> outputBoundsOf(llvm::ArrayRef<WeightOp> sources);

} // namespace gemmac::gemma

#endif // GEMMAC_DIALECTS_GEMMA_GEMMADIALECT_H
