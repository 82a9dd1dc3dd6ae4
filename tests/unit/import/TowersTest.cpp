// Towers: what published configurations ask for, the shipped checkpoints, and what sets a tower aside.
#include "ImportTest.h"
#include "compiler/import/ConfigReader.h"
#include "compiler/import/TowerReader.h"

#include "llvm/Support/MemoryBuffer.h"

using namespace gemmac;
using namespace gemmac::test;

namespace {

Json publishedFile(const std::string &name) {
  auto buffer = llvm::MemoryBuffer::getFile(std::string(GEMMAC_PUBLISHED) + "/gemma-4-" + name + "-it.json");
  Json file = Json::parse((*buffer)->getBuffer().str());
  // "SSSSF * 7" stands for a list that repeats.
  Json &types = file["config"]["text_config"]["layer_types"];
  std::string text = types.get<std::string>();
  auto [unit, times] = llvm::StringRef(text).split(" * ");
  Json list = Json::array();
  for (int i = 0, count = std::stoi(times.str()); i < count; ++i)
    for (char kind : unit)
      list.push_back(kind == 'S' ? "sliding_attention" : "full_attention");
  types = list;
  return file;
}

/// Keys and values that files hold and no layer reads.
size_t deadTensors(const ModelConfig &config) {
  size_t count = 0;
  for (size_t layer = 0; layer < config.layers.size(); ++layer)
    count += config.ownsKv(layer) ? 0 : 3;
  return count;
}

TEST(Towers, published) {
  for (const char *name : {"E2B", "E4B", "26B-A4B", "31B"}) {
    SCOPED_TRACE(name);
    Json file = publishedFile(name);
    ConfigFile config = valueOf(readConfig("config.json", file["config"].dump()));
    const ModelConfig &model = config.model;
    ASSERT_TRUE(model.towers.vision);
    size_t count = expectedTensors(model).size() + expectedTensors(*model.towers.vision, model.hidden).size();
    if (model.towers.audio)
      count += expectedTensors(*model.towers.audio, model.hidden).size();
    bool isSmall = name[0] == 'E';
    EXPECT_EQ(model.towers.audio.has_value(), isSmall);
    EXPECT_EQ(model.towers.vision->headDim, isSmall ? 64 : 72);
    EXPECT_EQ(model.towers.vision->clipped, isSmall);
    EXPECT_EQ(model.towers.vision->standardized, !isSmall);
    // As many as the published files hold, those that nobody reads included.
    EXPECT_EQ(count + (file.value("dead_kv", false) ? deadTensors(model) : 0), file["tensors"].get<size_t>());
  }
}

TEST(Towers, publishedWithoutEncoders) {
  Json file = publishedFile("12B");
  ConfigFile config = valueOf(readConfig("config.json", file["config"].dump()));
  EXPECT_TRUE(config.notes.empty());
  const ModelConfig &model = config.model;
  ASSERT_TRUE(model.towers.patches && model.towers.samples);
  EXPECT_FALSE(model.towers.vision || model.towers.audio || model.perLayerEmbedding);
  EXPECT_TRUE(model.seesBlocks());
  EXPECT_EQ(model.layers[5].kvHeads, 1);
  EXPECT_TRUE(model.layers[5].keysAreValues && !model.layers[4].keysAreValues);
  EXPECT_EQ(model.towers.patches->side(), 48);
  EXPECT_EQ(model.media.patch, 48);
  EXPECT_EQ(model.media.pool, 1);
  EXPECT_EQ(model.media.places, 1120);
  EXPECT_EQ(model.media.sound, 640);
  EXPECT_EQ(model.media.video, 258884);
  EXPECT_EQ(expectedTensors(model).size() + expectedTensors(*model.towers.patches, model.hidden).size() +
                expectedTensors(*model.towers.samples, model.hidden).size(),
            file["tensors"].get<size_t>());
}

Checkpoint shipped(const std::string &name) {
  return valueOf(importHuggingFace(std::string(GEMMAC_CHECKPOINTS) + "/" + name));
}

TEST(Towers, shipped) {
  Checkpoint both = shipped("tiny-e"), large = shipped("tiny-moe");
  // Bounds are parts of their matrices, the table of places is two.
  EXPECT_EQ(both.towerTensors.size(), 85u - 56 + 1 + 132 - 80);
  EXPECT_TRUE(
      areEqual(both.towerTensors.at("vision_tower.encoder.layers.1.mlp.down_proj.linear.weight").shape, {64, 128}));
  const TensorSource &bounded = both.towerTensors.at("audio_tower.layers.0.self_attn.q_proj.linear.weight");
  EXPECT_TRUE(bounded.reads == (ValueBounds{-2.609375f, 3.0625f}) &&
              bounded.gives == (ValueBounds{-4.28125f, 2.78125f}));
  EXPECT_FALSE(large.config.towers.audio);
  EXPECT_EQ(both.config.media.image, 19);
  EXPECT_EQ(both.config.media.audio_end, 22);
  EXPECT_EQ(both.config.media.budget, 70); // processor_config.json
  EXPECT_EQ(large.config.media.audio, -1);
  EXPECT_TRUE(areEqual(large.towerTensors.at("vision_tower.std_scale").shape, {64}));
}

/// The small nested checkpoint with a vision tower of one layer.
struct WithVision : TempDirectory {
  Json config = smallNested();
  std::map<std::string, TestTensor> tensors;
  WithVision() {
    config["vision_config"] = {{"num_hidden_layers", 1},      {"hidden_size", 8}, {"intermediate_size", 12},
                               {"num_attention_heads", 2},    {"head_dim", 4},    {"num_key_value_heads", 1},
                               {"position_embedding_size", 5}};
    for (const char *name : {"boi_token_id", "image_token_id", "eoi_token_id"})
      config[name] = 3;
    ConfigFile file = valueOf(readConfig("config.json", config.dump()));
    tensors = tensorsOf(file.model, "model.language_model.");
    for (const auto &[name, shape] : expectedTensors(*file.model.towers.vision, file.model.hidden))
      tensors["model." + name] = {shape};
    write("tokenizer.json", smallTokenizer().dump());
  }
  Checkpoint read() {
    write("config.json", config.dump());
    write("model.safetensors", safetensors(tensors));
    return valueOf(importHuggingFace(path));
  }
};

TEST(Towers, setAside) {
  WithVision whole;
  EXPECT_EQ(whole.read().towerTensors.size(), 3u + 13 + 1);
  const std::string key = "model.vision_tower.encoder.layers.0.self_attn.k_proj.linear.weight";
  ASSERT_TRUE(whole.tensors.count(key));
  auto noteAfter = [](auto change) {
    WithVision directory;
    change(directory);
    Checkpoint checkpoint = directory.read();
    EXPECT_TRUE(checkpoint.towerTensors.empty());
    EXPECT_FALSE(checkpoint.config.towers.vision);
    EXPECT_FALSE(checkpoint.tensors.empty()); // the text model does without
    auto why =
        llvm::find_if(checkpoint.notes, [](llvm::StringRef note) { return note.starts_with("vision tower: tensor"); });
    return why == checkpoint.notes.end() ? std::string("no note") : *why;
  };
  auto noteAfterBound = [&](const char *kind, TestTensor value) {
    return noteAfter([&](WithVision &d) {
      d.config["vision_config"]["use_clipped_linears"] = true;
      d.tensors[std::string("model.vision_tower.encoder.layers.0.mlp.down_proj.") + kind] = value;
    });
  };
  const TestTensor half{{}, "BF16", {"\x00\x3f", 2}}, minusHalf{{}, "BF16", {"\x00\xbf", 2}},
      nan{{}, "BF16", "\xff\x7f"};
  std::vector<std::string> notes = {noteAfter([&](WithVision &d) { d.tensors.erase(key); }),
                                    noteAfter([&](WithVision &d) { d.tensors[key].shape = {4, 9}; }),
                                    noteAfter([&](WithVision &d) { d.tensors[key].dtype = "I64"; }),
                                    noteAfter([&](WithVision &d) { d.tensors["model.vision_tower.std_bias"] = {{8}}; }),
                                    noteAfterBound("input_min", half),
                                    noteAfterBound("output_max", minusHalf),
                                    noteAfterBound("input_max", nan)};
  EXPECT_EQ(notes[0], "vision tower: tensor 'vision_tower.encoder.layers.0.self_attn.k_proj.linear.weight' of shape "
                      "[4, 8] is missing");
  EXPECT_TRUE(contains(notes[1], "in 'model.safetensors' has shape [4, 9], expected [4, 8]"));
  EXPECT_TRUE(contains(notes[2], "has type I64, expected F32, F16 or BF16"));
  EXPECT_TRUE(contains(notes[3], "'vision_tower.std_bias' in 'model.safetensors' is not part of what"));
  EXPECT_TRUE(contains(notes[4], "down_proj.input_min' in 'model.safetensors' is 0.50, expected a number that is not "
                                 "above 0"));
  EXPECT_TRUE(contains(notes[5], "output_max' in 'model.safetensors' is -0.50, expected a number that is not below 0"));
  EXPECT_TRUE(contains(notes[6], "input_max", "expected a number that is not below 0"));
}

/// The same without encoders, and with sounds.
struct WithoutEncoders : TempDirectory {
  Json config = smallNested();
  std::map<std::string, TestTensor> tensors;
  WithoutEncoders() {
    config["architectures"] = {"Gemma4UnifiedForConditionalGeneration"};
    config["model_type"] = "gemma4_unified";
    config["text_config"]["model_type"] = "gemma4_unified_text";
    config["text_config"].erase("hidden_size_per_layer_input");
    config["vision_config"] = {{"mm_embed_dim", 8}, {"output_proj_dims", 8}, {"patch_size", 2}, {"mm_posemb_size", 5}};
    config["audio_config"] = {{"audio_samples_per_token", 12}};
    for (const char *name :
         {"boi_token_id", "image_token_id", "eoi_token_id", "boa_token_id", "audio_token_id", "eoa_token_id"})
      config[name] = 3;
    ConfigFile file = valueOf(readConfig("config.json", config.dump()));
    tensors = tensorsOf(file.model, "model.language_model.");
    for (const auto &[name, shape] : expectedTensors(*file.model.towers.patches, file.model.hidden))
      tensors["model." + name] = {shape};
    for (const auto &[name, shape] : expectedTensors(*file.model.towers.samples, file.model.hidden))
      tensors["model." + name] = {shape};
    write("tokenizer.json", smallTokenizer().dump());
  }
  Checkpoint read(const ImportOptions &options = {}) {
    write("config.json", config.dump());
    write("model.safetensors", safetensors(tensors));
    return valueOf(importCheckpoint(path, options));
  }
};

TEST(Towers, withoutEncoders) {
  WithoutEncoders directory;
  Checkpoint whole = directory.read();
  EXPECT_EQ(whole.towerTensors.size(), 10u + 1);
  EXPECT_TRUE(areEqual(whole.towerTensors.at("vision_embedder.pos_embedding").shape, {10, 8})); // rows by turns
  EXPECT_TRUE(areEqual(whole.towerTensors.at("vision_embedder.patch_dense.weight").shape, {8, 108}));
  Checkpoint deaf = directory.read({.withoutAudio = true}), blind = directory.read({.withoutImages = true});
  EXPECT_TRUE(deaf.config.towers.patches && !deaf.config.towers.samples);
  EXPECT_EQ(deaf.towerTensors.size(), 10u);
  EXPECT_TRUE(!blind.config.towers.patches && blind.config.towers.samples);
  EXPECT_EQ(blind.towerTensors.size(), 1u);
  directory.tensors.erase("model.vision_embedder.patch_ln2.bias");
  Checkpoint without = directory.read();
  EXPECT_FALSE(without.config.towers.patches);
  EXPECT_TRUE(llvm::any_of(without.notes, [](const std::string &note) {
    return note == "vision embedder: tensor 'vision_embedder.patch_ln2.bias' of shape [8] is missing";
  }));
}

TEST(Towers, mistakesOfEmbedders) {
  std::vector<std::string> notes;
  auto patches = [&](Json object) {
    Fields fields("config.json", "vision_config.", object);
    readPatchEmbedderConfig(fields);
    return finishTower(fields, {}, notes);
  };
  auto samples = [&](Json object) {
    Fields fields("config.json", "audio_config.", object);
    readSampleEmbedderConfig(fields);
    return finishTower(fields, {}, notes);
  };
  EXPECT_EQ(patches(Json::object()), "");
  EXPECT_EQ(samples(Json::object()), "");
  EXPECT_TRUE(contains(patches({{"mm_embed_dim", 64}}), "'vision_config.output_proj_dims'", "mm_embed_dim = 64"));
  EXPECT_TRUE(contains(patches({{"model_patch_size", 32}}), "'vision_config.model_patch_size' is 32", "= 48"));
  EXPECT_TRUE(contains(patches({{"model_type", "gemma4_vision"}}), "'gemma4_unified_vision'"));
  EXPECT_TRUE(contains(patches({{"hidden_size", 768}}), "field 'vision_config.hidden_size' is unknown"));
  EXPECT_EQ(samples({{"hidden_size", 320}, {"audio_embed_dim", 320}}), "");
  EXPECT_TRUE(contains(samples({{"hidden_size", 640}, {"audio_embed_dim", 320}}), "'audio_config.hidden_size' is 640",
                       "expected 320"));
}

TEST(Towers, unknownFields) {
  Json config = WithVision().config;
  config["vision_config"]["new_field"] = 3;
  auto read = [&](const ImportOptions &options) { return valueOf(readConfig("config.json", config.dump(), options)); };
  ConfigFile file = read({});
  EXPECT_FALSE(file.model.towers.vision);
  EXPECT_TRUE(eachContains(file.notes, {"config.json: vision_config set aside, it cannot be read: field "
                                        "'vision_config.new_field' is unknown"}));
  EXPECT_TRUE(contains(file.notes.back(), "add --ignore-config 'vision_config.new_field'"));
  EXPECT_FALSE(contains(file.notes.back(), "error:")); // it is a note
  file = read({{"vision_config.new_field"}});
  EXPECT_TRUE(file.model.towers.vision);
  EXPECT_TRUE(eachContains(file.notes, {"'vision_config.new_field' is left out as asked; its value is 3"}));
  file = read({{"vision_config.new_field", "vision_config.hidden_size"}});
  EXPECT_FALSE(file.model.towers.vision);
  EXPECT_TRUE(contains(file.notes.back(), "'vision_config.hidden_size' is part of what the model computes"));
}

TEST(Towers, configurationMistakes) {
  std::vector<std::string> notes;
  auto vision = [&](Json object) {
    Fields fields("config.json", "vision_config.", object);
    readVisionConfig(fields);
    return finishTower(fields, {}, notes);
  };
  auto audio = [&](Json object) {
    Fields fields("config.json", "audio_config.", object);
    readAudioConfig(fields);
    return finishTower(fields, {}, notes);
  };
  EXPECT_TRUE(contains(vision({{"num_hidden_layers", 0}}), "'vision_config.num_hidden_layers' is 0"));
  EXPECT_TRUE(contains(vision({{"head_dim", 6}}), "'vision_config.head_dim' is 6, expected a multiple of 4"));
  EXPECT_TRUE(contains(vision({{"num_key_value_heads", 5}}), "a divisor of num_attention_heads = 12"));
  EXPECT_TRUE(contains(vision({{"hidden_activation", "relu"}}), "expected 'gelu_pytorch_tanh'"));
  EXPECT_TRUE(contains(vision({{"rope_parameters", {{"rope_type", "yarn"}}}}), "'default' or 'axial'"));
  EXPECT_TRUE(contains(vision({{"new_field", 1}}), "'vision_config.new_field'"));
  EXPECT_TRUE(contains(audio({{"subsampling_conv_channels", {64, 32}}}), "begins with 64, expected 128 to 131"));
  EXPECT_TRUE(contains(audio({{"subsampling_conv_channels", {128, -1}}}), "expected two positive integers"));
  EXPECT_EQ(audio({{"subsampling_conv_channels", {131, 32}}}), ""); // a quarter of it is that of the bins
  EXPECT_TRUE(
      contains(audio({{"hidden_size", 1000}, {"num_attention_heads", 24}}), "a multiple of num_attention_heads"));
  EXPECT_TRUE(contains(audio({{"hidden_size", 45}, {"num_attention_heads", 3}}), "an even number"));
  EXPECT_EQ(audio({{"hidden_size", 90}, {"num_attention_heads", 6}}), ""); // heads of 15
  EXPECT_TRUE(contains(audio({{"hidden_act", "gelu"}}), "expected 'silu'"));
  EXPECT_TRUE(contains(audio({{"attention_context_left", 1}}), "attention_context_left"));
  EXPECT_TRUE(contains(audio({{"attention_invalid_logits_value", -100.0}}), "below -104 - attention_logit_cap"));
}

} // namespace
