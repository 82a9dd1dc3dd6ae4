// vision_config and audio_config of config.json (spec 1.2, 1.3, 10). As in the rest of the file every field is
// honoured, refused, or in a table of fields that cannot change the arithmetic.
#ifndef GEMMAC_COMPILER_IMPORT_TOWERREADER_H
#define GEMMAC_COMPILER_IMPORT_TOWERREADER_H

#include "compiler/import/Json.h"
#include "compiler/import/Towers.h"

namespace gemmac {

/// What a tower's object says; mistakes are recorded in `fields`, which finishTower() then asks for them.
VisionConfig readVisionConfig(Fields &fields);
AudioConfig readAudioConfig(Fields &fields);
PatchEmbedderConfig readPatchEmbedderConfig(Fields &fields);
SampleEmbedderConfig readSampleEmbedderConfig(Fields &fields);

/// What is wrong, without the file's name; empty when nothing is. \param ignored, notes  as Fields::finish has them.
std::string finishTower(Fields &fields, llvm::ArrayRef<std::string> ignored, std::vector<std::string> &notes);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_TOWERREADER_H
