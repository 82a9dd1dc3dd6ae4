// tokenizer.json. A tokenizer that is accepted is serialized, and the table must hold what abi.h promises.
#include "TokenizerChecks.h"
#include "compiler/import/SpecialTokens.h"

using namespace gemmac;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::optional<Vocabulary> vocabulary = accepted(readTokenizer("f", fuzzInput(data, size), 48));
  if (!vocabulary)
    return 0;
  checkVocabulary(*vocabulary);
  for (const AddedToken &token : vocabulary->leftOut)
    require(token.id >= 48);
  std::vector<std::string> notes;
  markControlTokens("f", {1, 7}, *vocabulary, notes);
  checkVocabulary(*vocabulary);
  return 0;
}
