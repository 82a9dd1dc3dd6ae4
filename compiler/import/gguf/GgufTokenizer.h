// Tokenizer metadata of a GGUF file -> Vocabulary, and the token ids that generation needs.
#ifndef GEMMAC_COMPILER_IMPORT_GGUF_GGUFTOKENIZER_H
#define GEMMAC_COMPILER_IMPORT_GGUF_GGUFTOKENIZER_H

#include "compiler/import/Json.h"
#include "compiler/import/TokenizerReader.h"

namespace gemmac {

struct GgufTokenizer {
  Vocabulary vocabulary;
  int32_t bosId = -1; ///< -1 also when the file says not to add one
  std::vector<int32_t> stopIds, suppressIds;
};

/// Two kinds: 'llama' has scores, and merges are derived from them so that encoding gives SentencePiece's ids; 'gemma4'
/// (and 'gpt2', which older converters wrote for vocabularies without a SentencePiece model) has the merges themselves.
/// \param metadata  the whole of a file's
/// \param vocab     the model's vocabulary; ids must be below
llvm::Expected<GgufTokenizer> readGgufTokenizer(llvm::StringRef file, const Json &metadata, int64_t vocab);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_GGUF_GGUFTOKENIZER_H
