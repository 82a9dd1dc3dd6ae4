// The chat format of a checkpoint: what its template says, or what people chose instead.
#ifndef GEMMAC_COMPILER_IMPORT_CHATFORMATREADER_H
#define GEMMAC_COMPILER_IMPORT_CHATFORMATREADER_H

#include "compiler/import/ChatProbe.h"

namespace gemmac {

/// What tokenizer_config.json says.
struct TokenizerSettings {
  std::optional<std::string> bosToken, chatTemplate;
  bool addsBos = true;  ///< add_bos_token
  SpecialTokens tokens; ///< of "eos_token", "pad_token" and "unk_token" those that are named
};

llvm::Expected<TokenizerSettings> readTokenizerSettings(llvm::StringRef file, llvm::StringRef text);

/// Sets result.chat and adds notes about it. result.bosId says what <bos> is.
/// \param file          where the template stands, for messages
/// \param chatTemplate  nothing: the checkpoint has none
/// \param tokens        that the template may write, beside <bos>
/// \returns an ImportError when the template cannot be followed, or a chosen format lacks its tokens
llvm::Error importChat(llvm::StringRef file, const std::optional<std::string> &chatTemplate, SpecialTokens tokens,
                       const Vocabulary &vocabulary, const ImportOptions &options, Checkpoint &result);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_CHATFORMATREADER_H
