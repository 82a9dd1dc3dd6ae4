// A directory's safetensors files against a configuration.
#include "compiler/import/TensorFiles.h"
#include "ImportTest.h"
#include "compiler/import/ConfigReader.h"

using namespace gemmac;
using namespace gemmac::test;

namespace {

ModelConfig configOf(const Json &json) { return valueOf(readConfig("config.json", json.dump())).model; }

/// All features at once: 4 layers of which 2 reuse keys and values, experts, per-layer embeddings, an untied head.
Json fullJson() {
  Json config = smallFlat();
  config.update({{"num_hidden_layers", 4},
                 {"num_kv_shared_layers", 2},
                 {"use_double_wide_mlp", true},
                 {"attention_k_eq_v", true},
                 {"num_global_key_value_heads", 1},
                 {"tie_word_embeddings", false},
                 {"hidden_size_per_layer_input", 5},
                 {"vocab_size_per_layer_input", 33},
                 {"enable_moe_block", true},
                 {"num_experts", 4},
                 {"top_k_experts", 2},
                 {"moe_intermediate_size", 9},
                 {"layer_types", {"sliding_attention", "full_attention", "sliding_attention", "full_attention"}}});
  return config;
}

struct Selected {
  std::string error;
  Checkpoint checkpoint;
};

Selected selectIn(const TempDirectory &directory, const ModelConfig &config) {
  Selected result;
  result.checkpoint.config = config;
  llvm::Expected<TensorFiles> files = readTensorFiles(directory.path);
  if (!files)
    result.error = messageOf(files.takeError());
  else
    result.error = messageOf(selectTensors(std::move(*files), huggingFaceNaming, result.checkpoint));
  return result;
}

Selected selectFrom(const std::map<std::string, TestTensor> &tensors, const ModelConfig &config) {
  TempDirectory directory;
  directory.write("model.safetensors", safetensors(tensors));
  return selectIn(directory, config);
}

TEST(ExpectedTensors, everyFeature) {
  auto shapes = expectedTensors(configOf(fullJson()));
  using Shape = std::vector<int64_t>;
  EXPECT_EQ(shapes["embed_tokens.weight"], (Shape{32, 12}));
  EXPECT_EQ(shapes["lm_head.weight"], (Shape{32, 12}));
  EXPECT_EQ(shapes["norm.weight"], Shape{12});
  EXPECT_EQ(shapes["embed_tokens_per_layer.weight"], (Shape{33, 20}));
  EXPECT_EQ(shapes["per_layer_model_projection.weight"], (Shape{20, 12}));
  EXPECT_EQ(shapes["per_layer_projection_norm.weight"], Shape{5});
  EXPECT_EQ(shapes["layers.0.layer_scalar"], Shape{1});
  EXPECT_EQ(shapes["layers.0.self_attn.q_proj.weight"], (Shape{24, 12}));
  EXPECT_EQ(shapes["layers.0.self_attn.v_proj.weight"], (Shape{12, 12}));
  EXPECT_EQ(shapes["layers.1.self_attn.q_proj.weight"], (Shape{32, 12}));
  EXPECT_EQ(shapes["layers.1.self_attn.k_proj.weight"], (Shape{8, 12}));
  EXPECT_EQ(shapes["layers.1.self_attn.o_proj.weight"], (Shape{12, 32}));
  EXPECT_EQ(shapes["layers.1.self_attn.k_norm.weight"], Shape{8});
  EXPECT_FALSE(shapes.contains("layers.1.self_attn.v_proj.weight"));
  EXPECT_FALSE(shapes.contains("layers.2.self_attn.k_proj.weight"));
  EXPECT_FALSE(shapes.contains("layers.2.self_attn.k_norm.weight"));
  EXPECT_TRUE(shapes.contains("layers.2.self_attn.q_norm.weight"));
  EXPECT_EQ(shapes["layers.1.mlp.down_proj.weight"], (Shape{12, 20}));
  EXPECT_EQ(shapes["layers.2.mlp.gate_proj.weight"], (Shape{40, 12}));
  EXPECT_EQ(shapes["layers.3.per_layer_input_gate.weight"], (Shape{5, 12}));
  EXPECT_EQ(shapes["layers.3.per_layer_projection.weight"], (Shape{12, 5}));
  EXPECT_EQ(shapes["layers.3.router.proj.weight"], (Shape{4, 12}));
  EXPECT_EQ(shapes["layers.3.router.per_expert_scale"], Shape{4});
  EXPECT_EQ(shapes["layers.3.experts.gate_up_proj"], (Shape{4, 18, 12}));
  EXPECT_EQ(shapes["layers.3.experts.down_proj"], (Shape{4, 12, 9}));
  EXPECT_EQ(shapes.size(), 3u + 3 + 4 * (5 + 3 + 3 + 3 + 8) + 5);
}

TEST(TensorFiles, bothPrefixesAndAllTypes) {
  ModelConfig config = configOf(fullJson());
  for (const std::string prefix : {"model.", "model.language_model."}) {
    auto tensors = tensorsOf(config, prefix);
    tensors[prefix + "norm.weight"].dtype = "F32";
    tensors[prefix + "embed_tokens.weight"].dtype = "F16";
    Selected got = selectFrom(tensors, config);
    EXPECT_EQ(got.error, "");
    EXPECT_TRUE(got.checkpoint.notes.empty());
    EXPECT_TRUE(areEqual(got.checkpoint.files, {"model.safetensors"}));
    EXPECT_EQ(got.checkpoint.tensors.size(), tensors.size());
    EXPECT_EQ(got.checkpoint.tensors["norm.weight"].encoding, Encoding::F32);
    EXPECT_EQ(got.checkpoint.tensors["norm.weight"].bytes, 48u);
    EXPECT_EQ(got.checkpoint.tensors["embed_tokens.weight"].encoding, Encoding::F16);
    EXPECT_EQ(got.checkpoint.tensors["lm_head.weight"].encoding, Encoding::BF16);
  }
}

TEST(TensorFiles, setsAsideWhatIsRecognised) {
  ModelConfig config = configOf(smallNested());
  auto tensors = tensorsOf(config, "model.language_model.");
  tensors["model.vision_tower.a"] = {{3}, "I64"};
  tensors["model.vision_tower.b"] = {{3}};
  tensors["model.audio_tower.a"] = {{3}};
  tensors["model.embed_vision.embedding_projection.weight"] = {{3}};
  tensors["model.embed_audio.embedding_projection.weight"] = {{3}};
  tensors["lm_head.weight"] = {{32, 12}};
  Selected got = selectFrom(tensors, config);
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.checkpoint.tensors.size(), tensors.size() - 6);
  EXPECT_TRUE(
      eachContains(got.checkpoint.notes, {"lm_head.weight: set aside", "audio embedder: 1", "audio tower: 1 tensors",
                                          "vision embedder: 1", "vision tower: 2 tensors"}));
}

TEST(TensorFiles, dropsDeadKeysAndValues) {
  ModelConfig config = configOf(fullJson());
  auto tensors = tensorsOf(config, "model.");
  for (const char *name : {"k_proj", "v_proj", "k_norm"})
    tensors[std::string("model.layers.2.self_attn.") + name + ".weight"] = {{2}};
  Selected got = selectFrom(tensors, config);
  EXPECT_EQ(got.error, "");
  EXPECT_FALSE(got.checkpoint.tensors.contains("layers.2.self_attn.k_proj.weight"));
  EXPECT_TRUE(eachContains(got.checkpoint.notes, {"3 key and value tensors"}));
  // The same names in a layer that owns its cache are not dead.
  tensors["model.layers.1.self_attn.v_proj.weight"] = {{8, 12}};
  EXPECT_TRUE(contains(selectFrom(tensors, config).error, "'model.layers.1.self_attn.v_proj.weight' is not part of"));
}

TEST(TensorFiles, missingScalarMeansOne) {
  ModelConfig config = configOf(smallFlat());
  auto tensors = tensorsOf(config, "model.");
  tensors.erase("model.layers.1.layer_scalar");
  Selected got = selectFrom(tensors, config);
  EXPECT_EQ(got.error, "");
  EXPECT_FALSE(got.checkpoint.tensors.contains("layers.1.layer_scalar"));
  EXPECT_TRUE(got.checkpoint.tensors.contains("layers.0.layer_scalar"));
}

TEST(TensorFiles, missingTensorsNameTheirField) {
  ModelConfig config = configOf(fullJson());
  for (auto [name, reason] :
       {std::pair("layers.1.self_attn.q_proj.weight", "4 heads x 8 head_dim; layer 1 is full attention"),
        {"layers.0.self_attn.k_proj.weight", "2 key-value heads x 6 head_dim; layer 0 is sliding"},
        {"layers.2.mlp.up_proj.weight", "intermediate_size of layer 2 is 40"},
        {"layers.3.experts.down_proj", "num_experts 4"},
        {"layers.3.per_layer_projection.weight", "hidden_size_per_layer_input 5"},
        {"norm.weight", "hidden_size 12"}}) {
    auto tensors = tensorsOf(config, "model.");
    ASSERT_EQ(tensors.erase(std::string("model.") + name), 1u);
    EXPECT_TRUE(contains(selectFrom(tensors, config).error,
                         "model.safetensors: error: tensor '" + std::string(name) + "'", "is missing", reason));
  }
  auto tensors = tensorsOf(config, "model.");
  tensors.erase("lm_head.weight");
  EXPECT_TRUE(contains(selectFrom(tensors, config).error, "tie_word_embeddings is false"));
}

TEST(TensorFiles, wrongShapesTypesAndStrangers) {
  ModelConfig config = configOf(smallFlat());
  auto change = [&](const std::string &name, TestTensor tensor) {
    auto tensors = tensorsOf(config, "model.");
    tensors[name] = std::move(tensor);
    return selectFrom(tensors, config).error;
  };
  EXPECT_EQ(change("model.layers.2.self_attn.q_proj.weight", {{24, 12}}),
            "model.safetensors: error: tensor 'model.layers.2.self_attn.q_proj.weight' has shape [24, 12], expected "
            "[32, 12] (4 heads x 8 head_dim; layer 2 is full attention)");
  EXPECT_TRUE(contains(change("model.norm.weight", {{12}, "I64"}), "has type I64, expected F32, F16 or BF16"));
  EXPECT_TRUE(contains(change("model.layers.3.layer_scalar", {{1}}), "'model.layers.3.layer_scalar' is not part of"));
  EXPECT_TRUE(contains(change("norm.weight", {{12}}), "'norm.weight' is given twice"));
  EXPECT_TRUE(contains(change("model.lm_head.weight", {{32, 12}}), "'model.lm_head.weight' is not part of"));
  EXPECT_TRUE(contains(change("model.language_model.norm.weight", {{12}}), "tensor 'norm.weight' is given twice"));
}

/// The first files of Gemma 3 with a vision tower put the text model's class under "language_model.".
TEST(TensorFiles, namesOfTheFirstGemma3Files) {
  ModelConfig config = configOf(smallFlat());
  config.tiedHead = false;
  auto tensors = tensorsOf(config, "language_model.model.");
  tensors["language_model.lm_head.weight"] = {{32, 12}};
  tensors.erase("lm_head.weight");
  tensors["vision_tower.vision_model.post_layernorm.weight"] = {{4}};
  tensors["multi_modal_projector.mm_input_projection_weight"] = {{4, 12}};
  Selected got = selectFrom(tensors, config);
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.checkpoint.tensors.size(), expectedTensors(config).size());
  EXPECT_TRUE(oneContains(got.checkpoint.notes, "vision tower: 1 tensors set aside"));
}

TEST(TensorFiles, layerScalarsOnlyWhereTheModelHasThem) {
  ModelConfig config = configOf(smallFlat());
  config.layerScalars = false;
  auto tensors = tensorsOf(config, "model.");
  EXPECT_EQ(selectFrom(tensors, config).error, "");
  tensors["model.layers.0.layer_scalar"] = {{1}};
  EXPECT_TRUE(contains(selectFrom(tensors, config).error, "'model.layers.0.layer_scalar' is not part of"));
}

/// A directory with the small model in two shards and an index.
struct Sharded {
  Sharded() {
    config = configOf(smallFlat());
    bool second = false;
    for (const auto &[name, tensor] : tensorsOf(config, "model.")) {
      (second ? two : one)[name] = tensor;
      second = !second;
    }
    for (const auto &[name, tensor] : one)
      index["weight_map"][name] = "model-1.safetensors";
    for (const auto &[name, tensor] : two)
      index["weight_map"][name] = "model-2.safetensors";
    write();
  }
  void write() {
    directory.write("model-1.safetensors", safetensors(one));
    directory.write("model-2.safetensors", safetensors(two));
    directory.write("model.safetensors.index.json", index.dump());
  }
  Selected select() { return selectIn(directory, config); }

  TempDirectory directory;
  ModelConfig config;
  std::map<std::string, TestTensor> one, two;
  Json index;
};

TEST(Shards, agree) {
  Sharded model;
  Selected got = model.select();
  EXPECT_EQ(got.error, "");
  EXPECT_TRUE(areEqual(got.checkpoint.files, {"model-1.safetensors", "model-2.safetensors"}));
  EXPECT_EQ(got.checkpoint.tensors.size(), model.one.size() + model.two.size());
  std::string first = model.two.begin()->first;
  EXPECT_EQ(got.checkpoint.tensors[first.substr(6)].file, 1u);
}

TEST(Shards, missingAndCut) {
  Sharded model;
  std::string whole = readFile(model.directory / "model-2.safetensors");
  model.directory.write("model-2.safetensors", whole.substr(0, whole.size() - 1));
  EXPECT_TRUE(contains(model.select().error,
                       "model-2.safetensors: error: the file has " + std::to_string(whole.size() - 1),
                       "expected " + std::to_string(whole.size()), "cut short"));
  model.directory.write("model-2.safetensors", whole.substr(0, 5));
  EXPECT_TRUE(contains(model.select().error, "has 5 bytes, expected at least 8"));
  model.directory.remove("model-2.safetensors");
  EXPECT_TRUE(contains(model.select().error, "model-2.safetensors: error: no such file",
                       "model.safetensors.index.json names it"));
}

TEST(Shards, disagree) {
  Sharded model;
  std::string name = model.one.begin()->first;
  model.index["weight_map"][name] = "model-2.safetensors";
  model.write();
  EXPECT_TRUE(contains(model.select().error, "'" + name + "' is here, expected in 'model-2.safetensors'"));
  model.index["weight_map"].erase(name);
  model.write();
  EXPECT_TRUE(contains(model.select().error, "'" + name + "' is not listed in model.safetensors.index.json"));
  model.index["weight_map"][name] = "model-1.safetensors";
  model.index["weight_map"]["model.extra"] = "model-1.safetensors";
  model.write();
  EXPECT_TRUE(contains(model.select().error, "tensor 'model.extra' is missing, expected it here"));
}

/// Shards that are numbered describe themselves.
TEST(Shards, withoutAnIndex) {
  Sharded model;
  model.directory.remove("model.safetensors.index.json");
  EXPECT_TRUE(
      contains(model.select().error, "found neither 'model.safetensors'", "if 'model-1.safetensors' holds all"));
  auto rename = [&](const char *from, const char *to) {
    llvm::sys::fs::rename(model.directory / from, model.directory / to);
  };
  rename("model-1.safetensors", "model-00001-of-00002.safetensors");
  EXPECT_TRUE(
      contains(model.select().error, "shard 2 of 2 is missing", "found 1 files 'model-*-of-00002.safetensors'"));
  rename("model-2.safetensors", "model-00002-of-00002.safetensors");
  Selected got = model.select();
  EXPECT_EQ(got.error, "");
  EXPECT_TRUE(areEqual(got.checkpoint.files, {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}));
  EXPECT_EQ(got.checkpoint.tensors.size(), model.one.size() + model.two.size());

  std::string name = model.one.begin()->first;
  model.two[name] = model.one[name];
  model.directory.write("model-00002-of-00002.safetensors", safetensors(model.two));
  EXPECT_TRUE(contains(model.select().error, "model-00002-of-00002.safetensors: error: tensor '" + name +
                                                 "' is here and in 'model-00001-of-00002.safetensors'"));
  model.two.erase(name);
  std::string other = model.two.begin()->first;
  model.two.erase(other);
  model.directory.write("model-00002-of-00002.safetensors", safetensors(model.two));
  EXPECT_TRUE(contains(model.select().error,
                       "model-00001-of-00002.safetensors to model-00002-of-00002.safetensors: error", "is missing"));
  rename("model-00001-of-00002.safetensors", "model-00003-of-00002.safetensors");
  EXPECT_TRUE(contains(model.select().error, "shard 1 of 2 is missing"));
  rename("model-00002-of-00002.safetensors", "other-00001-of-00001.safetensors");
  EXPECT_TRUE(contains(model.select().error, "of several sets"));
}

/// Names as wrappers of training programs save them, and as a text model without its head is saved.
TEST(TensorFiles, namesOfWrappers) {
  ModelConfig config = configOf(smallFlat());
  for (const char *prefix :
       {"", "_orig_mod.model.", "base_model.model.model.", "model._orig_mod.", "language_model.model."}) {
    auto tensors = tensorsOf(config, prefix);
    EXPECT_EQ(selectFrom(tensors, config).error, "") << prefix;
    tensors[prefix + std::string("layers.0.self_attn.rotary_emb.inv_freq")] = {{4}, "F32"};
    Selected got = selectFrom(tensors, config);
    EXPECT_EQ(got.error, "");
    EXPECT_TRUE(eachContains(got.checkpoint.notes, {"1 tables of rotary frequencies are left out"}));
    tensors[prefix + std::string("layers.0.self_attn.q_proj.lora_A.weight")] = {{4}};
    EXPECT_TRUE(contains(selectFrom(tensors, config).error, "lora_A.weight' is not part of"));
  }
}

TEST(TensorFiles, noWeights) {
  TempDirectory directory;
  auto error = [&] { return selectIn(directory, configOf(smallFlat())).error; };
  EXPECT_TRUE(contains(error(), "neither 'model.safetensors' nor 'model.safetensors.index.json'"));
  directory.write("pytorch_model.bin", "x");
  EXPECT_TRUE(contains(error(), "only 'pytorch_model.bin'", "safetensors form only"));
  directory.write("adapter_model.safetensors", "x");
  EXPECT_TRUE(contains(error(), "this is an adapter; merge it"));
}

/// What git leaves in place of large files that were not fetched.
TEST(TensorFiles, gitLfsPointers) {
  constexpr llvm::StringLiteral pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4430368\n";
  Sharded model;
  model.directory.write("model-2.safetensors", pointer);
  EXPECT_TRUE(contains(model.select().error, "model-2.safetensors: error: this is a Git LFS pointer", "git lfs pull"));
  for (const char *name : {"model.safetensors.index.json", "model.safetensors"}) {
    model.directory.write(name, pointer);
    EXPECT_TRUE(contains(model.select().error, std::string(name) + ": error: this is a Git LFS pointer"));
  }
  for (const char *name : {"m.gguf", "sha256-0a"}) {
    model.directory.write(name, pointer);
    EXPECT_TRUE(contains(errorOf(importCheckpoint(model.directory / name)), ": error: this is a Git LFS pointer"));
  }
}

TEST(TensorFiles, notARegularFile) {
  TempDirectory directory;
  llvm::sys::fs::create_directory(directory / "model.safetensors");
  EXPECT_TRUE(contains(selectIn(directory, configOf(smallFlat())).error, "not a regular file"));
}

} // namespace
