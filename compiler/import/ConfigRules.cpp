#include "compiler/import/ConfigRules.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace gemmac;

std::string gemmac::checkHeads(const ModelConfig &model) {
  for (auto [index, layer] : llvm::enumerate(model.layers)) {
    if (layer.headDim % 2)
      return llvm::formatv("layer {0} has head_dim {1}, expected an even number: rotary embedding turns pairs", index,
                           layer.headDim);
    if (layer.heads % layer.kvHeads)
      return llvm::formatv("layer {0} has {1} attention heads and {2} key-value heads, expected a multiple", index,
                           layer.heads, layer.kvHeads);
  }
  return {};
}

std::string gemmac::shareKeysAndValues(ModelConfig &model, int64_t shared) {
  auto count = static_cast<int64_t>(model.layers.size()), first = count - shared;
  for (int64_t i = first; i < count; ++i) {
    LayerConfig &layer = model.layers[i];
    int64_t source = first - 1;
    while (source >= 0 && model.layers[source].fullAttention != layer.fullAttention)
      --source;
    if (source < 0)
      return llvm::formatv("layer {0} has {1}_attention and no layer before {2} has it, expected fewer layers than {3} "
                           "to reuse keys and values",
                           i, layer.fullAttention ? "full" : "sliding", first, shared);
    const LayerConfig &producer = model.layers[source];
    if (producer.headDim != layer.headDim || producer.kvHeads != layer.kvHeads)
      return llvm::formatv("layer {0} reuses the keys and values of layer {1} but has {2} x {3} of them, expected {4} "
                           "x {5}",
                           i, source, layer.kvHeads, layer.headDim, producer.kvHeads, producer.headDim);
    layer.kvSource = source;
  }
  return {};
}
