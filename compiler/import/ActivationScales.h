// Static scales of activations: two scalars beside each quantized matrix of the mobile scheme. What it reads and what
// it gives are rounded to a grid, clamp(round(x / scale), -128, 127) * scale; a scale of 0 says that there is none.
#ifndef GEMMAC_COMPILER_IMPORT_ACTIVATIONSCALES_H
#define GEMMAC_COMPILER_IMPORT_ACTIVATIONSCALES_H

#include "compiler/import/QuantizedTensors.h"

namespace gemmac {

/// Takes "BASE.input_activation_scale" and "BASE.output_activation_scale" out of `stored` and reads them; zeros when
/// neither is there. Errors: one without the other, no scalar, negative, not finite.
llvm::Error takeActivationScales(llvm::StringRef base, TensorFiles &stored, ActivationScales &result);

/// Takes out and notes those that belong to matrices of the model which are not quantized.
void dropUnusedActivationScales(const TensorShapes &shapes, TensorFiles &stored, std::vector<std::string> &notes);

/// Checks what programs rely on, and notes how many matrices have grids: matrices that read the same activations have
/// one input scale, experts have none.
llvm::Error checkActivationScales(Checkpoint &checkpoint);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_ACTIVATIONSCALES_H
