// What GGUF metadata say about the model and its tokenizer; whole files are compared with Hugging Face directories in
// tests/integration/test_gguf.py.
#include "ImportTest.h"
#include "compiler/import/gguf/GgufConfig.h"
#include "compiler/import/gguf/GgufNames.h"
#include "compiler/import/gguf/GgufTokenizer.h"

#include <cmath>

using namespace gemmac;
using namespace gemmac::test;

namespace {

/// The published metadata of Gemma 3 270M.
Json gemma3Metadata() {
  return {{"general.architecture", "gemma3"},
          {"general.type", "model"},
          {"gemma3.context_length", 32768},
          {"gemma3.embedding_length", 640},
          {"gemma3.block_count", 18},
          {"gemma3.feed_forward_length", 2048},
          {"gemma3.attention.head_count", 4},
          {"gemma3.attention.head_count_kv", 1},
          {"gemma3.attention.layer_norm_rms_epsilon", 1e-6},
          {"gemma3.attention.key_length", 256},
          {"gemma3.attention.value_length", 256},
          {"gemma3.rope.freq_base", 1e6},
          {"gemma3.attention.sliding_window", 512}};
}

GgufFile fileOf(Json metadata, int64_t hidden = 640) {
  GgufFile file;
  file.metadata = std::move(metadata);
  file.tensors["token_embd.weight"].shape = {262144, hidden};
  return file;
}
llvm::Expected<ModelConfig> readConfigOf(const GgufFile &file, std::vector<std::string> *notes = nullptr,
                                         const ImportOptions &options = {}) {
  std::vector<std::string> own;
  return readGgufConfig("m.gguf", file, {}, options, notes ? *notes : own);
}

TEST(GgufConfig, gemma3) {
  ModelConfig model = valueOf(readConfigOf(fileOf(gemma3Metadata())));
  EXPECT_EQ(model.architecture, "Gemma3ForCausalLM");
  EXPECT_EQ(model.vocab, 262144);
  EXPECT_EQ(model.hidden, 640);
  EXPECT_EQ(model.context, 32768);
  EXPECT_EQ(model.rmsEpsilon, 1e-6);
  EXPECT_FALSE(model.finalSoftcap);
  EXPECT_TRUE(model.tiedHead);
  EXPECT_FALSE(model.layerScalars);
  EXPECT_FALSE(model.experts || model.perLayerEmbedding);
  ASSERT_EQ(model.layers.size(), 18u);
  for (size_t i = 0; i < 18; ++i) {
    const LayerConfig &layer = model.layers[i];
    bool full = i % 6 == 5;
    EXPECT_EQ(layer.fullAttention, full) << i;
    EXPECT_EQ(layer.window, full ? 0 : 512);
    EXPECT_EQ(layer.heads, 4);
    EXPECT_EQ(layer.kvHeads, 1);
    EXPECT_EQ(layer.headDim, 256);
    EXPECT_EQ(layer.mlpWidth, 2048);
    EXPECT_EQ(layer.kvSource, static_cast<int64_t>(i));
    EXPECT_FALSE(layer.normedValues || layer.keysAreValues);
    EXPECT_EQ(layer.queryScale, 1.0 / 16);
    EXPECT_EQ(layer.rope, (RopeConfig{full ? 1e6 : 1e4, 128, 1.0}));
  }
}

TEST(GgufConfig, gemma3Variants) {
  Json metadata = gemma3Metadata();
  metadata["gemma3.rope.scaling.type"] = "linear";
  metadata["gemma3.rope.scaling.factor"] = 8.0;
  metadata["gemma3.attention.sliding_window_pattern"] = 2;
  ModelConfig model = valueOf(readConfigOf(fileOf(metadata)));
  EXPECT_EQ(model.layers[0].rope.factor, 1.0);
  EXPECT_TRUE(model.layers[1].fullAttention);
  EXPECT_EQ(model.layers[1].rope.factor, 8.0);

  // 27B divides by the width per head, which its metadata do not say.
  metadata["gemma3.block_count"] = 62;
  metadata["gemma3.embedding_length"] = 5376;
  metadata["gemma3.attention.head_count"] = 32;
  metadata["gemma3.attention.head_count_kv"] = 16;
  model = valueOf(readConfigOf(fileOf(metadata, 5376)));
  EXPECT_DOUBLE_EQ(model.layers[7].queryScale, 1 / std::sqrt(168.0));
  metadata["gemma3.attention.scale"] = 0.125;
  EXPECT_EQ(valueOf(readConfigOf(fileOf(metadata, 5376))).layers[7].queryScale, 0.125);
}

TEST(GgufConfig, unknownFieldsOfTheArchitectureAreRefused) {
  Json metadata = gemma3Metadata();
  metadata["general.license"] = "gemma";
  metadata["quantize.imatrix.file"] = "x";
  metadata["gemma3.vocab_size"] = 262208;
  EXPECT_EQ(errorOf(readConfigOf(fileOf(metadata))), "");
  metadata["gemma3.logit_scale"] = 2.0;
  EXPECT_TRUE(contains(errorOf(readConfigOf(fileOf(metadata))),
                       "m.gguf: error: field 'gemma3.logit_scale' is unknown and could change the results"));
  std::vector<std::string> notes;
  EXPECT_EQ(errorOf(readConfigOf(fileOf(metadata), &notes, {{"gemma3.logit_scale"}})), "");
  EXPECT_TRUE(eachContains(notes, {"'gemma3.logit_scale' is left out as asked"}));
  metadata.erase("gemma3.logit_scale");
  for (auto [name, value] :
       {std::pair("rope.scaling.attn_factor", 1.0), {"rope.freq_scale", 1.0}, {"attn_logit_softcapping", 0.0}}) {
    metadata["gemma3." + std::string(name)] = value;
    EXPECT_EQ(errorOf(readConfigOf(fileOf(metadata))), "");
    metadata["gemma3." + std::string(name)] = 50.0;
    EXPECT_TRUE(contains(errorOf(readConfigOf(fileOf(metadata))), std::string(name) + "' is 50"));
    metadata.erase("gemma3." + std::string(name));
  }
}

/// Ollama's converter of Gemma 3: other names, a tower beside the text model, and what all published models have left
/// out.
TEST(GgufConfig, ollamasGemma3) {
  Json metadata = gemma3Metadata();
  for (const char *name : {"attention.layer_norm_rms_epsilon", "rope.freq_base"})
    metadata.erase("gemma3." + std::string(name));
  metadata["gemma3.context_length"] = 131072;
  metadata["gemma3.mm.tokens_per_image"] = 256;
  metadata["gemma3.vision.block_count"] = 27;
  std::vector<std::string> notes;
  ModelConfig model = valueOf(readConfigOf(fileOf(metadata), &notes));
  EXPECT_EQ(model.rmsEpsilon, 1e-6);
  EXPECT_EQ(model.layers[0].rope, (RopeConfig{1e4, 128, 1.0}));
  EXPECT_EQ(model.layers[5].rope, (RopeConfig{1e6, 128, 8.0}));
  EXPECT_TRUE(eachContains(notes, {"layer_norm_rms_epsilon 1e-06, rope.freq_base 1e+06, rope.scaling.factor 8"}));

  metadata["gemma3.context_length"] = 32768;
  metadata["gemma3.attention.layer_norm_rms_epsilon"] = 1e-5;
  metadata["gemma3.rope.global.freq_base"] = 5e5;
  metadata["gemma3.rope.local.freq_base"] = 2e4;
  model = valueOf(readConfigOf(fileOf(metadata)));
  EXPECT_EQ(model.layers[0].rope, (RopeConfig{2e4, 128, 1.0}));
  EXPECT_EQ(model.layers[5].rope, (RopeConfig{5e5, 128, 1.0}));
  metadata["gemma3.rope.freq_base"] = 1e6;
  EXPECT_TRUE(
      contains(errorOf(readConfigOf(fileOf(metadata))), "'gemma3.rope.global.freq_base' is 500000", "the same as"));
}

TEST(GgufNames, everyTensorOfAModelHasAName) {
  ModelConfig model;
  model.vocab = 8;
  model.hidden = 4;
  model.tiedHead = false;
  model.layers.resize(12, LayerConfig{.heads = 1, .kvHeads = 1, .headDim = 2, .mlpWidth = 4, .rope = {}});
  for (size_t i = 0; i < 12; ++i)
    model.layers[i].kvSource = static_cast<int64_t>(i);
  model.experts = ExpertsConfig{2, 1, 4};
  model.perLayerEmbedding = PerLayerEmbeddingConfig{2, 8};
  std::map<std::string, std::vector<int64_t>> expected = expectedTensors(model);
  EXPECT_EQ(expected.size(), 6u + 12 * 25);
  for (const auto &[canonical, shape] : expected) {
    std::string stored = ggufNaming.stored(canonical);
    EXPECT_FALSE(stored.empty()) << canonical;
    EXPECT_EQ(ggufNaming.canonical(stored), canonical) << stored;
  }
  EXPECT_EQ(ggufNaming.stored("layers.11.mlp.up_proj.weight"), "blk.11.ffn_up.weight");
  for (const char *name : {"", "blk.", "blk.1", "blk.01.attn_q.weight", "blk.x.attn_q.weight", "blk.-1.attn_q.weight",
                           "blk..attn_q.weight", "attn_q.weight", "blk.1.token_embd.weight", "v.blk.0.attn_q.weight"})
    EXPECT_EQ(ggufNaming.canonical(name), "") << name;
}

/// '▁' (U+2581), letters, words; a control token, a newline that people defined, two bytes, one that is unused.
Json scoredTokenizer() {
  return {
      {"tokenizer.ggml.model", "llama"},
      {"tokenizer.ggml.tokens", {"<bos>", "\u2581", "a", "b", "ab", "\u2581a", "aab", "\n", "<0x41>", "gone", "ba"}},
      {"tokenizer.ggml.token_type", {3, 1, 1, 1, 1, 1, 1, 4, 6, 5, 1}},
      {"tokenizer.ggml.scores", {-1000.0, -7.0, -8.0, -9.0, -1.0, -1.0, -2.0, -1000.0, 0.0, 0.0, -1.0}},
      {"tokenizer.ggml.bos_token_id", 0},
      {"tokenizer.ggml.eos_token_id", 7},
      {"tokenizer.ggml.add_bos_token", true}};
}
std::string error(const Json &metadata) { return errorOf(readGgufTokenizer("m.gguf", metadata, 12)); }

TEST(GgufTokenizer, scoresBecomeMerges) {
  GgufTokenizer read = valueOf(readGgufTokenizer("m.gguf", scoredTokenizer(), 12));
  const Vocabulary &vocabulary = read.vocabulary;
  // Every way to cut a token; tokens of one score share the rank of the first, so that the leftmost wins.
  struct Row {
    uint32_t left, right, merged, rank;
  };
  std::vector<Row> expected = {{2, 3, 4, 0}, {1, 2, 5, 0}, {3, 2, 10, 0}, {2, 4, 6, 3}};
  ASSERT_EQ(vocabulary.merges.size(), expected.size());
  for (auto [got, row] : llvm::zip(vocabulary.merges, expected)) {
    EXPECT_EQ(got.left, row.left);
    EXPECT_EQ(got.right, row.right);
    EXPECT_EQ(got.merged, row.merged);
    EXPECT_EQ(got.rank, row.rank);
  }
  EXPECT_TRUE(vocabulary.byteFallback);
  EXPECT_FALSE(vocabulary.texts[9] || vocabulary.texts[11]);
  ASSERT_EQ(vocabulary.added.size(), 2u);
  EXPECT_TRUE(vocabulary.findAdded("<bos>")->special);
  EXPECT_FALSE(vocabulary.findAdded("\n")->special);
  EXPECT_EQ(read.bos.id, 0);
  EXPECT_TRUE(read.bos.isAdded);
  EXPECT_TRUE(areEqual(read.stops.ids, {7}));
}

TEST(GgufTokenizer, mergesAndVisibleControlTokens) {
  Json metadata = scoredTokenizer();
  metadata["tokenizer.ggml.model"] = "gemma4";
  metadata["tokenizer.ggml.tokens"][7] = "<|channel>";
  metadata["tokenizer.ggml.merges"] = {"a b", "a ab"};
  metadata["tokenizer.ggml.add_bos_token"] = false;
  metadata["tokenizer.ggml.suppress_tokens"] = {3, 4};
  GgufTokenizer read = valueOf(readGgufTokenizer("m.gguf", metadata, 12));
  ASSERT_EQ(read.vocabulary.merges.size(), 2u);
  EXPECT_EQ(read.vocabulary.merges[1].merged, 6u);
  EXPECT_EQ(read.vocabulary.merges[1].rank, 1u);
  EXPECT_TRUE(read.vocabulary.findAdded("<|channel>")->special);
  EXPECT_FALSE(read.bos.isAdded);
  EXPECT_TRUE(areEqual(read.suppressIds, {3, 4}));
  metadata["tokenizer.ggml.model"] = "llama"; // as Ollama calls a vocabulary with merges
  EXPECT_EQ(valueOf(readGgufTokenizer("m.gguf", metadata, 12)).vocabulary.merges.size(), 2u);
}

/// Tokens that begin texts, mark turns or end answers are control tokens, whatever their type; scores make none of
/// them.
TEST(GgufTokenizer, typesOfControlTokens) {
  Json metadata = scoredTokenizer();
  metadata["tokenizer.ggml.tokens"] = {"<bos>", "\u2581", "a", "b", "<", "x", "<x>", "\n", "x>", "<end_of_turn>", "ab"};
  metadata["tokenizer.ggml.eos_token_id"] = 6;
  metadata["tokenizer.ggml.eos_token_ids"] = {6, 2, 40};
  for (int type : {1, 4, 5, 3}) {
    for (int id : {0, 6, 9})
      metadata["tokenizer.ggml.token_type"][id] = type;
    GgufTokenizer read = valueOf(readGgufTokenizer("m.gguf", metadata, 12));
    for (const char *text : {"<bos>", "<x>", "<end_of_turn>"})
      EXPECT_TRUE(read.vocabulary.findAdded(text) && read.vocabulary.findAdded(text)->special) << text << type;
    EXPECT_FALSE(read.vocabulary.findAdded("a")); // a word that ends answers stays a word
    for (const Merge &merge : read.vocabulary.merges)
      EXPECT_NE(merge.merged, 6u);
    EXPECT_TRUE(areEqual(read.stops.ids, {6, 2}));
    EXPECT_TRUE(areEqual(read.stops.beyond, {40}));
    EXPECT_EQ(read.notes.size(), type == 3 ? 0u : 1u);
  }
}

TEST(GgufTokenizer, withoutTypes) {
  Json metadata = scoredTokenizer();
  metadata.erase("tokenizer.ggml.token_type");
  GgufTokenizer read = valueOf(readGgufTokenizer("m.gguf", metadata, 12));
  EXPECT_TRUE(read.vocabulary.findAdded("<bos>")->special);
  EXPECT_TRUE(read.vocabulary.byteFallback);
  EXPECT_TRUE(oneContains(read.notes, "no tokenizer.ggml.token_type"));
}

/// Ollama's files list tokens of the media that the text model has no rows for.
TEST(GgufTokenizer, tokensBeyondTheModel) {
  Json metadata = scoredTokenizer();
  metadata["tokenizer.ggml.tokens"][10] = "<image_soft_token>";
  for (int type : {1, 3, 4}) {
    metadata["tokenizer.ggml.token_type"][10] = type;
    GgufTokenizer read = valueOf(readGgufTokenizer("m.gguf", metadata, 10));
    ASSERT_EQ(read.vocabulary.leftOut.size(), 1u);
    EXPECT_EQ(read.vocabulary.leftOut[0].id, 10u);
  }
  metadata["tokenizer.ggml.tokens"][10] = "word";
  metadata["tokenizer.ggml.token_type"][10] = 1;
  EXPECT_TRUE(contains(errorOf(readGgufTokenizer("m.gguf", metadata, 10)), "at most 10 words", "token 10 is 'word'"));
}

TEST(GgufTokenizer, refusals) {
  auto with = [](const char *name, const Json &value) {
    Json metadata = scoredTokenizer();
    metadata[std::string("tokenizer.ggml.") + name] = value;
    return error(metadata);
  };
  EXPECT_EQ(with("pre", "default"), "");
  EXPECT_TRUE(contains(with("scores", {1.0}), "'tokenizer.ggml.scores' is an array of 1, expected a finite number"));
  EXPECT_EQ(with("merges", {"a b"}), ""); // before scores
  EXPECT_TRUE(contains(with("model", "gpt2"), "'tokenizer.ggml.merges' is missing"));
  EXPECT_TRUE(contains(with("precompiled_charsmap", Json::array({1})), "precompiled_charsmap"));
  EXPECT_TRUE(contains(with("suppress_tokens", {1.5}), "suppress_tokens", "a list of token ids"));
  Json metadata = scoredTokenizer();
  metadata["tokenizer.ggml.tokens"][1] = "_";
  EXPECT_TRUE(contains(error(metadata), "tokenizer.ggml.tokens", "U+2581"));
  metadata["tokenizer.ggml.tokens"][2] = "";
  EXPECT_TRUE(contains(error(metadata), "not empty; token 2 is ''"));
}

} // namespace
