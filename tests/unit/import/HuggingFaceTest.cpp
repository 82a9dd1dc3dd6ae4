// Whole directories: the shipped small checkpoints, and one made on the spot, complete and with pieces missing.
#include "ImportTest.h"
#include "compiler/import/ChatFormat.h"
#include "compiler/import/ConfigReader.h"
#include "gemmac/abi.h"

using namespace gemmac;
using namespace gemmac::test;

namespace {

Checkpoint shipped(const char *name) {
  return valueOf(importHuggingFace(std::string(GEMMAC_CHECKPOINTS) + "/" + name));
}

TEST(HuggingFace, tinyE) {
  Checkpoint checkpoint = shipped("tiny-e");
  EXPECT_EQ(checkpoint.config.name, "tiny-e");
  EXPECT_EQ(checkpoint.config.architecture, "Gemma4ForConditionalGeneration");
  ASSERT_EQ(checkpoint.config.layers.size(), 8u);
  EXPECT_EQ(checkpoint.config.layers[6].kvSource, 2);
  EXPECT_EQ(checkpoint.config.layers[7].kvSource, 3);
  EXPECT_EQ(checkpoint.config.layers[6].mlpWidth, 256);
  EXPECT_EQ(checkpoint.config.perLayerEmbedding->width, 32);
  EXPECT_EQ(checkpoint.tensors.size(), expectedTensors(checkpoint.config).size());
  EXPECT_EQ(checkpoint.bosId, 2);
  EXPECT_TRUE(
      sameFormat(checkpoint.chat, gemma4Format("<bos>", false))); // the template of the E sizes closes no thought
  EXPECT_EQ(checkpoint.chat.name, "gemma4");
  EXPECT_TRUE(areEqual(checkpoint.sampling.stopIds, {1, 16, 9}));
  EXPECT_TRUE(oneContains(checkpoint.notes, "vision tower: 84 tensors"));
  EXPECT_TRUE(oneContains(checkpoint.notes, "12 key and value tensors"));
}

TEST(HuggingFace, tinyMoe) {
  Checkpoint checkpoint = shipped("tiny-moe");
  EXPECT_EQ(checkpoint.config.experts->count, 8);
  EXPECT_TRUE(checkpoint.config.layers[5].keysAreValues);
  EXPECT_EQ(checkpoint.config.layers[5].kvHeads, 1);
  EXPECT_TRUE(sameFormat(checkpoint.chat, gemma4Format("<bos>", true)));
}

TEST(HuggingFace, tinyDense) {
  Checkpoint checkpoint = shipped("tiny-dense");
  EXPECT_FALSE(checkpoint.config.experts);
  EXPECT_EQ(checkpoint.config.layers[0].mlpWidth, 192);
  EXPECT_EQ(checkpoint.tensors.size(), expectedTensors(checkpoint.config).size());
}

/// A complete directory of the small flat model.
struct SmallCheckpoint : TempDirectory {
  SmallCheckpoint() {
    write("config.json", smallFlat().dump());
    write("tokenizer.json", smallTokenizer().dump());
    std::map<std::string, TestTensor> tensors;
    std::map<std::string, std::vector<int64_t>> shapes = {{"embed_tokens.weight", {32, 12}}, {"norm.weight", {12}}};
    for (int i = 0; i < 3; ++i) {
      std::string prefix = "layers." + std::to_string(i) + ".";
      int64_t headDim = i == 2 ? 8 : 6;
      for (const char *norm :
           {"input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"})
        shapes[prefix + norm + ".weight"] = {12};
      for (const char *part : {"gate_proj", "up_proj"})
        shapes[prefix + "mlp." + part + ".weight"] = {20, 12};
      shapes[prefix + "mlp.down_proj.weight"] = {12, 20};
      shapes[prefix + "self_attn.q_proj.weight"] = {4 * headDim, 12};
      shapes[prefix + "self_attn.k_proj.weight"] = {2 * headDim, 12};
      shapes[prefix + "self_attn.v_proj.weight"] = {2 * headDim, 12};
      shapes[prefix + "self_attn.o_proj.weight"] = {12, 4 * headDim};
      shapes[prefix + "self_attn.q_norm.weight"] = {headDim};
      shapes[prefix + "self_attn.k_norm.weight"] = {headDim};
    }
    for (const auto &[name, shape] : shapes)
      tensors["model." + name] = {shape};
    write("model.safetensors", safetensors(tensors));
  }
  std::string error() const { return errorOf(importHuggingFace(path)); }
  Checkpoint read() const { return valueOf(importHuggingFace(path)); }
};

TEST(HuggingFace, smallestDirectory) {
  SmallCheckpoint directory;
  Checkpoint checkpoint = directory.read();
  EXPECT_EQ(checkpoint.config.name, llvm::sys::path::filename(directory.path));
  EXPECT_EQ(checkpoint.tensors.size(), 2u + 3 * 13);
  EXPECT_EQ(checkpoint.bosId, 2); // the class's default
  EXPECT_FALSE(checkpoint.chat.chats());
  EXPECT_EQ(checkpoint.sampling.temperature, 0.0);
  EXPECT_TRUE(areEqual(checkpoint.sampling.stopIds, {1}));
  EXPECT_TRUE(eachContains(checkpoint.notes, {"no chat template", "no generation_config.json"}));
  EXPECT_EQ(valueOf(importHuggingFace(directory.path + "/")).config.name, checkpoint.config.name);
}

TEST(HuggingFace, bosFromTokenizerConfigFirst) {
  SmallCheckpoint directory;
  directory.write("tokenizer_config.json", R"({"bos_token": "<eos>"})");
  EXPECT_EQ(directory.read().bosId, 1);
  directory.write("tokenizer_config.json", R"({"bos_token": "<none>"})");
  EXPECT_TRUE(contains(directory.error(), "field 'bos_token' is '<none>', expected a token of tokenizer.json"));
  directory.remove("tokenizer_config.json");
  Json config = smallFlat();
  config["bos_token_id"] = nullptr;
  directory.write("config.json", config.dump());
  EXPECT_EQ(directory.read().bosId, 2); // the token named <bos>
}

TEST(HuggingFace, templateFileBeforeTokenizerConfig) {
  SmallCheckpoint directory;
  std::string text = "{% for m in messages %}<|turn>{{ m.content }}<turn|>{% endfor %}";
  directory.write("tokenizer_config.json", Json{{"chat_template", text}}.dump());
  EXPECT_EQ(directory.read().chat.modes[GEMMAC_THINK_DEFAULT].start, "<|turn>");
  directory.write("chat_template.jinja", "something else");
  EXPECT_TRUE(contains(directory.error(), "chat_template.jinja: error: the chat template does not write each text"));
}

TEST(HuggingFace, stopIdsFromConfigWhenNotInGenerationConfig) {
  SmallCheckpoint directory;
  directory.write("generation_config.json", R"({"do_sample": true, "temperature": 0.5})");
  EXPECT_TRUE(areEqual(directory.read().sampling.stopIds, {1}));
  EXPECT_EQ(directory.read().sampling.temperature, 0.5);
  directory.write("generation_config.json", R"({"eos_token_id": [5, 1]})");
  EXPECT_TRUE(areEqual(directory.read().sampling.stopIds, {5, 1}));
}

/// Norms of Gemma 3 lack their 1, matrices do not.
TEST(HuggingFace, normsOfGemma3) {
  SmallCheckpoint directory;
  for (const auto &[name, source] : directory.read().tensors)
    EXPECT_EQ(source.addend, 0.0) << name;
  Json config = smallFlat();
  for (const char *name : {"global_head_dim", "hidden_size_per_layer_input"})
    config.erase(name);
  config.update({{"architectures", {"Gemma3ForCausalLM"}}, {"model_type", "gemma3_text"}});
  config["layer_types"] = {"sliding_attention", "sliding_attention", "sliding_attention"};
  directory.write("config.json", config.dump());
  std::map<std::string, TestTensor> tensors;
  for (const auto &[name, shape] : expectedTensors(valueOf(readConfig("config.json", config.dump())).model))
    tensors["model." + name] = {shape};
  directory.write("model.safetensors", safetensors(tensors));
  Checkpoint checkpoint = directory.read();
  EXPECT_EQ(checkpoint.tensors.size(), tensors.size());
  for (const auto &[name, source] : checkpoint.tensors)
    EXPECT_EQ(source.addend, source.shape.size() == 1 ? 1.0 : 0.0) << name;
}

TEST(HuggingFace, missingPieces) {
  SmallCheckpoint directory;
  directory.remove("tokenizer.json");
  EXPECT_TRUE(contains(directory.error(), "no tokenizer.json"));
  directory.remove("config.json");
  EXPECT_TRUE(contains(directory.error(), directory.path, "no config.json"));
  directory.write("model.gguf", "GGUF");
  EXPECT_TRUE(contains(directory.error(), "no config.json", "name the GGUF file"));
  EXPECT_TRUE(contains(errorOf(importCheckpoint(directory / "model.gguf")), "model.gguf: error: the file has 4 bytes"));
  EXPECT_TRUE(contains(errorOf(importHuggingFace(directory / "model.safetensors")), "this is a file"));
  EXPECT_TRUE(contains(errorOf(importHuggingFace(directory / "nothing")), "cannot read the checkpoint"));
}

TEST(HuggingFace, configAgainstTensors) {
  SmallCheckpoint directory;
  Json config = smallFlat();
  config["hidden_size"] = 14;
  directory.write("config.json", config.dump());
  EXPECT_TRUE(contains(directory.error(),
                       "model.safetensors: error: tensor 'model.embed_tokens.weight' has shape "
                       "[32, 12], expected [32, 14]",
                       "hidden_size 14"));
  config["hidden_size"] = 12;
  config["vocab_size"] = 16;
  directory.write("config.json", config.dump());
  EXPECT_TRUE(contains(directory.error(), "expected [16, 12]"));
}

} // namespace
