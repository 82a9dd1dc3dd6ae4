#include "compiler/import/SamplingReader.h"

#include "compiler/import/Json.h"
#include "compiler/import/SpecialTokens.h"

using namespace gemmac;
using llvm::StringRef;

// Fields that do not change which tokens come out of one prompt with one sequence, or that come from elsewhere.
static constexpr llvm::StringLiteral harmless[] = {"_from_model_config",
                                                   "transformers_version",
                                                   "bos_token_id",
                                                   "pad_token_id",
                                                   "cache_implementation",
                                                   "use_cache",
                                                   "max_length",
                                                   "max_new_tokens",
                                                   "output_attentions",
                                                   "output_hidden_states",
                                                   "output_logits",
                                                   "output_scores",
                                                   "return_dict_in_generate",
                                                   "trust_remote_code"};

llvm::Expected<SamplingFile> gemmac::readSampling(StringRef file, StringRef text, int64_t vocab,
                                                  std::vector<std::string> &notes) {
  llvm::Expected<Json> json = parseJson(file, text, DuplicateKeys::refuse);
  if (!json)
    return json.takeError();
  if (!json->is_object())
    return importError(file, "the file holds {0}, expected an object", describe(*json));
  Fields fields(file, "", *json);
  SamplingFile result;
  SamplingConfig &sampling = result.sampling;
  bool sample = fields.optionalBoolean("do_sample").value_or(false);
  double temperature = fields.optionalNumber("temperature", 0.0, 1000.0).value_or(1.0);
  sampling.temperature = sample ? temperature : 0.0;
  sampling.topK = fields.optionalInteger("top_k", 0, INT32_MAX).value_or(50); // the class's default
  sampling.topP = fields.optionalNumber("top_p", 0.0, 1.0).value_or(1.0);
  result.stops = readListedIds(fields, "eos_token_id", vocab);
  sampling.suppressIds = readListedIds(fields, "suppress_tokens", vocab).ids; // others never come out anyway
  if (llvm::Error error = fields.takeError())
    return std::move(error);
  for (const std::string &name : fields.unread())
    if (!llvm::is_contained(harmless, StringRef(name)) && fields.any(name))
      notes.push_back((file + ": field " + inQuotes(name) + " is left out, the program has no such default").str());
  return result;
}
