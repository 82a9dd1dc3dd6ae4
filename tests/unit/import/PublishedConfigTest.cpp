// The four published architectures (spec 1.1), in the key layout of their config.json, read layer by layer.
#include "ImportTest.h"
#include "compiler/import/ConfigReader.h"

using namespace gemmac;
using namespace gemmac::test;

namespace {

/// One column of the table in spec 1.1.
struct Published {
  const char *name;
  int64_t layers, hidden, heads, slidingKvHeads, fullKvHeads;
  bool keysAreValues;
  int64_t width;
  bool doubleWide;
  std::optional<ExpertsConfig> experts;
  int64_t window, patternLength, shared, slidingProducer, fullProducer, perLayerWidth, context;
  double tableParameters, expertParameters; ///< in billions, as spec 1.1 counts them
};

const Published published[] = {
    {"E2B", 35, 1536, 8, 1, 1, false, 6144, true, {}, 512, 5, 20, 13, 14, 256, 131072, 2.349, 0},
    {"E4B", 42, 2560, 8, 2, 2, false, 10240, false, {}, 512, 6, 18, 22, 23, 256, 131072, 2.819, 0},
    {"26B-A4B", 30, 2816, 16, 8, 2, true, 2112, false, ExpertsConfig{128, 8, 704}, 1024, 6, 0, -1, -1, 0, 262144, 0,
     22.838},
    {"31B", 60, 5376, 32, 16, 4, true, 21504, false, {}, 1024, 6, 0, -1, -1, 0, 262144, 0, 0}};

Json configOf(const Published &p) {
  Json types = Json::array();
  for (int64_t i = 0; i < p.layers; ++i)
    types.push_back((i + 1) % p.patternLength ? "sliding_attention" : "full_attention");
  auto orNull = [](bool present, int64_t value) { return present ? Json(value) : Json(); };
  Json text = {
      {"attention_bias", false},
      {"attention_dropout", 0.0},
      {"attention_k_eq_v", p.keysAreValues},
      {"bos_token_id", 2},
      {"dtype", "bfloat16"},
      {"enable_moe_block", p.experts.has_value()},
      {"eos_token_id", 1},
      {"expert_intermediate_size", orNull(p.experts.has_value(), p.experts ? p.experts->width : 0)},
      {"final_logit_softcapping", 30.0},
      {"global_head_dim", 512},
      {"head_dim", 256},
      {"hidden_activation", "gelu_pytorch_tanh"},
      {"hidden_size", p.hidden},
      {"hidden_size_per_layer_input", p.perLayerWidth},
      {"initializer_range", 0.02},
      {"intermediate_size", p.width},
      {"layer_types", types},
      {"max_position_embeddings", p.context},
      {"model_type", "gemma4_text"},
      {"num_attention_heads", p.heads},
      {"num_experts", orNull(p.experts.has_value(), p.experts ? p.experts->count : 0)},
      {"num_global_key_value_heads", orNull(p.keysAreValues, p.fullKvHeads)},
      {"num_hidden_layers", p.layers},
      {"num_key_value_heads", p.slidingKvHeads},
      {"num_kv_shared_layers", p.shared},
      {"pad_token_id", 0},
      {"rms_norm_eps", 1e-6},
      {"rope_parameters",
       {{"full_attention", {{"partial_rotary_factor", 0.25}, {"rope_theta", 1000000.0}, {"rope_type", "proportional"}}},
        {"sliding_attention", {{"rope_theta", 10000.0}, {"rope_type", "default"}}}}},
      {"sliding_window", p.window},
      {"tie_word_embeddings", true},
      {"top_k_experts", orNull(p.experts.has_value(), p.experts ? p.experts->topK : 0)},
      {"use_bidirectional_attention", p.perLayerWidth ? Json() : Json("vision")},
      {"use_cache", true},
      {"use_double_wide_mlp", p.doubleWide},
      {"vocab_size", 262144},
      {"vocab_size_per_layer_input", 262144}};
  return {{"architectures", {"Gemma4ForConditionalGeneration"}},
          {"audio_config", nullptr},
          {"audio_token_id", 258881},
          {"boa_token_id", 256000},
          {"boi_token_id", 255999},
          {"dtype", "bfloat16"},
          {"eoa_token_id", 258883},
          {"eoa_token_index", 258883},
          {"eoi_token_id", 258882},
          {"eos_token_id", {1, 106}},
          {"image_token_id", 258880},
          {"initializer_range", 0.02},
          {"model_type", "gemma4"},
          {"text_config", text},
          {"tie_word_embeddings", true},
          {"transformers_version", "5.5.0"},
          {"video_token_id", 258884},
          {"vision_config", {{"model_type", "gemma4_vision"}, {"hidden_size", 768}}},
          {"vision_soft_tokens_per_image", 280}};
}

/// The spelling of files saved by recent releases: overrides by layer, the two global keys dropped.
Json resaved(const Published &p) {
  Json config = configOf(p);
  Json &text = config["text_config"];
  text.erase("global_head_dim");
  text.erase("num_global_key_value_heads");
  text["moe_intermediate_size"] = text["expert_intermediate_size"];
  text.erase("expert_intermediate_size");
  for (int64_t i = p.patternLength - 1; i < p.layers; i += p.patternLength) {
    std::string key = (i < 10 ? "0" : "") + std::to_string(i);
    text["per_layer_config"][key] = {{"head_dim", 512}};
    if (p.keysAreValues)
      text["per_layer_config"][key]["num_key_value_heads"] = p.fullKvHeads;
  }
  return config;
}

class PublishedConfig : public testing::TestWithParam<Published> {};

void checkLayer(const Published &p, const LayerConfig &layer, int64_t index) {
  SCOPED_TRACE("layer " + std::to_string(index));
  bool full = (index + 1) % p.patternLength == 0, reuses = index >= p.layers - p.shared;
  EXPECT_EQ(layer.fullAttention, full);
  EXPECT_EQ(layer.heads, p.heads);
  EXPECT_EQ(layer.kvHeads, full ? p.fullKvHeads : p.slidingKvHeads);
  EXPECT_EQ(layer.headDim, full ? 512 : 256);
  EXPECT_EQ(layer.window, full ? 0 : p.window);
  EXPECT_EQ(layer.mlpWidth, p.doubleWide && reuses ? 2 * p.width : p.width);
  EXPECT_EQ(layer.keysAreValues, p.keysAreValues && full);
  EXPECT_EQ(layer.kvSource, !reuses ? index : full ? p.fullProducer : p.slidingProducer);
  EXPECT_EQ(layer.rope, full ? (RopeConfig{1000000.0, 64, 1.0}) : (RopeConfig{10000.0, 128, 1.0}));
}

TEST_P(PublishedConfig, everyLayer) {
  const Published &p = GetParam();
  for (const Json &config : {configOf(p), resaved(p)}) {
    ModelConfig model = valueOf(readConfig("config.json", config.dump())).model;
    EXPECT_EQ(model.vocab, 262144);
    EXPECT_EQ(model.hidden, p.hidden);
    EXPECT_EQ(model.context, p.context);
    EXPECT_EQ(model.finalSoftcap, 30.0);
    EXPECT_TRUE(model.tiedHead);
    EXPECT_EQ(model.experts.has_value(), p.experts.has_value());
    if (p.experts) {
      EXPECT_EQ(model.experts->count, p.experts->count);
      EXPECT_EQ(model.experts->topK, p.experts->topK);
      EXPECT_EQ(model.experts->width, p.experts->width);
    }
    EXPECT_EQ(model.perLayerEmbedding ? model.perLayerEmbedding->width : 0, p.perLayerWidth);
    ASSERT_EQ(model.layers.size(), static_cast<size_t>(p.layers));
    for (int64_t i = 0; i < p.layers; ++i)
      checkLayer(p, model.layers[i], i);
  }
}

/// The per-layer table and the experts have the published parameter counts.
TEST_P(PublishedConfig, parameterCounts) {
  ModelConfig model = valueOf(readConfig("config.json", configOf(GetParam()).dump())).model;
  double table = 0, experts = 0;
  for (const auto &[name, shape] : expectedTensors(model)) {
    double count = 1e-9;
    for (int64_t size : shape)
      count *= static_cast<double>(size);
    if (name == "embed_tokens_per_layer.weight")
      table += count;
    if (name.find(".experts.") != std::string::npos)
      experts += count;
  }
  EXPECT_NEAR(table, GetParam().tableParameters, 0.0005);
  EXPECT_NEAR(experts, GetParam().expertParameters, 0.0005);
}

INSTANTIATE_TEST_SUITE_P(, PublishedConfig, testing::ValuesIn(published), [](const auto &info) {
  std::string name = info.param.name;
  llvm::erase(name, '-');
  return name;
});

} // namespace
