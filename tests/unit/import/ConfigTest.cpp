// config.json: every rule of ConfigReader on small configurations. Published ones are in PublishedConfigTest.cpp.
#include "ImportTest.h"
#include "compiler/import/ConfigReader.h"

using namespace gemmac;
using namespace gemmac::test;

namespace {

ConfigFile read(const Json &config) { return valueOf(readConfig("config.json", config.dump())); }
std::string error(const Json &config) { return errorOf(readConfig("config.json", config.dump())); }

/// A small flat configuration with some fields changed; an empty object for a value removes the field.
Json flat(const Json &changes) {
  Json config = smallFlat();
  config.update(changes);
  return config;
}
Json without(Json config, const char *name) {
  config.erase(name);
  return config;
}

TEST(Config, bothClasses) {
  ConfigFile one = read(smallFlat()), two = read(smallNested());
  EXPECT_EQ(one.model.architecture, "Gemma4ForCausalLM");
  EXPECT_EQ(two.model.architecture, "Gemma4ForConditionalGeneration");
  for (const ModelConfig &model : {one.model, two.model}) {
    EXPECT_EQ(model.vocab, 32);
    EXPECT_EQ(model.hidden, 12);
    EXPECT_EQ(model.layers.size(), 3u);
    EXPECT_DOUBLE_EQ(model.embeddingScale, 3.4641016151377544);
    EXPECT_EQ(model.layers[0].headDim, 6);
    EXPECT_EQ(model.layers[0].window, 512);
    EXPECT_EQ(model.layers[2].headDim, 8);
    EXPECT_EQ(model.layers[2].window, 0);
    EXPECT_EQ(model.layers[2].kvHeads, 2);
    EXPECT_FALSE(model.perLayerEmbedding);
    EXPECT_FALSE(model.experts);
    EXPECT_TRUE(model.tiedHead);
  }
}

TEST(Config, classDefaultsForAbsentFields) {
  ConfigFile file = read({{"model_type", "gemma4_text"}});
  const ModelConfig &model = file.model;
  EXPECT_EQ(model.architecture, "Gemma4ForCausalLM");
  EXPECT_EQ(model.vocab, 262144);
  EXPECT_EQ(model.hidden, 2304);
  EXPECT_EQ(model.context, 131072);
  EXPECT_EQ(model.rmsEpsilon, 1e-6);
  EXPECT_FALSE(model.finalSoftcap);
  ASSERT_EQ(model.layers.size(), 30u);
  ASSERT_TRUE(model.perLayerEmbedding); // 256 when absent, not none
  EXPECT_EQ(model.perLayerEmbedding->width, 256);
  EXPECT_EQ(model.perLayerEmbedding->vocab, 262144);
  const LayerConfig &sliding = model.layers[4], &full = model.layers[5];
  EXPECT_FALSE(sliding.fullAttention);
  EXPECT_TRUE(full.fullAttention);
  EXPECT_EQ(sliding.heads, 8);
  EXPECT_EQ(sliding.kvHeads, 4);
  EXPECT_EQ(sliding.headDim, 256);
  EXPECT_EQ(sliding.window, 512);
  EXPECT_EQ(sliding.mlpWidth, 9216);
  EXPECT_EQ(sliding.rope, (RopeConfig{10000.0, 128, 1.0}));
  EXPECT_EQ(full.kvHeads, 4);
  EXPECT_EQ(full.headDim, 512);
  EXPECT_EQ(full.rope, (RopeConfig{1000000.0, 64, 1.0}));
  EXPECT_EQ(file.bosId, 2);
  EXPECT_TRUE(areEqual(file.eos.ids, {1}));
}

TEST(Config, absentLayerTypesAreFiveToOneWithAFullLast) {
  Json config = without(flat({{"num_hidden_layers", 8}}), "layer_types");
  ConfigFile file = read(config);
  std::vector<bool> full;
  for (const LayerConfig &layer : file.model.layers)
    full.push_back(layer.fullAttention);
  EXPECT_TRUE(areEqual(full, {false, false, false, false, false, true, false, true}));
  EXPECT_TRUE(file.notes.empty());
}

TEST(Config, lastLayerIsForcedToFull) {
  ConfigFile file = read(flat({{"layer_types", {"full_attention", "full_attention", "sliding_attention"}}}));
  EXPECT_TRUE(file.model.layers[2].fullAttention);
  EXPECT_EQ(file.model.layers[2].headDim, 8);
  EXPECT_TRUE(eachContains(file.notes, {"last layer is always full"}));
}

TEST(Config, wrongLayerTypes) {
  EXPECT_TRUE(contains(error(flat({{"layer_types", {"full_attention"}}})), "'layer_types' is an array of 1",
                       "expected 3 entries"));
  EXPECT_TRUE(contains(error(flat({{"layer_types", {"sliding_attention", "linear_attention", "full_attention"}}})),
                       "entry 1 is 'linear_attention', expected 'sliding_attention' or 'full_attention'"));
  EXPECT_TRUE(contains(error(flat({{"layer_types", {1, 2, 3}}})), "entry 0 is 1"));
  EXPECT_TRUE(contains(error(flat({{"layer_types", "full_attention"}})), "expected an array"));
}

TEST(Config, globalKvHeadsOnlyWithKeysAsValues) {
  Json config = flat({{"num_global_key_value_heads", 1}});
  EXPECT_EQ(read(config).model.layers[2].kvHeads, 2);
  config["attention_k_eq_v"] = true;
  ModelConfig model = read(config).model;
  EXPECT_EQ(model.layers[2].kvHeads, 1);
  EXPECT_TRUE(model.layers[2].keysAreValues);
  EXPECT_EQ(model.layers[0].kvHeads, 2);
  EXPECT_FALSE(model.layers[0].keysAreValues);
  config["num_global_key_value_heads"] = nullptr;
  EXPECT_EQ(read(config).model.layers[2].kvHeads, 2);
}

TEST(Config, perLayerConfigHasTheWord) {
  Json config = flat({{"num_global_key_value_heads", 1}, {"attention_k_eq_v", true}});
  config["per_layer_config"] = {{"02", {{"head_dim", 10}, {"num_key_value_heads", 4}}}, {"1", {{"head_dim", 14}}}};
  ModelConfig model = read(config).model;
  EXPECT_EQ(model.layers[0].headDim, 6);
  EXPECT_EQ(model.layers[1].headDim, 14);
  EXPECT_EQ(model.layers[1].rope.pairs, 7);
  EXPECT_EQ(model.layers[2].headDim, 10);
  EXPECT_EQ(model.layers[2].rope.pairs, 1); // a quarter of 10 elements, in pairs, rounded down
  EXPECT_EQ(model.layers[2].kvHeads, 4);
  // Present but without overrides: every layer has the global values.
  for (const Json &none : {Json::object(), Json()}) {
    config["per_layer_config"] = none;
    EXPECT_EQ(read(config).model.layers[2].headDim, 6);
    EXPECT_EQ(read(config).model.layers[2].kvHeads, 2);
  }
}

TEST(Config, wrongPerLayerConfig) {
  auto with = [](const Json &overrides) { return error(flat({{"per_layer_config", overrides}})); };
  EXPECT_TRUE(
      contains(with({{"3", Json::object()}}), "'per_layer_config.3': the key must be a layer's index from 0 to 2"));
  EXPECT_TRUE(contains(with({{"-1", Json::object()}}), "per_layer_config.-1"));
  EXPECT_TRUE(contains(with({{"", Json::object()}}), "the key must be"));
  EXPECT_TRUE(contains(with({{"1x", Json::object()}}), "the key must be"));
  EXPECT_TRUE(contains(with({{"1", Json::object()}, {"01", Json::object()}}), "each at most once"));
  EXPECT_TRUE(contains(with({{"1", 5}}), "'per_layer_config.1' is 5, expected an object"));
  EXPECT_TRUE(contains(with({{"1", {{"head_dim", "x"}}}}), "'per_layer_config.1.head_dim' is 'x'"));
  EXPECT_TRUE(contains(with({{"1", {{"intermediate_size", 5}}}}), "'per_layer_config.1.intermediate_size' is unknown"));
  EXPECT_TRUE(contains(with({{"1", {{"skip", {"mlp"}}}}}), "per_layer_config.1.skip"));
  EXPECT_TRUE(contains(with(Json::array()), "'per_layer_config' is an array of 0, expected an object"));
}

Json rope(const Json &full) {
  return flat({{"rope_parameters",
                {{"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 500.0}}}, {"full_attention", full}}}});
}

TEST(Config, ropePerLayerType) {
  ModelConfig model =
      read(rope({{"rope_type", "proportional"}, {"rope_theta", 7.0}, {"partial_rotary_factor", 0.5}, {"factor", 8.0}}))
          .model;
  EXPECT_EQ(model.layers[0].rope, (RopeConfig{500.0, 3, 1.0}));
  EXPECT_EQ(model.layers[2].rope, (RopeConfig{7.0, 2, 8.0}));
  // Defaults: the whole head, no factor; "type" is the older spelling.
  EXPECT_EQ(read(rope({{"type", "proportional"}, {"rope_theta", 7}})).model.layers[2].rope, (RopeConfig{7.0, 4, 1.0}));
  EXPECT_EQ(read(rope({{"rope_theta", 7}})).model.layers[2].rope, (RopeConfig{7.0, 4, 1.0}));
  EXPECT_EQ(read(flat({{"rope_parameters", nullptr}})).model.layers[2].rope, (RopeConfig{1e6, 1, 1.0}));
}

TEST(Config, wrongRope) {
  EXPECT_TRUE(contains(error(rope({{"rope_type", "yarn"}, {"rope_theta", 7.0}})),
                       "'rope_parameters.full_attention.rope_type' is 'yarn', expected 'default' or 'proportional'"));
  EXPECT_TRUE(contains(error(rope({{"rope_type", "proportional"}})), "full_attention.rope_theta' is missing"));
  EXPECT_TRUE(contains(error(rope({{"rope_type", "default"}, {"rope_theta", 7.0}, {"factor", 2.0}})),
                       "factor' is 2, expected 1 with rope type 'default'"));
  EXPECT_TRUE(contains(error(rope({{"rope_type", "default"}, {"rope_theta", 7.0}, {"partial_rotary_factor", 0.5}})),
                       "partial_rotary_factor' is 0.5"));
  EXPECT_TRUE(contains(error(rope({{"rope_type", "proportional"}, {"rope_theta", 7.0}, {"beta_fast", 2}})),
                       "'rope_parameters.full_attention.beta_fast' is unknown"));
  EXPECT_TRUE(contains(error(rope({{"rope_type", "proportional"}, {"rope_theta", -7.0}})), "rope_theta' is -7"));
  EXPECT_TRUE(
      contains(error(rope({{"rope_type", "proportional"}, {"rope_theta", 7.0}, {"partial_rotary_factor", 1.5}})),
               "partial_rotary_factor' is 1.5"));
  EXPECT_TRUE(contains(error(rope(nullptr)), "'rope_parameters.full_attention' is missing"));
  EXPECT_TRUE(contains(error(rope(3)), "'rope_parameters.full_attention' is 3, expected an object"));
  EXPECT_TRUE(
      contains(error(flat({{"rope_parameters", {{"rope_theta", 5.0}}}})), "rope_parameters.rope_theta' is unknown"));
  EXPECT_TRUE(contains(error(flat({{"rope_scaling", {{"factor", 8}}}})), "'rope_scaling' is an object, expected null"));
  EXPECT_EQ(error(flat({{"rope_scaling", nullptr}})), "");
}

Json sharing(int shared) {
  Json config = flat({{"num_hidden_layers", 6}, {"num_kv_shared_layers", shared}, {"use_double_wide_mlp", true}});
  config["layer_types"] = {"sliding_attention", "full_attention",    "sliding_attention",
                           "sliding_attention", "sliding_attention", "full_attention"};
  return config;
}

TEST(Config, sharedLayersReadTheLastProducerOfTheirType) {
  ModelConfig model = read(sharing(3)).model;
  std::vector<int64_t> sources, widths;
  for (const LayerConfig &layer : model.layers) {
    sources.push_back(layer.kvSource);
    widths.push_back(layer.mlpWidth);
  }
  EXPECT_TRUE(areEqual(sources, {0, 1, 2, 2, 2, 1}));
  EXPECT_TRUE(areEqual(widths, {20, 20, 20, 40, 40, 40}));
  EXPECT_TRUE(model.ownsKv(2));
  EXPECT_FALSE(model.ownsKv(3));
}

TEST(Config, wrongSharing) {
  EXPECT_TRUE(contains(error(sharing(5)), "expected fewer layers than 5 to reuse",
                       "layer 1 has full_attention and no layer before 1 has it"));
  EXPECT_TRUE(contains(error(sharing(6)), "expected an integer from 0 to 5"));
  EXPECT_TRUE(contains(error(sharing(-1)), "expected an integer from 0 to 5"));
  Json config = sharing(3);
  config["per_layer_config"] = {{"3", {{"num_key_value_heads", 4}}}};
  EXPECT_TRUE(contains(error(config), "layer 3 reuses the keys and values of layer 2 but has 4 x 6"));
}

Json experts(const Json &changes) {
  Json config =
      flat({{"enable_moe_block", true}, {"num_experts", 8}, {"top_k_experts", 3}, {"moe_intermediate_size", 5}});
  config.update(changes);
  return config;
}

TEST(Config, experts) {
  for (const Json &config : {experts(Json::object()), experts({{"expert_intermediate_size", 5}}),
                             without(experts({{"expert_intermediate_size", 5}}), "moe_intermediate_size")}) {
    ModelConfig model = read(config).model;
    ASSERT_TRUE(model.experts);
    EXPECT_EQ(model.experts->count, 8);
    EXPECT_EQ(model.experts->topK, 3);
    EXPECT_EQ(model.experts->width, 5);
  }
  EXPECT_FALSE(read(experts({{"enable_moe_block", false}})).model.experts);
}

TEST(Config, wrongExperts) {
  EXPECT_TRUE(contains(error(experts({{"num_experts", nullptr}})), "because enable_moe_block is true"));
  EXPECT_TRUE(contains(error(experts({{"top_k_experts", 0}})), "'top_k_experts' is 0"));
  EXPECT_TRUE(contains(error(experts({{"top_k_experts", 9}})), "expected at most num_experts = 8"));
  EXPECT_TRUE(contains(error(experts({{"moe_intermediate_size", nullptr}})), "'moe_intermediate_size' is null"));
  EXPECT_TRUE(contains(error(experts({{"expert_intermediate_size", 6}})), "the same as moe_intermediate_size = 5"));
}

TEST(Config, perLayerEmbeddings) {
  ModelConfig model = read(flat({{"hidden_size_per_layer_input", 7}, {"vocab_size_per_layer_input", 40}})).model;
  ASSERT_TRUE(model.perLayerEmbedding);
  EXPECT_EQ(model.perLayerEmbedding->width, 7);
  EXPECT_EQ(model.perLayerEmbedding->vocab, 40);
  EXPECT_TRUE(contains(error(flat({{"hidden_size_per_layer_input", 7}, {"vocab_size_per_layer_input", 31}})),
                       "expected at least vocab_size = 32"));
}

TEST(Config, whatIsNotImplementedIsRefused) {
  EXPECT_TRUE(contains(error(flat({{"hidden_activation", "relu"}})), "'hidden_activation' is 'relu'"));
  EXPECT_TRUE(contains(error(flat({{"attention_bias", true}})), "'attention_bias' is true"));
  EXPECT_TRUE(
      contains(error(flat({{"use_bidirectional_attention", "all"}})), "'use_bidirectional_attention' is 'all'"));
  EXPECT_EQ(error(flat({{"use_bidirectional_attention", "vision"}})), "");
  EXPECT_EQ(error(flat({{"use_bidirectional_attention", nullptr}})), "");
  EXPECT_TRUE(contains(error(flat({{"attn_logit_softcapping", 50.0}})), "'attn_logit_softcapping' is 50"));
  for (Json config : {smallFlat(), smallNested()}) {
    config["quantization_config"] = {{"quant_method", "awq"}};
    EXPECT_TRUE(
        contains(error(config), "'quantization_config.quant_method' is 'awq'", "'compressed-tensors' or 'gemma'"));
    config["quantization_config"] = nullptr;
    EXPECT_EQ(error(config), "");
  }
}

/// A quantization_config as compressed-tensors writes it.
static Json compressedTensors() {
  Json weights = {{"num_bits", 4},
                  {"type", "int"},
                  {"symmetric", true},
                  {"strategy", "group"},
                  {"group_size", 32},
                  {"dynamic", false},
                  {"actorder", nullptr},
                  {"observer", "minmax"},
                  {"observer_kwargs", Json::object()},
                  {"block_structure", nullptr}};
  return {{"quant_method", "compressed-tensors"},
          {"format", "pack-quantized"},
          {"quantization_status", "compressed"},
          {"global_compression_ratio", nullptr},
          {"kv_cache_scheme", nullptr},
          {"ignore", {"lm_head"}},
          {"config_groups",
           {{"group_0",
             {{"targets", {"Linear"}},
              {"weights", weights},
              {"input_activations", nullptr},
              {"output_activations", nullptr}}}}}};
}

TEST(Config, quantizedLayouts) {
  EXPECT_EQ(read(smallFlat()).quantization, QuantizedLayout::None);
  for (Json config : {smallFlat(), smallNested()}) {
    config["quantization_config"] = compressedTensors();
    ConfigFile compressed = read(config);
    EXPECT_EQ(compressed.quantization, QuantizedLayout::CompressedTensors);
    EXPECT_TRUE(compressed.notes.empty());
    config["quantization_config"] = {{"quant_method", "gemma"},
                                     {"num_bits", 4},
                                     {"quantize_embeddings", true},
                                     {"module_quant_configs", {{"lm_head", {{"num_bits", 2}}}}},
                                     {"modules_to_not_convert", {"router"}}};
    EXPECT_EQ(read(config).quantization, QuantizedLayout::Gemma);
  }
}

TEST(Config, quantizedLayoutsThatMeanSomethingElse) {
  auto changed = [](llvm::StringRef pointer, Json value) {
    Json config = smallFlat();
    config["quantization_config"] = compressedTensors();
    config["quantization_config"][Json::json_pointer(pointer.str())] = std::move(value);
    return error(config);
  };
  EXPECT_TRUE(contains(changed("/format", "float-quantized"), "'quantization_config.format' is 'float-quantized'"));
  EXPECT_TRUE(contains(changed("/sparsity_config", {{"format", "dense"}}), "it changes what the weights mean"));
  EXPECT_TRUE(contains(changed("/config_groups/group_0/format", "nvfp4-pack-quantized"), "'pack-quantized'"));
  EXPECT_TRUE(contains(changed("/config_groups/group_0/weights", nullptr), "config_groups.group_0.weights"));
  EXPECT_TRUE(contains(changed("/config_groups/group_0", 3), "config_groups.group_0", "an object"));
  for (auto [name, value] : std::initializer_list<std::pair<const char *, Json>>{{"num_bits", 3},
                                                                                 {"type", "float"},
                                                                                 {"symmetric", false},
                                                                                 {"dynamic", true},
                                                                                 {"strategy", "tensor"},
                                                                                 {"group_size", 24},
                                                                                 {"actorder", "group"},
                                                                                 {"unheard_of", 1}})
    EXPECT_TRUE(contains(changed(std::string("/config_groups/group_0/weights/") + name, value),
                         std::string("quantization_config.config_groups.group_0.weights.") + name));
  Json cached = compressedTensors(), config = smallFlat();
  cached["kv_cache_scheme"] = {{"num_bits", 8}};
  cached["config_groups"]["group_0"]["input_activations"] = {{"num_bits", 8}};
  config["quantization_config"] = cached;
  EXPECT_TRUE(oneContains(read(config).notes, "kv_cache_scheme set aside"));
  EXPECT_TRUE(oneContains(read(config).notes, "quantizes activations by itself"));
  config = smallFlat();
  config["compression_config"] = compressedTensors();
  EXPECT_TRUE(contains(error(config), "older spelling"));
}

TEST(Config, unknownFieldsAreErrorsAndBoilerplateIsNot) {
  EXPECT_TRUE(contains(error(flat({{"query_pre_attn_scalar", 256}})),
                       "field 'query_pre_attn_scalar' is unknown and could change the results; its value is 256"));
  Json nested = smallNested();
  nested["text_config"]["altup_num_inputs"] = 4;
  EXPECT_TRUE(contains(error(nested), "'text_config.altup_num_inputs' is unknown"));
  nested = smallNested();
  nested["mm_tokens"] = 4;
  EXPECT_TRUE(contains(error(nested), "'mm_tokens' is unknown"));
  EXPECT_EQ(error(flat({{"transformers_version", "5.23.0"},
                        {"dtype", "bfloat16"},
                        {"torch_dtype", "bfloat16"},
                        {"initializer_range", 0.02},
                        {"use_cache", true},
                        {"pad_token_id", 0},
                        {"id2label", Json::object()},
                        {"_name_or_path", ""},
                        {"output_attentions", false},
                        {"return_dict", true}})),
            "");
}

TEST(Config, tiedHead) {
  EXPECT_FALSE(read(flat({{"tie_word_embeddings", false}})).model.tiedHead);
  Json nested = smallNested();
  nested["tie_word_embeddings"] = false;
  EXPECT_FALSE(read(nested).model.tiedHead);
  nested["text_config"]["tie_word_embeddings"] = true;
  EXPECT_TRUE(contains(error(nested), "the same as text_config.tie_word_embeddings"));
  nested = smallNested();
  nested["text_config"]["tie_word_embeddings"] = false;
  EXPECT_FALSE(read(nested).model.tiedHead);
}

TEST(Config, ranges) {
  EXPECT_TRUE(contains(error(flat({{"num_key_value_heads", 3}})),
                       "layer 0 has 4 attention heads and 3 key-value heads, expected a multiple"));
  EXPECT_TRUE(contains(error(flat({{"head_dim", 7}})), "layer 0 has head_dim 7, expected an even number"));
  for (const char *name :
       {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "head_dim", "global_head_dim", "sliding_window", "max_position_embeddings"}) {
    for (const Json &value : {Json(0), Json(-1), Json(INT64_MAX), Json(UINT64_MAX), Json(1e300), Json("8"), Json(true)})
      EXPECT_TRUE(contains(error(flat({{name, value}})), "field '" + std::string(name), "expected an integer"))
          << name << value;
  }
  for (const Json &value : {Json(0), Json(-1), Json(2), Json("x")})
    EXPECT_TRUE(contains(error(flat({{"rms_norm_eps", value}})), "'rms_norm_eps'"));
  EXPECT_TRUE(contains(error(flat({{"final_logit_softcapping", 0}})), "'final_logit_softcapping' is 0"));
  EXPECT_EQ(read(flat({{"final_logit_softcapping", 30}})).model.finalSoftcap, 30.0);
}

TEST(Config, oddShapesAreFine) {
  ModelConfig model = read(flat({{"hidden_size", 13},
                                 {"intermediate_size", 7},
                                 {"vocab_size", 33},
                                 {"num_attention_heads", 3},
                                 {"num_key_value_heads", 3}}))
                          .model;
  EXPECT_EQ(model.hidden, 13);
  EXPECT_EQ(model.layers[1].mlpWidth, 7);
}

TEST(Config, otherArchitectures) {
  for (const char *name : {"LlamaForCausalLM", "Gemma3ForCausalLM", "Gemma4UnifiedForConditionalGeneration"}) {
    Json config = flat({{"architectures", {name}}, {"model_type", "other"}});
    EXPECT_TRUE(contains(error(config), std::string("architecture '") + name + "'", "'other'",
                         "Gemma4ForConditionalGeneration", "Gemma4ForCausalLM"));
  }
  // The class and the type must belong together.
  EXPECT_TRUE(contains(error(flat({{"model_type", "gemma4"}})), "is not supported"));
  EXPECT_TRUE(contains(error(Json::object()), "architecture (none) with model_type (none)"));
  EXPECT_TRUE(contains(error(flat({{"architectures", {3}}})), "field 'architectures' holds 3"));
  EXPECT_TRUE(contains(error(flat({{"architectures", "x"}})), "'architectures' is 'x', expected an array"));
}

TEST(Config, nestedShape) {
  EXPECT_TRUE(contains(error(Json::array()), "the file holds an array of 0, expected an object"));
  EXPECT_TRUE(contains(error(without(smallNested(), "text_config")), "field 'text_config' is missing"));
  Json nested = smallNested();
  nested["text_config"] = 3;
  EXPECT_TRUE(contains(error(nested), "field 'text_config' is 3, expected an object"));
  nested = smallNested();
  nested["text_config"]["hidden_size"] = "wide";
  EXPECT_TRUE(contains(error(nested), "'text_config.hidden_size' is 'wide', expected an integer"));
  nested = smallNested();
  nested["text_config"]["model_type"] = "gemma4_unified_text";
  EXPECT_TRUE(contains(error(nested), "'text_config.model_type'"));
}

TEST(Config, textWithoutEncoders) {
  Json nested = smallNested();
  nested["architectures"] = {"Gemma4UnifiedForConditionalGeneration"};
  nested["model_type"] = "gemma4_unified";
  Json &text = nested["text_config"];
  text["model_type"] = "gemma4_unified_text";
  for (const char *name :
       {"hidden_size_per_layer_input", "sliding_window", "max_position_embeddings", "use_bidirectional_attention"})
    text.erase(name);
  const ModelConfig model = read(nested).model;
  EXPECT_EQ(model.context, 262144);
  EXPECT_EQ(model.layers.front().window, 1024);
  EXPECT_FALSE(model.perLayerEmbedding);
  EXPECT_TRUE(model.visionBlocks && !model.seesBlocks());
  text["use_bidirectional_attention"] = nullptr;
  EXPECT_FALSE(read(nested).model.visionBlocks);
  text["hidden_size_per_layer_input"] = 8;
  EXPECT_TRUE(contains(error(nested), "'text_config.hidden_size_per_layer_input' is 8", "has no such embeddings"));
  text["hidden_size_per_layer_input"] = 0;
  text["enable_moe_block"] = true;
  EXPECT_TRUE(contains(error(nested), "'text_config.enable_moe_block' is true", "has no experts"));
}

TEST(Config, mediaAreRead) {
  Json nested = smallNested();
  nested["vision_config"] = {{"hidden_size", 768}};
  nested["audio_config"] = nullptr;
  for (const char *name : {"boi_token_id", "image_token_id", "eoi_token_id"})
    nested[name] = 3;
  ConfigFile file = read(nested);
  EXPECT_TRUE(file.notes.empty() && file.model.towers.vision && !file.model.towers.audio);
  nested["vision_config"] = "yes";
  EXPECT_TRUE(contains(error(nested), "'vision_config' is 'yes', expected an object"));
}

TEST(Config, tokensOfMedia) {
  Json nested = smallNested();
  nested["vision_config"] = {{"hidden_size", 768}};
  nested["audio_config"] = Json::object();
  for (auto [name, id] : {std::pair{"boi_token_id", 3},
                          {"image_token_id", 4},
                          {"eoi_token_id", 5},
                          {"boa_token_id", 6},
                          {"audio_token_id", 7},
                          {"eoa_token_index", 8},
                          {"video_token_id", 9}})
    nested[name] = id;
  const gemmac_media media = read(nested).model.media;
  EXPECT_EQ(media.image_begin, 3);
  EXPECT_EQ(media.image, 4);
  EXPECT_EQ(media.image_end, 5);
  EXPECT_EQ(media.audio_begin, 6);
  EXPECT_EQ(media.audio, 7);
  EXPECT_EQ(media.audio_end, 8);
  EXPECT_EQ(media.patch, 16);
  EXPECT_EQ(media.pool, 3);
  EXPECT_EQ(media.video, 9);
  EXPECT_EQ(media.sound, 0);
  nested["video_token_id"] = 1000;
  ConfigFile still = read(nested);
  EXPECT_TRUE(still.model.towers.vision);
  EXPECT_EQ(still.model.media.video, -1);
  EXPECT_TRUE(contains(still.notes.back(), "field 'video_token_id' is 1000, expected a token id below vocab_size"));
  nested.erase("video_token_id"); // the class's default lies beyond this vocabulary
  EXPECT_EQ(read(nested).model.media.video, -1);
  EXPECT_TRUE(read(nested).notes.empty());
  nested["image_token_id"] = 1000;
  ConfigFile without = read(nested);
  EXPECT_FALSE(without.model.towers.vision);
  EXPECT_TRUE(without.model.towers.audio);
  EXPECT_TRUE(contains(without.notes.back(), "field 'image_token_id' is 1000, expected a token id below vocab_size"));
  EXPECT_TRUE(contains(without.notes.back(), "; the vision tower is set aside"));
}

TEST(Config, tokenIds) {
  Json nested = smallNested();
  nested["text_config"]["eos_token_id"] = 1;
  EXPECT_TRUE(areEqual(read(nested).eos.ids, {1}));
  nested["eos_token_id"] = {1, 16, 9, 16};
  EXPECT_TRUE(areEqual(read(nested).eos.ids, {1, 16, 9}));
  nested["text_config"]["bos_token_id"] = 5;
  EXPECT_EQ(read(nested).bosId, 5);
  nested["eos_token_id"] = {1, 32, -1};
  EXPECT_TRUE(areEqual(read(nested).eos.ids, {1}));
  EXPECT_TRUE(areEqual(read(nested).eos.beyond, {32}));
  nested["eos_token_id"] = {1, "2"};
  EXPECT_TRUE(contains(error(nested), "a token id or a list of token ids; one of them is '2'"));
}

TEST(Config, fieldsToIgnore) {
  Json nested = smallNested();
  nested["text_config"]["new_field"] = 3;
  nested["odd"] = "x";
  EXPECT_TRUE(
      contains(error(nested), "'text_config.new_field' is unknown", "add --ignore-config 'text_config.new_field'"));
  ConfigFile file = valueOf(readConfig("config.json", nested.dump(), {{"text_config.new_field", "odd"}}));
  EXPECT_TRUE(
      eachContains(file.notes, {"'text_config.new_field' is left out as asked; its value is 3", "field 'odd'"}));
  auto refused = [&](const char *name) { return errorOf(readConfig("config.json", nested.dump(), {{"odd", name}})); };
  nested["text_config"].erase("new_field");
  EXPECT_EQ(refused("not_there"), "");
  EXPECT_TRUE(
      contains(refused("text_config.hidden_size"), "'text_config.hidden_size' is part of what the model computes"));
}

TEST(Config, whatPythonWrites) {
  std::string text = smallFlat().dump();
  text.insert(1, R"("initializer_range": NaN, "note\"NaN": "Infinity", "model_name": -Infinity, )");
  text.insert(1, R"("transformers.js_config": {"dtype": "q4"}, "max_position_embeddings": 131072.0, )");
  EXPECT_TRUE(contains(errorOf(readConfig("config.json", text)), "field 'note\"NaN' is unknown"));
  text.replace(text.find("note"), 9, "license");
  EXPECT_EQ(valueOf(readConfig("config.json", text)).model.context, 131072);
  EXPECT_TRUE(
      contains(errorOf(readConfig("config.json", R"({"architectures": ["Gemma4ForCausalLM"], "rms_norm_eps": NaN})")),
               "field 'rms_norm_eps' is 'NaN', expected a number"));
  EXPECT_TRUE(contains(errorOf(readConfig("config.json", R"({"a": NaN, "b": })")), "not valid JSON"));
}

} // namespace
