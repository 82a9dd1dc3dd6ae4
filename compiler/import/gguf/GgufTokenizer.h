// Tokenizer metadata of a GGUF file -> Vocabulary, and the token ids that generation needs.
#ifndef GEMMAC_COMPILER_IMPORT_GGUF_GGUFTOKENIZER_H
#define GEMMAC_COMPILER_IMPORT_GGUF_GGUFTOKENIZER_H

#include "compiler/import/SpecialTokens.h"

namespace gemmac {

struct GgufTokenizer {
  Vocabulary vocabulary; ///< control tokens marked as such, whatever the file calls them (markControlTokens)
  BosClaim bos;          ///< as the file has it
  ListedIds stops;       ///< eos, eot and eom; the file has no room for a whole list, but for Ollama's eos_token_ids
  std::vector<int32_t> suppressIds;
  std::vector<std::string> notes;
};

/// Two kinds: 'llama' has scores, and merges are derived from them so that encoding gives SentencePiece's ids; 'gemma4'
/// (and 'gpt2', which older converters wrote for vocabularies without a SentencePiece model) has the merges themselves.
/// Ollama calls both kinds 'llama': merges go before scores. \param metadata  the whole of a file's \param vocab the
/// model's vocabulary; control and user-defined tokens beyond it are left out
llvm::Expected<GgufTokenizer> readGgufTokenizer(llvm::StringRef file, const Json &metadata, int64_t vocab,
                                                const ImportOptions &options = {});

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_GGUF_GGUFTOKENIZER_H
