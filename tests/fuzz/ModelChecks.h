// What every accepted configuration promises, whatever file it came from.
#ifndef GEMMAC_TESTS_FUZZ_MODELCHECKS_H
#define GEMMAC_TESTS_FUZZ_MODELCHECKS_H

#include "FuzzSupport.h"
#include "compiler/import/Model.h"

namespace gemmac {

inline void checkModel(const ModelConfig &model) {
  require(model.vocab > 0 && model.hidden > 0 && model.context > 0 && !model.layers.empty());
  require(model.layers.back().fullAttention || model.architecture == "Gemma3ForCausalLM");
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

} // namespace gemmac

#endif // GEMMAC_TESTS_FUZZ_MODELCHECKS_H
