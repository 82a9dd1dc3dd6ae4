// GGUF metadata -> ModelConfig: the fields that llama.cpp's converters write for the architectures gemma3 and gemma4.
#ifndef GEMMAC_COMPILER_IMPORT_GGUF_GGUFCONFIG_H
#define GEMMAC_COMPILER_IMPORT_GGUF_GGUFCONFIG_H

#include "compiler/import/Model.h"
#include "compiler/import/gguf/GgufFile.h"

namespace gemmac {

/// Every field of the architecture is honoured, refused or known to be harmless. Metadata leave some things to the
/// tensors: the vocabularies (rows of the tables), whether the head is tied, which layers' keys are values.
/// Ollama's converter leaves out what it knows of the published models: that is filled in, with a note.
/// \param ropeFactors  the values of rope_freqs.weight; empty when the file has none
/// \returns the configuration, its `name` left empty
llvm::Expected<ModelConfig> readGgufConfig(llvm::StringRef file, const GgufFile &gguf,
                                           llvm::ArrayRef<float> ropeFactors, const ImportOptions &options,
                                           std::vector<std::string> &notes);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_GGUF_GGUFCONFIG_H
