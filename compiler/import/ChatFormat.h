// What a program feeds for a conversation, given its ChatFormat: the compiler's own reading of gemmac/program.h, which
// is compared with what the checkpoint's template writes. The runtime's is in runtime/src/generate/Conversation.cpp.
#ifndef GEMMAC_COMPILER_IMPORT_CHATFORMAT_H
#define GEMMAC_COMPILER_IMPORT_CHATFORMAT_H

#include "compiler/import/Model.h"

namespace gemmac {

/// Texts of a conversation. The last is a user's and asks for an answer.
struct ChatTexts {
  std::optional<std::string> system;
  std::vector<std::string> turns; ///< user, answer, user, ..., user
};

/// An answer as the history has it: thoughts left out and trimmed as the flags say.
std::string answerInHistory(const ChatFormat &format, llvm::StringRef answer);

/// The whole text, <bos> included.
std::string composeChat(const ChatFormat &format, gemmac_thinking thinking, const ChatTexts &texts);

/// The formats of the published models.
/// \param closedThought  the prompt ends with an empty, closed thought unless the model is to think (12B and larger)
ChatFormat gemma4Format(llvm::StringRef bos, bool closedThought);
ChatFormat gemma3Format(llvm::StringRef bos);

/// Feed and remember the same for the same conversations.
bool sameFormat(const ChatFormat &a, const ChatFormat &b);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_CHATFORMAT_H
