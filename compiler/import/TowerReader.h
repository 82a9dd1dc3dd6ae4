// vision_config and audio_config of config.json (spec 1.2, 1.3). As in the rest of the file every field is honoured,
// refused, or in a table of fields that cannot change the arithmetic.
#ifndef GEMMAC_COMPILER_IMPORT_TOWERREADER_H
#define GEMMAC_COMPILER_IMPORT_TOWERREADER_H

#include "compiler/import/Json.h"
#include "compiler/import/Towers.h"

#include "llvm/Support/Error.h"

namespace gemmac {

/// \param file  the name for messages
llvm::Expected<VisionConfig> readVisionConfig(llvm::StringRef file, const Json &object);
llvm::Expected<AudioConfig> readAudioConfig(llvm::StringRef file, const Json &object);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_TOWERREADER_H
