// A GGUF file that is open, its header read.
#ifndef GEMMAC_COMPILER_IMPORT_GGUF_GGUFSOURCE_H
#define GEMMAC_COMPILER_IMPORT_GGUF_GGUFSOURCE_H

#include "compiler/import/FileAccess.h"
#include "compiler/import/gguf/GgufFile.h"

namespace gemmac {

struct GgufSource {
  std::string directory; ///< where the file lies; "." where the path does not say
  InputFile file;
  GgufFile gguf;

  static llvm::Expected<GgufSource> open(llvm::StringRef path);
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_GGUF_GGUFSOURCE_H
