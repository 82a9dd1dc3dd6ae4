// The functions that turn pictures and sounds into soft tokens.
#ifndef GEMMAC_COMPILER_IMPORT_ENCODERBUILDERS_H
#define GEMMAC_COMPILER_IMPORT_ENCODERBUILDERS_H

#include "compiler/import/FunctionMaker.h"

namespace gemmac {

/// `func @encode_image(patches [pool^2 rows, 3 patch^2] f32, places [pool^2 rows, 2] i32) -> soft_tokens [rows,
/// hidden]` (spec 4.3, 4.4, 4.5). The patches of one pooling cell follow each other. \param hidden of the text model.
void buildImageEncoder(mlir::MLIRContext &context, const VisionConfig &config, int64_t hidden, WeightSymbols &weights);

/// `func @encode_audio(mel [4 rows, bins] f32, valid [4 rows, 1] i32) -> soft_tokens [rows, hidden]`
/// (spec 5.2, 5.3, 5.4). The caller fills the frames of the last row up with zeros that are not valid. What becomes of
/// frames that are not valid is nothing to use.
void buildAudioEncoder(mlir::MLIRContext &context, const AudioConfig &config, int64_t hidden, WeightSymbols &weights);

/// The same without an encoder (spec 10): one patch for each row of the call, `places` of it, of pixels in 0 to 1.
void buildImageEncoder(mlir::MLIRContext &context, const PatchEmbedderConfig &config, int64_t hidden,
                       WeightSymbols &weights);

/// `func @encode_audio(samples [rows, samples of a soft token] f32) -> soft_tokens [rows, hidden]` (spec 10).
void buildAudioEncoder(mlir::MLIRContext &context, const SampleEmbedderConfig &config, int64_t hidden,
                       WeightSymbols &weights);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_ENCODERBUILDERS_H
