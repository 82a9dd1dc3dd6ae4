// tokenizer.json. A tokenizer that is accepted is serialized, and the table must hold what abi.h promises.
#include "TokenizerChecks.h"

using namespace gemmac;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (std::optional<Vocabulary> vocabulary = accepted(readTokenizer("f", fuzzInput(data, size), 48)))
    checkVocabulary(*vocabulary);
  return 0;
}
