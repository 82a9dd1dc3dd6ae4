// The chat template -> ChatFormat (spec 6.3). There is no Jinja here: templates of Gemma 4 and 3 are recognised by their
// control tokens, and the one thing in which those of Gemma 4 differ for text chats is looked for.
#ifndef GEMMAC_COMPILER_IMPORT_CHATFORMATREADER_H
#define GEMMAC_COMPILER_IMPORT_CHATFORMATREADER_H

#include "compiler/import/Model.h"
#include "compiler/import/TokenizerReader.h"

namespace gemmac {

/// What tokenizer_config.json says.
struct TokenizerSettings {
  std::optional<std::string> bosToken, chatTemplate;
  bool addsBos = true; ///< add_bos_token
};

llvm::Expected<TokenizerSettings> readTokenizerSettings(llvm::StringRef file, llvm::StringRef text);

/// Whether the generation prompt ends with an empty, closed thought: "<|channel>thought\n<channel|>" is written, in one
/// string literal or as plain text, after the template's last test of add_generation_prompt.
bool writesClosedThought(llvm::StringRef chatTemplate);

/// \param bos    the text of the <bos> token; may be empty
/// \param notes  gets a line when the template is of neither, and then everything is empty
ChatFormat readChatFormat(llvm::StringRef chatTemplate, llvm::StringRef bos, const Vocabulary &vocabulary,
                          std::vector<std::string> &notes);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_CHATFORMATREADER_H
