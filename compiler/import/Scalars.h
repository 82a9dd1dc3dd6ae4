// Small tensors that decide what the model computes, read while everything else stays in its file.
#ifndef GEMMAC_COMPILER_IMPORT_SCALARS_H
#define GEMMAC_COMPILER_IMPORT_SCALARS_H

#include "compiler/import/TensorFiles.h"

namespace gemmac {

/// The one number of a tensor of `stored`. Errors: another type than F32, F16 and BF16, more than one element.
llvm::Expected<float> readScalar(llvm::StringRef name, const StoredTensor &tensor, const TensorFiles &stored);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_SCALARS_H
