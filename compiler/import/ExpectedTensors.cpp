// Which tensors a configuration asks for, in which shapes, and why (spec 2.1).
#include "compiler/import/TensorFiles.h"

#include "llvm/Support/FormatVariadic.h"

using namespace gemmac;
using llvm::StringRef;

using Shapes = std::map<std::string, std::vector<int64_t>>;

static void addAttention(Shapes &shapes, const std::string &prefix, const LayerConfig &layer, int64_t hidden,
                         bool ownsKv) {
  int64_t queryWidth = layer.heads * layer.headDim, keyWidth = layer.kvHeads * layer.headDim;
  shapes[prefix + "q_proj.weight"] = {queryWidth, hidden};
  shapes[prefix + "o_proj.weight"] = {hidden, queryWidth};
  shapes[prefix + "q_norm.weight"] = {layer.headDim};
  if (!ownsKv)
    return;
  shapes[prefix + "k_proj.weight"] = {keyWidth, hidden};
  shapes[prefix + "k_norm.weight"] = {layer.headDim};
  if (!layer.keysAreValues)
    shapes[prefix + "v_proj.weight"] = {keyWidth, hidden};
}

static void addExperts(Shapes &shapes, const std::string &prefix, const ExpertsConfig &experts, int64_t hidden) {
  for (const char *norm :
       {"pre_feedforward_layernorm_2", "post_feedforward_layernorm_1", "post_feedforward_layernorm_2"})
    shapes[prefix + norm + ".weight"] = {hidden};
  shapes[prefix + "router.proj.weight"] = {experts.count, hidden};
  shapes[prefix + "router.scale"] = {hidden};
  shapes[prefix + "router.per_expert_scale"] = {experts.count};
  shapes[prefix + "experts.gate_up_proj"] = {experts.count, 2 * experts.width, hidden};
  shapes[prefix + "experts.down_proj"] = {experts.count, hidden, experts.width};
}

std::map<std::string, std::vector<int64_t>> gemmac::expectedTensors(const ModelConfig &config) {
  Shapes shapes;
  int64_t hidden = config.hidden, layers = static_cast<int64_t>(config.layers.size());
  shapes["embed_tokens.weight"] = {config.vocab, hidden};
  shapes["norm.weight"] = {hidden};
  if (!config.tiedHead)
    shapes["lm_head.weight"] = {config.vocab, hidden};
  if (config.perLayerEmbedding) {
    int64_t width = config.perLayerEmbedding->width;
    shapes["embed_tokens_per_layer.weight"] = {config.perLayerEmbedding->vocab, layers * width};
    shapes["per_layer_model_projection.weight"] = {layers * width, hidden};
    shapes["per_layer_projection_norm.weight"] = {width};
  }
  for (int64_t i = 0; i < layers; ++i) {
    const LayerConfig &layer = config.layers[i];
    std::string prefix = "layers." + std::to_string(i) + ".";
    for (const char *norm :
         {"input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"})
      shapes[prefix + norm + ".weight"] = {hidden};
    if (config.layerScalars)
      shapes[prefix + "layer_scalar"] = {1};
    addAttention(shapes, prefix + "self_attn.", layer, hidden, config.ownsKv(i));
    shapes[prefix + "mlp.gate_proj.weight"] = {layer.mlpWidth, hidden};
    shapes[prefix + "mlp.up_proj.weight"] = {layer.mlpWidth, hidden};
    shapes[prefix + "mlp.down_proj.weight"] = {hidden, layer.mlpWidth};
    if (config.perLayerEmbedding) {
      int64_t width = config.perLayerEmbedding->width;
      shapes[prefix + "per_layer_input_gate.weight"] = {width, hidden};
      shapes[prefix + "per_layer_projection.weight"] = {hidden, width};
      shapes[prefix + "post_per_layer_input_norm.weight"] = {hidden};
    }
    if (config.experts)
      addExperts(shapes, prefix, *config.experts, hidden);
  }
  return shapes;
}

static std::string attentionReason(const LayerConfig &layer, StringRef index, StringRef part) {
  std::string text;
  if (part.contains("norm"))
    text = llvm::formatv("head_dim {0}", layer.headDim).str();
  else if (part.starts_with("k_") || part.starts_with("v_"))
    text = llvm::formatv("{0} key-value heads x {1} head_dim", layer.kvHeads, layer.headDim).str();
  else
    text = llvm::formatv("{0} heads x {1} head_dim", layer.heads, layer.headDim).str();
  return text + "; layer " + index.str() + (layer.fullAttention ? " is full attention" : " is sliding attention");
}

std::string gemmac::shapeReason(const ModelConfig &config, StringRef name) {
  if (name.contains("per_layer_") || name.contains("_per_layer"))
    return config.perLayerEmbedding
               ? llvm::formatv("hidden_size_per_layer_input {0}", config.perLayerEmbedding->width).str()
               : "";
  if (name.contains("router.") || name.contains("experts.") || name.contains("layernorm_1") ||
      name.contains("layernorm_2"))
    return config.experts ? llvm::formatv("enable_moe_block with num_experts {0}, moe_intermediate_size {1}",
                                          config.experts->count, config.experts->width)
                                .str()
                          : "";
  if (name == "lm_head.weight")
    return llvm::formatv("tie_word_embeddings is false; vocab_size {0}, hidden_size {1}", config.vocab, config.hidden)
        .str();
  if (name == "embed_tokens.weight")
    return llvm::formatv("vocab_size {0}, hidden_size {1}", config.vocab, config.hidden).str();
  auto [index, rest] = name.drop_front(name.starts_with("layers.") ? 7 : 0).split('.');
  size_t layer = 0;
  if (!name.starts_with("layers.") || index.getAsInteger(10, layer) || layer >= config.layers.size())
    return llvm::formatv("hidden_size {0}", config.hidden).str();
  if (rest.consume_front("self_attn."))
    return attentionReason(config.layers[layer], index, rest);
  if (rest.starts_with("mlp."))
    return llvm::formatv("intermediate_size of layer {0} is {1}, hidden_size {2}", layer, config.layers[layer].mlpWidth,
                         config.hidden)
        .str();
  return llvm::formatv("num_hidden_layers {0}, hidden_size {1}", config.layers.size(), config.hidden).str();
}
