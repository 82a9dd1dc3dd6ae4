#include "compiler/import/Towers.h"

namespace gemmac {

using Shapes = std::map<std::string, std::vector<int64_t>>;

/// A matrix and, where linears clip, the four bounds beside it.
static void addLinear(Shapes &shapes, const std::string &name, int64_t rows, int64_t cols, bool clipped) {
  shapes[name + ".linear.weight"] = {rows, cols};
  if (!clipped)
    return;
  for (const char *bound : {".input_min", ".input_max", ".output_min", ".output_max"})
    shapes[name + bound] = {};
}

static void addNorms(Shapes &shapes, const std::string &prefix, std::initializer_list<const char *> names,
                     int64_t width) {
  for (const char *name : names)
    shapes[prefix + name + ".weight"] = {width};
}

Shapes expectedTensors(const VisionConfig &config, int64_t hidden) {
  Shapes shapes;
  const std::string tower = "vision_tower.";
  shapes["embed_vision.embedding_projection.weight"] = {hidden, config.hidden};
  shapes[tower + "patch_embedder.input_proj.weight"] = {config.hidden, config.patch * config.patch * 3};
  shapes[tower + "patch_embedder.position_embedding_table"] = {2, config.positions, config.hidden};
  if (config.standardized)
    shapes[tower + "std_bias"] = shapes[tower + "std_scale"] = {config.hidden};
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    std::string prefix = tower + "encoder.layers." + std::to_string(layer) + ".";
    addNorms(shapes, prefix,
             {"input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"},
             config.hidden);
    addNorms(shapes, prefix, {"self_attn.q_norm", "self_attn.k_norm"}, config.headDim);
    int64_t queries = config.heads * config.headDim, keys = config.kvHeads * config.headDim;
    addLinear(shapes, prefix + "self_attn.q_proj", queries, config.hidden, config.clipped);
    addLinear(shapes, prefix + "self_attn.k_proj", keys, config.hidden, config.clipped);
    addLinear(shapes, prefix + "self_attn.v_proj", keys, config.hidden, config.clipped);
    addLinear(shapes, prefix + "self_attn.o_proj", config.hidden, queries, config.clipped);
    addLinear(shapes, prefix + "mlp.gate_proj", config.mlpWidth, config.hidden, config.clipped);
    addLinear(shapes, prefix + "mlp.up_proj", config.mlpWidth, config.hidden, config.clipped);
    addLinear(shapes, prefix + "mlp.down_proj", config.hidden, config.mlpWidth, config.clipped);
  }
  return shapes;
}

static void addConformerLayer(Shapes &shapes, const std::string &prefix, const AudioConfig &config) {
  int64_t width = config.hidden;
  addNorms(shapes, prefix,
           {"norm_pre_attn", "norm_post_attn", "norm_out", "lconv1d.pre_layer_norm", "lconv1d.conv_norm"}, width);
  for (const char *part : {"feed_forward1", "feed_forward2"}) {
    std::string mlp = prefix + part;
    addNorms(shapes, mlp, {".pre_layer_norm", ".post_layer_norm"}, width);
    addLinear(shapes, mlp + ".ffw_layer_1", config.mlpWidth(), width, config.clipped);
    addLinear(shapes, mlp + ".ffw_layer_2", width, config.mlpWidth(), config.clipped);
  }
  for (const char *matrix : {"q_proj", "k_proj", "v_proj", "post"})
    addLinear(shapes, prefix + "self_attn." + matrix, width, width, config.clipped);
  shapes[prefix + "self_attn.relative_k_proj.weight"] = {width, width};
  shapes[prefix + "self_attn.per_dim_scale"] = {config.headDim()};
  addLinear(shapes, prefix + "lconv1d.linear_start", 2 * width, width, config.clipped);
  addLinear(shapes, prefix + "lconv1d.linear_end", width, width, config.clipped);
  shapes[prefix + "lconv1d.depthwise_conv1d.weight"] = {width, 1, config.taps};
}

Shapes expectedTensors(const AudioConfig &config, int64_t hidden) {
  Shapes shapes;
  const std::string tower = "audio_tower.", subsampling = tower + "subsample_conv_projection.";
  shapes["embed_audio.embedding_projection.weight"] = {hidden, config.outputWidth};
  int64_t inputs = 1;
  for (int64_t i = 0; i < 2; ++i) {
    std::string layer = subsampling + "layer" + std::to_string(i);
    shapes[layer + ".conv.weight"] = {config.channels[i], inputs, 3, 3};
    shapes[layer + ".norm.weight"] = {config.channels[i]};
    inputs = config.channels[i];
  }
  shapes[subsampling + "input_proj_linear.weight"] = {config.hidden, melBins / 4 * config.channels[1]};
  for (int64_t layer = 0; layer < config.layers; ++layer)
    addConformerLayer(shapes, tower + "layers." + std::to_string(layer) + ".", config);
  shapes[tower + "output_proj.weight"] = {config.outputWidth, config.hidden};
  shapes[tower + "output_proj.bias"] = {config.outputWidth};
  return shapes;
}

Shapes expectedTensors(const PatchEmbedderConfig &config, int64_t hidden) {
  Shapes shapes;
  const std::string embedder = "vision_embedder.";
  const int64_t pixels = config.side() * config.side() * 3;
  shapes["embed_vision.embedding_projection.weight"] = {hidden, config.width};
  shapes[embedder + "patch_dense.weight"] = {config.width, pixels};
  shapes[embedder + "patch_dense.bias"] = {config.width};
  shapes[embedder + "pos_embedding"] = {config.positions, 2, config.width};
  for (const char *part : {".weight", ".bias"}) {
    shapes[embedder + "patch_ln1" + part] = {pixels};
    shapes[embedder + "patch_ln2" + part] = shapes[embedder + "pos_norm" + part] = {config.width};
  }
  return shapes;
}

Shapes expectedTensors(const SampleEmbedderConfig &config, int64_t hidden) {
  return {{"embed_audio.embedding_projection.weight", {hidden, config.samples}}};
}

} // namespace gemmac
