// config.json of Gemma 3: what it has in place of Gemma 4's fields, in the spelling of its first and of recent
// releases.
#include "ImportTest.h"
#include "compiler/import/ConfigReader.h"

using namespace gemmac;
using namespace gemmac::test;

namespace {

ConfigFile read(const Json &config) { return valueOf(readConfig("config.json", config.dump())); }
std::string error(const Json &config) { return errorOf(readConfig("config.json", config.dump())); }

/// The fields of the published 270M, as its file has them.
Json published() {
  Json types = Json::array();
  for (int i = 0; i < 18; ++i)
    types.push_back((i + 1) % 6 ? "sliding_attention" : "full_attention");
  return {{"_sliding_window_pattern", 6},
          {"architectures", {"Gemma3ForCausalLM"}},
          {"attention_bias", false},
          {"attention_dropout", 0.0},
          {"attn_logit_softcapping", nullptr},
          {"bos_token_id", 2},
          {"eos_token_id", 1},
          {"final_logit_softcapping", nullptr},
          {"head_dim", 256},
          {"hidden_activation", "gelu_pytorch_tanh"},
          {"hidden_size", 640},
          {"initializer_range", 0.02},
          {"intermediate_size", 2048},
          {"layer_types", types},
          {"max_position_embeddings", 32768},
          {"model_type", "gemma3_text"},
          {"num_attention_heads", 4},
          {"num_hidden_layers", 18},
          {"num_key_value_heads", 1},
          {"pad_token_id", 0},
          {"query_pre_attn_scalar", 256},
          {"rms_norm_eps", 1e-6},
          {"rope_local_base_freq", 10000.0},
          {"rope_scaling", nullptr},
          {"rope_theta", 1000000.0},
          {"sliding_window", 512},
          {"torch_dtype", "bfloat16"},
          {"transformers_version", "4.55.0.dev0"},
          {"use_bidirectional_attention", false},
          {"use_cache", true},
          {"vocab_size", 262144}};
}

Json changed(const Json &changes) {
  Json config = published();
  config.update(changes);
  return config;
}

Json without(std::initializer_list<const char *> names) {
  Json config = published();
  for (const char *name : names)
    config.erase(name);
  return config;
}

TEST(Gemma3Config, published270M) {
  ConfigFile file = read(published());
  const ModelConfig &model = file.model;
  EXPECT_EQ(model.architecture, "Gemma3ForCausalLM");
  EXPECT_EQ(model.vocab, 262144);
  EXPECT_EQ(model.hidden, 640);
  EXPECT_EQ(model.context, 32768);
  EXPECT_DOUBLE_EQ(model.embeddingScale, std::sqrt(640.0));
  EXPECT_FALSE(model.finalSoftcap);
  EXPECT_TRUE(model.tiedHead);
  EXPECT_FALSE(model.layerScalars);
  EXPECT_FALSE(model.perLayerEmbedding);
  EXPECT_FALSE(model.experts);
  EXPECT_EQ(file.normAddend, 1.0);
  EXPECT_TRUE(file.notes.empty());
  ASSERT_EQ(model.layers.size(), 18u);
  for (auto [index, layer] : llvm::enumerate(model.layers)) {
    bool full = (index + 1) % 6 == 0;
    EXPECT_EQ(layer.fullAttention, full);
    EXPECT_EQ(layer.window, full ? 0 : 512);
    EXPECT_EQ(layer.heads, 4);
    EXPECT_EQ(layer.kvHeads, 1);
    EXPECT_EQ(layer.headDim, 256);
    EXPECT_EQ(layer.mlpWidth, 2048);
    EXPECT_EQ(layer.kvSource, static_cast<int64_t>(index));
    EXPECT_EQ(layer.queryScale, 1.0 / 16);
    EXPECT_FALSE(layer.normedValues);
    EXPECT_FALSE(layer.keysAreValues);
    EXPECT_EQ(layer.rope, (RopeConfig{full ? 1e6 : 1e4, 128, 1.0}));
  }
}

TEST(Gemma3Config, parameterCount) {
  int64_t count = 0;
  for (const auto &[name, shape] : expectedTensors(read(published()).model)) {
    EXPECT_FALSE(llvm::StringRef(name).contains("layer_scalar")) << name;
    int64_t values = 1;
    for (int64_t size : shape)
      values *= size;
    count += values;
  }
  EXPECT_EQ(count, 268098176); // counted on the published file
}

/// The published 4B: nearly everything by the class's defaults, under "text_config" beside a vision tower.
TEST(Gemma3Config, published4B) {
  Json config = {{"architectures", {"Gemma3ForConditionalGeneration"}},
                 {"boi_token_index", 255999},
                 {"eoi_token_index", 256000},
                 {"eos_token_id", {1, 106}},
                 {"image_token_index", 262144},
                 {"initializer_range", 0.02},
                 {"mm_tokens_per_image", 256},
                 {"model_type", "gemma3"},
                 {"text_config",
                  {{"hidden_size", 2560},
                   {"intermediate_size", 10240},
                   {"model_type", "gemma3_text"},
                   {"num_hidden_layers", 34},
                   {"rope_scaling", {{"factor", 8.0}, {"rope_type", "linear"}}},
                   {"sliding_window", 1024}}},
                 {"torch_dtype", "bfloat16"},
                 {"transformers_version", "4.50.0.dev0"},
                 {"vision_config", {{"hidden_size", 1152}, {"model_type", "siglip_vision_model"}}}};
  ConfigFile file = read(config);
  const ModelConfig &model = file.model;
  EXPECT_EQ(model.architecture, "Gemma3ForConditionalGeneration");
  EXPECT_EQ(model.vocab, 262208);
  EXPECT_EQ(model.context, 131072);
  ASSERT_EQ(model.layers.size(), 34u);
  const LayerConfig &sliding = model.layers[33], &full = model.layers[29]; // the last layer stays sliding
  EXPECT_FALSE(sliding.fullAttention);
  EXPECT_EQ(sliding.window, 1024);
  EXPECT_EQ(sliding.heads, 8);
  EXPECT_EQ(sliding.kvHeads, 4);
  EXPECT_EQ(sliding.headDim, 256);
  EXPECT_EQ(sliding.rope, (RopeConfig{1e4, 128, 1.0}));
  EXPECT_TRUE(full.fullAttention);
  EXPECT_EQ(full.headDim, 256);
  EXPECT_EQ(full.rope, (RopeConfig{1e6, 128, 8.0}));
  EXPECT_TRUE(areEqual(file.eos.ids, {1, 106}));
  EXPECT_TRUE(eachContains(file.notes, {"vision_config set aside"}));
}

TEST(Gemma3Config, queryScale) {
  EXPECT_DOUBLE_EQ(read(changed({{"query_pre_attn_scalar", 168}})).model.layers[0].queryScale, 1 / std::sqrt(168.0));
  EXPECT_EQ(read(without({"query_pre_attn_scalar"})).model.layers[0].queryScale, 1.0 / 16);
  EXPECT_TRUE(contains(error(changed({{"query_pre_attn_scalar", 0}})), "'query_pre_attn_scalar' is 0"));
  EXPECT_TRUE(contains(error(changed({{"query_pre_attn_scalar", nullptr}})), "'query_pre_attn_scalar' is null"));
}

TEST(Gemma3Config, layerPattern) {
  auto fullLayers = [](const Json &config) {
    std::vector<int64_t> full;
    for (auto [index, layer] : llvm::enumerate(read(config).model.layers))
      if (layer.fullAttention)
        full.push_back(static_cast<int64_t>(index));
    return full;
  };
  Json config = without({"layer_types", "_sliding_window_pattern"});
  EXPECT_TRUE(areEqual(fullLayers(config), {5, 11, 17}));
  config["sliding_window_pattern"] = 5;
  EXPECT_TRUE(areEqual(fullLayers(config), {4, 9, 14}));
  config["num_hidden_layers"] = 2;
  EXPECT_TRUE(areEqual(fullLayers(config), {}));
  config["layer_types"] = {"full_attention", "sliding_attention"}; // has the word
  EXPECT_TRUE(areEqual(fullLayers(config), {0}));
  EXPECT_TRUE(contains(error(changed({{"sliding_window_pattern", 0}})), "'sliding_window_pattern' is 0"));
}

Json recentRope(const Json &full) {
  Json config = without({"rope_theta", "rope_local_base_freq", "rope_scaling"});
  config["rope_parameters"] = {{"full_attention", full},
                               {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 5000.0}}}};
  return config;
}

TEST(Gemma3Config, rotationInRecentSpelling) {
  ModelConfig model = read(recentRope({{"rope_type", "linear"}, {"rope_theta", 7e5}, {"factor", 8.0}})).model;
  EXPECT_EQ(model.layers[5].rope, (RopeConfig{7e5, 128, 8.0}));
  EXPECT_EQ(model.layers[0].rope, (RopeConfig{5000.0, 128, 1.0}));
  Json both = recentRope({{"rope_type", "default"}, {"rope_theta", 7e5}});
  both["rope_theta"] = 7e5; // one release wrote it, another saved it again
  both["rope_local_base_freq"] = 5000.0;
  both["rope_scaling"] = nullptr;
  EXPECT_EQ(read(both).model.layers[5].rope, (RopeConfig{7e5, 128, 1.0}));
  both["rope_theta"] = 1e6;
  EXPECT_TRUE(contains(error(both), "'rope_theta' is 1e+06, expected what rope_parameters says"));
  both["rope_theta"] = 7e5;
  both["rope_local_base_freq"] = 10000.0;
  EXPECT_TRUE(contains(error(both), "'rope_local_base_freq' is 10000"));
  both["rope_local_base_freq"] = 5000.0;
  both["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 8.0}};
  EXPECT_TRUE(contains(error(both), "'rope_scaling' is an object, expected what rope_parameters says"));
  both["rope_parameters"]["full_attention"] = both["rope_scaling"]; // its base stands in the older field alone
  EXPECT_EQ(read(both).model.layers[5].rope, (RopeConfig{7e5, 128, 8.0}));
}

TEST(Gemma3Config, rotationInOlderSpelling) {
  Json scaled = changed(
      {{"rope_theta", 3e5}, {"rope_local_base_freq", 2e4}, {"rope_scaling", {{"type", "linear"}, {"factor", 4}}}});
  ModelConfig model = read(scaled).model;
  EXPECT_EQ(model.layers[5].rope, (RopeConfig{3e5, 128, 4.0}));
  EXPECT_EQ(model.layers[0].rope, (RopeConfig{2e4, 128, 1.0}));
}

TEST(Gemma3Config, wrongRotation) {
  auto scaling = [](const Json &value) { return error(changed({{"rope_scaling", value}})); };
  EXPECT_TRUE(contains(scaling({{"rope_type", "yarn"}, {"factor", 8.0}}),
                       "'rope_scaling.rope_type' is 'yarn', expected 'default' or 'linear'"));
  EXPECT_TRUE(contains(scaling({{"rope_type", "proportional"}}), "expected 'default' or 'linear'"));
  EXPECT_TRUE(contains(scaling({{"rope_type", "linear"}, {"beta_fast", 2}}), "'rope_scaling.beta_fast' is unknown"));
  EXPECT_TRUE(contains(scaling({{"rope_type", "linear"}, {"partial_rotary_factor", 0.5}}),
                       "expected 1 with rope type 'linear'"));
  EXPECT_TRUE(contains(scaling(8), "'rope_scaling' is 8, expected an object"));
  EXPECT_TRUE(contains(error(changed({{"rope_local_base_freq", 0}})), "'rope_local_base_freq' is 0"));
}

TEST(Gemma3Config, whatIsNotImplementedIsRefused) {
  EXPECT_TRUE(contains(error(changed({{"use_bidirectional_attention", true}})), "expected false"));
  EXPECT_TRUE(contains(error(changed({{"attn_logit_softcapping", 50.0}})), "not part of Gemma 3"));
  EXPECT_EQ(read(changed({{"final_logit_softcapping", 30.0}})).model.finalSoftcap, 30.0);
  // Parts of Gemma 4 would be a mix-up.
  for (const char *name : {"enable_moe_block", "num_kv_shared_layers", "global_head_dim", "attention_k_eq_v"})
    EXPECT_TRUE(contains(error(changed({{name, 1}})), "field '" + std::string(name) + "' is unknown"));
  EXPECT_TRUE(contains(error(changed({{"model_type", "gemma4_text"}})),
                       "'Gemma3ForCausalLM' with model_type 'gemma4_text' is not supported",
                       "'Gemma3ForCausalLM' with 'gemma3_text'"));
  EXPECT_TRUE(contains(error(changed({{"head_dim", 7}})), "layer 0 has head_dim 7"));
}

} // namespace
