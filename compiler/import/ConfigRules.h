// What holds for a configuration whatever file it came from: bounds of sizes, and rules between fields.
#ifndef GEMMAC_COMPILER_IMPORT_CONFIGRULES_H
#define GEMMAC_COMPILER_IMPORT_CONFIGRULES_H

#include "compiler/import/Model.h"

namespace gemmac {

/// Far above any published model and low enough that every product of three of them, in bytes, fits 63 bits: a
/// configuration that lies cannot make sizes wrap.
namespace limits {
inline constexpr int64_t vocab = 1 << 24, hidden = 1 << 20, layers = 1024, heads = 1 << 12, headDim = 1 << 13,
                         width = 1 << 22, experts = 1 << 16, positions = 1 << 30;
} // namespace limits

/// Heads of all layers are even and each key-value head serves a whole number of query heads.
/// \returns the first mistake as a message, empty when there is none
std::string checkHeads(const ModelConfig &model);

/// Makes the last `shared` layers read the keys and values of the last layer of their type before them (spec 3.7).
/// \returns the first mistake as a message, empty when there is none
std::string shareKeysAndValues(ModelConfig &model, int64_t shared);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_CONFIGRULES_H
