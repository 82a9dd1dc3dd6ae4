// Tokens with a part to play: the one that begins texts, those that end answers, those around turns. What a file says
// about them is held against the vocabulary, which has the word: converters get flags and types wrong, and a program
// without <bos>, or one that runs past the end of a turn, answers rubbish.
#ifndef GEMMAC_COMPILER_IMPORT_SPECIALTOKENS_H
#define GEMMAC_COMPILER_IMPORT_SPECIALTOKENS_H

#include "compiler/import/Json.h"
#include "compiler/import/Model.h"
#include "compiler/import/TokenizerReader.h"

namespace gemmac {

/// Reads a token id or a list of token ids. Negative ones stand for "none" and are skipped; an absent field and null
/// give empty lists; anything else is a mistake of `fields`.
ListedIds readListedIds(Fields &fields, llvm::StringRef name, int64_t vocab);

/// What a file says about the token that begins texts.
struct BosClaim {
  std::string file;                ///< where id or text stand, for messages
  std::optional<int64_t> id;       ///< bos_token_id
  std::optional<std::string> text; ///< bos_token, which goes before the id
  std::string flagFile;            ///< where add_bos_token stands
  bool isAdded = true;             ///< add_bos_token
};

/// The id of the token that begins every text: "<bos>" of the vocabulary; where there is none, what the file claims; -1
/// when that is no token either. A claim that says otherwise is overridden with a note.
llvm::Expected<int32_t> findBos(const BosClaim &claim, const Vocabulary &vocabulary, std::vector<std::string> &notes);

/// Whether a token of this text and id marks turns, begins texts or ends answers, whatever a file says of its type.
bool isControlToken(llvm::StringRef text, llvm::ArrayRef<int32_t> stopIds, uint32_t id);

/// Makes control tokens of those that mark turns, begin texts or end answers, where the file calls them plain text:
/// else a program would print them, and people could write turns. Stop tokens that are words stay words. \param notes
/// gets a line when tokens that begin texts, end answers or mark turns were wrong
void markControlTokens(llvm::StringRef file, llvm::ArrayRef<int32_t> stopIds, Vocabulary &vocabulary,
                       std::vector<std::string> &notes);

/// Completes the list of tokens that end an answer: the end of a turn and <eos> always do, and the hand-over to a tool
/// in formats that have one. \param file    where `listed` comes from \param isTold  whether what is added is worth a
/// note: false for files that have no room for a whole list, whose turn ends
///                are added even without a chat format
/// \returns an error when a listed token was left out of the vocabulary
llvm::Expected<std::vector<int32_t>> completeStopIds(llvm::StringRef file, const ListedIds &listed,
                                                     const Vocabulary &vocabulary, const ChatFormat &chat, bool isTold,
                                                     std::vector<std::string> &notes);

/// Tokens of the tokenizer without a row in the model's tables: noted, an error when the chat template needs one.
llvm::Error checkLeftOut(llvm::StringRef file, const Vocabulary &vocabulary, llvm::StringRef chatTemplate,
                         const ChatFormat &chat, std::vector<std::string> &notes);

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_SPECIALTOKENS_H
