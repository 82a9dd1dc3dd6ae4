// The GGUF container, version 3: a header of metadata and tensor places, then the tensors' bytes. Only the header is
// read; whatever it claims is checked before it is used.
#ifndef GEMMAC_COMPILER_IMPORT_GGUF_GGUFFILE_H
#define GEMMAC_COMPILER_IMPORT_GGUF_GGUFFILE_H

#include "compiler/import/Json.h"
#include "compiler/import/Safetensors.h"
#include "compiler/import/gguf/GgufCursor.h"

namespace gemmac {

struct GgufFile {
  /// One object, a field per key. A 32-bit float becomes the shortest decimal number that rounds to it, which is what
  /// the configuration it was converted from had.
  Json metadata;
  StoredTensors tensors; ///< shapes outermost dimension first, as elsewhere; `dtype` is a name of Encoding.h
};

/// Checked: types that gemmac has, rows of whole blocks, spans inside the file, aligned, without overlap, no name
/// twice. \param file  the name for messages
llvm::Expected<GgufFile> readGguf(llvm::StringRef file, uint64_t fileBytes, ReadBytes read);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_GGUF_GGUFFILE_H
