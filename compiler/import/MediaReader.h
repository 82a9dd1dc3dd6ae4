// How pictures and sounds stand in a prompt (spec 6.1, 6.2): the token ids of config.json or of the vocabulary, and
// what the processor's files say of pictures.
#ifndef GEMMAC_COMPILER_IMPORT_MEDIAREADER_H
#define GEMMAC_COMPILER_IMPORT_MEDIAREADER_H

#include "compiler/import/Json.h"
#include "compiler/import/Model.h"
#include "compiler/import/TokenizerReader.h"

namespace gemmac {

/// The ids of the towers of `model`, and the sides of patches, into `model.media`. A field that is missing counts as in
/// the config class. A tower with an id beyond the vocabulary is set aside with a note: the text model does without.
void readMediaTokens(Fields &top, ModelConfig &model, std::vector<std::string> &notes);

/// The text of the token in whose place the soft tokens of a picture come.
inline constexpr llvm::StringLiteral pictureToken = "<|image|>";

/// The same ids by the texts of the tokens, for files that do not list ids. A missing one is an error, but that of
/// videos. \param file  what holds the vocabulary, for messages
llvm::Error findMediaTokens(llvm::StringRef file, const Vocabulary &vocabulary, ModelConfig &model);

/// What the towers of `model` take, as far as it has them, into `model.media`: the sides of patches, samples.
void describeTowers(ModelConfig &model);

/// max_soft_tokens of a picture in processor_config.json or preprocessor_config.json; nothing where the file does not
/// say.
llvm::Expected<std::optional<int64_t>> readPictureBudget(llvm::StringRef file, llvm::StringRef text);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_MEDIAREADER_H
