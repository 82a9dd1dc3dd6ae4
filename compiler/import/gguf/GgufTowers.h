// The towers of a GGUF model, which llama.cpp keeps in a file of their own ("mmproj", architecture "clip"; spec 8.2).
#ifndef GEMMAC_COMPILER_IMPORT_GGUF_GGUFTOWERS_H
#define GEMMAC_COMPILER_IMPORT_GGUF_GGUFTOWERS_H

#include "compiler/import/TensorFiles.h"
#include "compiler/import/gguf/GgufFile.h"
#include "compiler/import/gguf/GgufTowerNames.h"

namespace gemmac {

struct GgufTowers {
  TowerKind kind = TowerKind::Encoders; ///< of the file, also where no tower of it is read
  TowerConfigs configs;
};

/// What the metadata say of the towers, and what only the tensors tell: sizes of heads and tables, taps, channels,
/// whether linears clip. What neither does is what the classes of the published models have. Every field of "clip." is
/// honoured, refused or known to be harmless. Towers that `options` leaves out are not looked at.
/// \param hidden  of the text model: a file of another model is an error
llvm::Expected<GgufTowers> readGgufTowers(llvm::StringRef file, const GgufFile &gguf, int64_t hidden,
                                          const ImportOptions &options, std::vector<std::string> &notes);

/// The tensors under the names of Towers.h, in the shapes that it has; those of no tower are an error.
llvm::Expected<TowerFiles> nameGgufTowers(llvm::StringRef file, const GgufFile &gguf, const GgufTowers &towers);

/// Reads `options.projector` and adds its towers to `result`, a text model of Gemma 4. A mistake is an error: the user
/// asked for them.
llvm::Error importGgufTowers(const ImportOptions &options, Checkpoint &result);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_GGUF_GGUFTOWERS_H
