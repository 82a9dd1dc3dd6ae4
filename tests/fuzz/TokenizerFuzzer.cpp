// tokenizer.json. A tokenizer that is accepted is serialized, the table must hold what gemmac/tokenizer.h promises, and
// the runtime must encode any text with it.
#include "TokenizerChecks.h"
#include "compiler/import/SpecialTokens.h"
#include "text/Tokenizer.h"

#include <vector>

using namespace gemmac;

/// The file itself as text, once with control tokens and once without.
static void encode(const Vocabulary &vocabulary, llvm::StringRef text) {
  const std::string table = serializeTokenizer(vocabulary);
  std::vector<uint64_t> words(table.size() / 8);
  memcpy(words.data(), table.data(), words.size() * 8);
  runtime::Tokenizer tokenizer;
  require(tokenizer.open(reinterpret_cast<const uint8_t *>(words.data()), table.size(), vocabulary.size).ok());
  for (bool control : {false, true}) {
    std::vector<int32_t> ids;
    const runtime::Segment segment{{text.data(), text.size()}, control};
    tokenizer.encode({&segment, 1}, ids);
    for (int32_t id : ids)
      require(id >= 0 && static_cast<uint32_t>(id) < vocabulary.size);
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const llvm::StringRef text = fuzzInput(data, size);
  std::optional<Vocabulary> vocabulary = accepted(readTokenizer("f", text, 48));
  if (!vocabulary)
    return 0;
  checkVocabulary(*vocabulary);
  for (const AddedToken &token : vocabulary->leftOut)
    require(token.id >= 48);
  std::vector<std::string> notes;
  markControlTokens("f", {1, 7}, *vocabulary, notes);
  checkVocabulary(*vocabulary);
  encode(*vocabulary, text);
  return 0;
}
