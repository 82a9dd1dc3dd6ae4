// config.json, generation_config.json and tokenizer_config.json from one input. A configuration that is accepted must
// be consistent, with sizes whose products fit.
#include "ModelChecks.h"
#include "compiler/import/ChatFormatReader.h"
#include "compiler/import/ConfigReader.h"
#include "compiler/import/SamplingReader.h"

using namespace gemmac;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef input = fuzzInput(data, size);
  if (std::optional<ConfigFile> config = accepted(readConfig("f", input)))
    checkModel(config->model);
  std::vector<std::string> notes;
  accepted(readConfig("f", input, {{"text_config.odd", "odd"}}));
  if (std::optional<SamplingFile> file = accepted(readSampling("f", input, 1000, notes)))
    for (const std::vector<int32_t> *ids : {&file->stops.ids, &file->sampling.suppressIds})
      for (int32_t id : *ids)
        require(id >= 0 && id < 1000);
  accepted(readTokenizerSettings("f", input));
  return 0;
}
