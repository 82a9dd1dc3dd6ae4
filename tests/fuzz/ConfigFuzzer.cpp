// config.json, generation_config.json and tokenizer_config.json from one input. A configuration that is accepted must
// be consistent, with sizes whose products fit.
#include "FuzzSupport.h"
#include "compiler/import/ChatFormatReader.h"
#include "compiler/import/ConfigReader.h"
#include "compiler/import/SamplingReader.h"

using namespace gemmac;

static void checkModel(const ModelConfig &model) {
  require(model.vocab > 0 && model.hidden > 0 && model.context > 0 && !model.layers.empty());
  require(model.layers.back().fullAttention);
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const LayerConfig &layer = model.layers[i];
    require(layer.heads > 0 && layer.kvHeads > 0 && layer.heads % layer.kvHeads == 0);
    require(layer.headDim > 0 && layer.headDim % 2 == 0 && layer.rope.pairs >= 0 &&
            layer.rope.pairs <= layer.headDim / 2);
    require(layer.fullAttention ? layer.window == 0 : layer.window > 0);
    require(layer.kvSource >= 0 && layer.kvSource <= static_cast<int64_t>(i));
    const LayerConfig &source = model.layers[layer.kvSource];
    require(model.ownsKv(layer.kvSource) && source.fullAttention == layer.fullAttention);
    require(source.kvHeads == layer.kvHeads && source.headDim == layer.headDim);
  }
  for (const auto &[name, shape] : expectedTensors(model)) {
    int64_t bytes = 4;
    for (int64_t size : shape)
      require(size > 0 && !__builtin_mul_overflow(bytes, size, &bytes));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef input = fuzzInput(data, size);
  if (std::optional<ConfigFile> config = accepted(readConfig("f", input)))
    checkModel(config->model);
  std::vector<std::string> notes;
  if (std::optional<SamplingConfig> sampling = accepted(readSampling("f", input, 1000, notes)))
    for (int32_t id : sampling->stopIds)
      require(id >= 0 && id < 1000);
  if (std::optional<TokenizerSettings> settings = accepted(readTokenizerSettings("f", input)))
    writesClosedThought(settings->chatTemplate.value_or(""));
  writesClosedThought(input);
  return 0;
}
