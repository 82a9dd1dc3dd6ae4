// A checkpoint's chat template -> ChatFormat, by rendering conversations of known texts and looking at what stands
// between them. Then more conversations are rendered and compared with what a program would feed.
#ifndef GEMMAC_COMPILER_IMPORT_CHATPROBE_H
#define GEMMAC_COMPILER_IMPORT_CHATPROBE_H

#include "compiler/import/ChatFormat.h"
#include "compiler/import/TokenizerReader.h"

namespace gemmac {

/// Names and texts of special tokens that templates may write: "bos_token" -> "<bos>".
using SpecialTokens = std::map<std::string, std::string>;

/// \param file    what messages call the template
/// \param tokens  "bos_token" is what programs feed first, whether or not the template writes it
/// \returns an ImportError when the template cannot be rendered, or when plain conversations of one to three questions
/// do not
///          follow one pattern. What else differs is in ChatFormat::differences.
llvm::Expected<ChatFormat> probeChatTemplate(llvm::StringRef file, llvm::StringRef text, const SpecialTokens &tokens,
                                             const Vocabulary &vocabulary);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_CHATPROBE_H
