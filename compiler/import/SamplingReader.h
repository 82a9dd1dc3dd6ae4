// generation_config.json -> SamplingConfig: the defaults of the program's command line (spec 6.4).
#ifndef GEMMAC_COMPILER_IMPORT_SAMPLINGREADER_H
#define GEMMAC_COMPILER_IMPORT_SAMPLINGREADER_H

#include "compiler/import/Model.h"

namespace gemmac {

struct SamplingFile {
  SamplingConfig sampling; ///< its `stopIds` are left empty
  ListedIds stops;         ///< as the file lists them; empty when it names none
};

/// \param vocab  the size of the vocabulary
/// \param notes  gets a line for each setting that the program does not have
/// Without do_sample the temperature is 0 (greedy), as in the reference.
llvm::Expected<SamplingFile> readSampling(llvm::StringRef file, llvm::StringRef text, int64_t vocab,
                                          std::vector<std::string> &notes);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_SAMPLINGREADER_H
