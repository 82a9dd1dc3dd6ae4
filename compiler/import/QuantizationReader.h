// config.json's "quantization_config": which layouts of quantized tensors a checkpoint uses. Bits and scales of each
// tensor follow from the tensors themselves (QuantizedTensors.h); here what gemmac cannot honour is refused.
#ifndef GEMMAC_COMPILER_IMPORT_QUANTIZATIONREADER_H
#define GEMMAC_COMPILER_IMPORT_QUANTIZATIONREADER_H

#include "compiler/import/Json.h"
#include "compiler/import/Model.h"

namespace gemmac {

/// Reads the object `config`, which is field `name` of `fields`. Mistakes are recorded
/// there; what is set aside is noted.
QuantizedLayout readQuantization(Fields &fields, llvm::StringRef file, llvm::StringRef name, const Json &config,
                                 std::vector<std::string> &notes);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_QUANTIZATIONREADER_H
