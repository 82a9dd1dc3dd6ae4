// How the GGUF files of towers ("mmproj") spell the names of tensors (spec 8.2).
#ifndef GEMMAC_COMPILER_IMPORT_GGUF_GGUFTOWERNAMES_H
#define GEMMAC_COMPILER_IMPORT_GGUF_GGUFTOWERNAMES_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace gemmac {

/// Whose file it is: of a model with encoders, or of the one without (spec 10). Some names mean different tensors.
enum class TowerKind { Encoders, Embedders };

/// "v.blk.3.attn_q.weight" -> "vision_tower.encoder.layers.3.self_attn.q_proj.linear.weight", a name of Towers.h; empty
/// for a tensor that is of no tower of the kind.
std::string canonicalTowerName(llvm::StringRef stored, TowerKind kind);

/// The other way round; empty for what GGUF files do not have.
std::string storedTowerName(llvm::StringRef canonical);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_GGUF_GGUFTOWERNAMES_H
