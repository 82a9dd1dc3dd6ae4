// Tensors of quantized checkpoints: integers in one tensor, scales in another, joined to one of the model's.
#ifndef GEMMAC_COMPILER_IMPORT_QUANTIZEDTENSORS_H
#define GEMMAC_COMPILER_IMPORT_QUANTIZEDTENSORS_H

#include "compiler/import/TensorFiles.h"

namespace gemmac {

/// Shapes by canonical name.
using TensorShapes = std::map<std::string, std::vector<int64_t>>;

/// The tensors that a quantized checkpoint may have in place of the experts' batched ones:
/// "layers.0.experts.7.up_proj.weight".
TensorShapes expertShapes(const ModelConfig &config);

/// Replaces the tensors that `layout` stores for a quantized matrix by one of the matrix's own name, whose
/// `dtype` is the name of a Encoding and which has `scales`. Its shape is the one that `shapes` expects;
/// errors say what does not fit. Scales of caches are taken out and noted; those of activations too, where the
/// layout does not define their use.
///   compressed-tensors: X.weight_packed I32 [rows, cols / 8 or 4], X.weight_scale [rows, groups or 1], X.weight_shape
///   gemma: X.weight U8 or I8 and X.weight_scale; X.embedding_quantized and X.embedding_scale; F32 scales of whole
///   rows; static scales of activations (ActivationScales.h)
llvm::Error joinQuantized(QuantizedLayout layout, const TensorShapes &shapes, TensorFiles &stored,
                          std::vector<std::string> &notes);

/// Gives the checkpoint the batched tensors of experts, stacked from `Checkpoint::pieces`, where the files
/// have single ones.
/// Errors: an expert that is missing, or stored unlike the others.
llvm::Error stackExperts(Checkpoint &checkpoint);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_QUANTIZEDTENSORS_H
