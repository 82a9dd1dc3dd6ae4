// config.json -> ModelConfig (spec 1.1, 1.4), of Gemma 4 and of the text models of Gemma 3. Every field is honoured,
// refused, or in a table of fields that cannot change the text model's arithmetic.
#ifndef GEMMAC_COMPILER_IMPORT_CONFIGREADER_H
#define GEMMAC_COMPILER_IMPORT_CONFIGREADER_H

#include "compiler/import/Model.h"

namespace gemmac {

struct ConfigFile {
  ModelConfig model;            ///< `name` is left empty
  std::string givenName;        ///< _name_or_path: where the checkpoint came from, "org/name" or a path; may be empty
  std::optional<int64_t> bosId; ///< as the file has it, which may be beyond the vocabulary
  ListedIds eos;
  QuantizedLayout quantization = QuantizedLayout::None;
  double normAddend = 0.0; ///< what stored weights of norms lack: Gemma 3 stores factor - 1
  std::vector<std::string> notes;
};

/// \param file  the name for messages
/// \param text  the bytes of config.json
llvm::Expected<ConfigFile> readConfig(llvm::StringRef file, llvm::StringRef text, const ImportOptions &options = {});

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_CONFIGREADER_H
