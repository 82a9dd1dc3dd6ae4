// Whole directories: the shipped small checkpoints, and one made on the spot, complete and with pieces missing.
#include "ImportTest.h"
#include "compiler/import/ChatFormat.h"
#include "compiler/import/ConfigReader.h"
#include "compiler/import/ModelName.h"
#include "gemmac/program.h"

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
  EXPECT_FALSE(oneContains(checkpoint.notes, "tower"));
  EXPECT_TRUE(checkpoint.config.towers.vision && checkpoint.config.towers.audio);
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
  EXPECT_TRUE(eachContains(checkpoint.notes, {"no generation_config.json", "no chat template"}));
  EXPECT_EQ(valueOf(importHuggingFace(directory.path + "/")).config.name, checkpoint.config.name);
}

TEST(HuggingFace, bosFromTokenizerConfigFirst) {
  SmallCheckpoint directory;
  directory.write("tokenizer_config.json", R"({"bos_token": "a"})");
  EXPECT_EQ(directory.read().bosId, 2); // the vocabulary's, whatever files say
  EXPECT_TRUE(
      oneContains(directory.read().notes, "tokenizer_config.json: bos_token is 'a'; texts begin with '<bos>', 2"));
  directory.write("tokenizer_config.json", R"({"bos_token": "<bos>", "add_bos_token": false})");
  EXPECT_EQ(directory.read().bosId, 2);
  EXPECT_TRUE(oneContains(directory.read().notes, "tokenizer_config.json: add_bos_token is false"));
  directory.remove("tokenizer_config.json");
  Json config = smallFlat();
  for (const Json &id : {Json(), Json(1), Json(500), Json(-1)}) {
    config["bos_token_id"] = id;
    directory.write("config.json", config.dump());
    EXPECT_EQ(directory.read().bosId, 2);
  }
  config["bos_token_id"] = 1;
  directory.write("config.json", config.dump());
  EXPECT_TRUE(oneContains(directory.read().notes, "config.json: bos_token_id is 1; texts begin with '<bos>', 2"));

  // A vocabulary without <bos>: the claim has the word.
  Json tokenizer = smallTokenizer();
  tokenizer["model"]["vocab"].erase("<bos>");
  tokenizer["model"]["vocab"]["<start>"] = 2;
  tokenizer["added_tokens"][2]["content"] = "<start>";
  directory.write("tokenizer.json", tokenizer.dump());
  EXPECT_EQ(directory.read().bosId, 1);
  directory.write("tokenizer_config.json", R"({"bos_token": "<start>"})");
  EXPECT_EQ(directory.read().bosId, 2);
  directory.write("tokenizer_config.json", R"({"bos_token": "<none>"})");
  EXPECT_TRUE(contains(directory.error(), "bos_token is '<none>', expected a token of the vocabulary"));
}

TEST(HuggingFace, templateFileBeforeTokenizerConfig) {
  SmallCheckpoint directory;
  std::string text = "{% for m in messages %}<|turn>{{ m.content }}<turn|>{% endfor %}";
  directory.write("tokenizer_config.json", Json{{"chat_template", text}}.dump());
  EXPECT_EQ(directory.read().chat.modes[GEMMAC_THINK_DEFAULT].start, "<|turn>");
  directory.write("chat_template.json", Json{{"chat_template", "something else"}}.dump());
  EXPECT_EQ(directory.read().chat.modes[GEMMAC_THINK_DEFAULT].start, "<|turn>");
  directory.write("chat_template.jinja", "something else");
  EXPECT_TRUE(contains(directory.error(), "chat_template.jinja: error: the chat template does not write each text"));
}

/// Processors of media models have the template in a file of their own, which some checkpoints have alone.
TEST(HuggingFace, templateOfTheProcessor) {
  SmallCheckpoint directory;
  directory.write("chat_template.json",
                  Json{{"chat_template", "{% for m in messages %}<|turn>{{ m.content }}<turn|>{% endfor %}"}}.dump());
  EXPECT_EQ(directory.read().chat.modes[GEMMAC_THINK_DEFAULT].start, "<|turn>");
}

TEST(HuggingFace, nameOfASnapshot) {
  SmallCheckpoint directory;
  std::string hash(40, 'a'), snapshots = directory / "models--org--gemma-x-it/snapshots";
  llvm::sys::fs::create_directories(snapshots);
  llvm::sys::fs::create_directories(snapshots + "/" + hash);
  EXPECT_EQ(directoryModelName(snapshots + "/" + hash + "/", ""), "gemma-x-it");
  llvm::sys::fs::create_directories(directory / hash);
  EXPECT_EQ(directoryModelName(directory / hash, "org/given"), "given");
  EXPECT_EQ(directoryModelName(directory / hash, ""), hash);
  EXPECT_EQ(directoryModelName(snapshots, "given"), "snapshots");
  EXPECT_EQ(fileModelName("gemma.Q4_K_M.gguf", "Gemma"), "gemma.Q4_K_M");
  EXPECT_EQ(fileModelName("sha256-" + std::string(64, 'b'), "Gemma 3 4B"), "Gemma 3 4B");
  EXPECT_EQ(fileModelName("sha256-" + std::string(64, 'b'), ""), "sha256-" + std::string(64, 'b'));
}

TEST(HuggingFace, stopIdsFromConfigWhenNotInGenerationConfig) {
  SmallCheckpoint directory;
  directory.write("generation_config.json", R"({"do_sample": true, "temperature": 0.5})");
  EXPECT_TRUE(areEqual(directory.read().sampling.stopIds, {1}));
  EXPECT_EQ(directory.read().sampling.temperature, 0.5);
  directory.write("generation_config.json", R"({"eos_token_id": [5, 1]})");
  EXPECT_TRUE(areEqual(directory.read().sampling.stopIds, {5, 1}));
  directory.write("generation_config.json", R"({"eos_token_id": 5})");
  EXPECT_TRUE(areEqual(directory.read().sampling.stopIds, {5, 1})); // <eos> always
}

/// Whatever the files list, the end of a turn and <eos> end an answer; what cannot be yielded is left out.
TEST(HuggingFace, theEndOfATurnStops) {
  SmallCheckpoint directory;
  directory.write("chat_template.jinja", "{% for m in messages %}<|turn>{{ m.content }}<turn|>{% endfor %}");
  for (const char *listed :
       {R"({"eos_token_id": 1})", "{}", R"({"eos_token_id": [1, 99]})", R"({"eos_token_id": null})"}) {
    directory.write("generation_config.json", listed);
    Checkpoint checkpoint = directory.read();
    EXPECT_TRUE(areEqual(checkpoint.sampling.stopIds, {1, 5}));
    EXPECT_TRUE(oneContains(checkpoint.notes, "'<turn|>', 5 ends answers too, though not listed"));
  }
  directory.write("generation_config.json", R"({"eos_token_id": [1, 99]})");
  EXPECT_TRUE(oneContains(directory.read().notes, "generation_config.json: stop token 99 is left out"));
  directory.write("generation_config.json", R"({"eos_token_id": [5, 11]})"); // a word
  EXPECT_TRUE(areEqual(directory.read().sampling.stopIds, {5, 11, 1}));
}

/// An added token without a row is left out, unless something needs it.
TEST(HuggingFace, addedTokensBeyondTheModel) {
  SmallCheckpoint directory;
  Json tokenizer = smallTokenizer();
  tokenizer["added_tokens"].push_back({{"id", 32}, {"content", "<image_soft_token>"}, {"special", true}});
  directory.write("tokenizer.json", tokenizer.dump());
  EXPECT_TRUE(oneContains(directory.read().notes,
                          "tokenizer.json: 1 added token without a row in the model's tables left out "
                          "('<image_soft_token>', 32)"));
  directory.write("generation_config.json", R"({"eos_token_id": [1, 32]})");
  EXPECT_TRUE(contains(directory.error(), "generation_config.json: error: '<image_soft_token>' (32) ends answers"));
  directory.remove("generation_config.json");
  tokenizer["added_tokens"].back()["content"] = "<end_of_turn>";
  directory.write("tokenizer.json", tokenizer.dump());
  EXPECT_EQ(directory.error(), "");
  directory.write("chat_template.jinja",
                  "{% for m in messages %}<start_of_turn>{{ m.content }}<end_of_turn>{% endfor %}");
  EXPECT_TRUE(
      contains(directory.error(), "tokenizer.json: error: '<end_of_turn>' has id 32", "the chat template needs it"));
}

/// Turn tokens that a file calls plain text: people could write turns, and programs would print them.
TEST(HuggingFace, turnTokensAreControlTokens) {
  SmallCheckpoint directory;
  Json tokenizer = smallTokenizer();
  directory.write("chat_template.jinja", "{% for m in messages %}<|turn>{{ m.content }}<turn|>{% endfor %}");
  Checkpoint sound = directory.read();
  tokenizer["added_tokens"][4]["special"] = tokenizer["added_tokens"][5]["special"] = false;
  directory.write("tokenizer.json", tokenizer.dump());
  Checkpoint marked = directory.read();
  EXPECT_EQ(marked.chat.modes[GEMMAC_THINK_DEFAULT].start, "<|turn>");
  EXPECT_EQ(marked.tokenizer, sound.tokenizer);
  EXPECT_TRUE(oneContains(marked.notes, "'<|turn>', '<turn|>' are not marked as control tokens, but used as such"));
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
