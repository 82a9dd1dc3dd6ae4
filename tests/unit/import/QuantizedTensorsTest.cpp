// Integers and scales of quantized checkpoints become one tensor each; what a layout cannot mean is an error.
#include "ImportTest.h"

#include "compiler/import/ConfigReader.h"
#include "compiler/import/TensorFiles.h"

#include <cmath>

using namespace gemmac;
using namespace gemmac::test;

namespace {

/// Widths that hold whole groups of 32.
ModelConfig wideConfig(bool experts) {
  Json config = smallFlat();
  config["hidden_size"] = config["intermediate_size"] = 64;
  config["head_dim"] = config["global_head_dim"] = 16;
  config["tie_word_embeddings"] = false;
  if (experts)
    config.update(
        {{"enable_moe_block", true}, {"num_experts", 2}, {"top_k_experts", 1}, {"moe_intermediate_size", 32}});
  return valueOf(readConfig("config.json", config.dump())).model;
}

using Tensors = std::map<std::string, TestTensor>;
const std::string prefix = "model.", query = prefix + "layers.0.self_attn.q_proj";

/// Replaces the matrix `name` by what compressed-tensors stores.
void compress(Tensors &tensors, const std::string &name, int64_t perElement = 8) {
  std::vector<int64_t> shape = tensors.at(name + ".weight").shape;
  tensors.erase(name + ".weight");
  tensors[name + ".weight_packed"] = {{shape[0], shape[1] / perElement}, "I32"};
  tensors[name + ".weight_scale"] = {{shape[0], shape[1] / 32}, "BF16"};
  tensors[name + ".weight_shape"] = {{2}, "I64"};
}

Checkpoint select(const Tensors &tensors, const ModelConfig &config, QuantizedLayout layout, std::string &error) {
  TempDirectory directory;
  directory.write("model.safetensors", safetensors(tensors));
  Checkpoint checkpoint;
  checkpoint.config = config;
  error = messageOf(selectTensors(valueOf(readTensorFiles(directory.path)), huggingFaceNaming, checkpoint, layout));
  return checkpoint;
}

TEST(CompressedTensors, joinsIntegersAndScales) {
  ModelConfig config = wideConfig(false);
  Tensors tensors = tensorsOf(config, prefix);
  compress(tensors, query);
  compress(tensors, prefix + "layers.1.mlp.down_proj", 4);
  std::string error;
  Checkpoint got = select(tensors, config, QuantizedLayout::CompressedTensors, error);
  EXPECT_EQ(error, "");
  EXPECT_TRUE(got.notes.empty());
  TensorSource &four = got.tensors["layers.0.self_attn.q_proj.weight"],
               &eight = got.tensors["layers.1.mlp.down_proj.weight"];
  EXPECT_EQ(four.encoding, Encoding::Int4);
  EXPECT_TRUE(areEqual(four.shape, {64, 64}));
  EXPECT_EQ(four.bytes, 64u * 32);
  ASSERT_TRUE(four.scales.has_value());
  EXPECT_EQ(four.scales->columns, 32);
  EXPECT_EQ(four.scales->encoding, Encoding::BF16);
  EXPECT_EQ(four.scales->bytes, 64u * 2 * 2);
  EXPECT_EQ(eight.encoding, Encoding::Offset8);
  EXPECT_EQ(got.tensors["layers.0.mlp.up_proj.weight"].encoding, Encoding::BF16);
}

TEST(CompressedTensors, expertsAreStacked) {
  ModelConfig config = wideConfig(true);
  Tensors tensors = tensorsOf(config, prefix);
  for (int layer = 0; layer < 3; ++layer) {
    std::string at = prefix + "layers." + std::to_string(layer) + ".experts.";
    tensors.erase(at + "gate_up_proj");
    tensors.erase(at + "down_proj");
    for (const char *expert : {"0.", "1."}) {
      tensors[at + expert + "gate_proj.weight"] = tensors[at + expert + "up_proj.weight"] = {{32, 64}};
      tensors[at + expert + "down_proj.weight"] = {{64, 32}};
      for (const char *projection : {"gate_proj", "up_proj", "down_proj"})
        compress(tensors, at + expert + projection);
    }
  }
  std::string error;
  Checkpoint got = select(tensors, config, QuantizedLayout::CompressedTensors, error);
  EXPECT_EQ(error, "");
  const TensorSource &gateUp = got.tensors["layers.2.experts.gate_up_proj"];
  EXPECT_TRUE(areEqual(gateUp.shape, {2, 64, 64}));
  EXPECT_TRUE(areEqual(gateUp.pieces, {"layers.2.experts.0.gate_proj.weight", "layers.2.experts.0.up_proj.weight",
                                       "layers.2.experts.1.gate_proj.weight", "layers.2.experts.1.up_proj.weight"}));
  EXPECT_EQ(got.pieces.at(gateUp.pieces[3]).encoding, Encoding::Int4);

  Tensors missing = tensors;
  for (const char *part : {"packed", "scale", "shape"})
    missing.erase(prefix + "layers.1.experts.1.up_proj.weight_" + part);
  select(missing, config, QuantizedLayout::CompressedTensors, error);
  EXPECT_TRUE(contains(error, "'layers.1.experts.1.up_proj.weight' is missing", "those of the other experts"));
  Tensors unlike = tensors;
  unlike[prefix + "layers.1.experts.1.down_proj.weight_scale"] = {{64, 1}, "F16"};
  select(unlike, config, QuantizedLayout::CompressedTensors, error);
  EXPECT_TRUE(contains(error, "'layers.1.experts.1.down_proj.weight' is stored unlike the other experts"));
  Tensors twice = tensors;
  twice[prefix + "layers.0.experts.down_proj"] = {{2, 64, 32}};
  select(twice, config, QuantizedLayout::CompressedTensors, error);
  EXPECT_TRUE(contains(error, "'layers.0.experts.down_proj' is given twice, as one and expert by expert"));
}

TEST(CompressedTensors, whatDoesNotFit) {
  ModelConfig config = wideConfig(false);
  auto change = [&](const std::string &name, std::optional<TestTensor> tensor) {
    Tensors tensors = tensorsOf(config, prefix);
    compress(tensors, query);
    tensors.erase(name);
    if (tensor)
      tensors[name] = *tensor;
    std::string error;
    select(tensors, config, QuantizedLayout::CompressedTensors, error);
    return error;
  };
  EXPECT_TRUE(contains(change(query + ".weight_scale", std::nullopt), "has no scales, expected", ".weight_scale'"));
  EXPECT_TRUE(contains(change(query + ".weight_scale", {{{64, 3}, "BF16"}}), "has shape [64, 3], expected [64, N]"));
  EXPECT_TRUE(contains(change(query + ".weight_scale", {{{63, 2}, "BF16"}}), "has shape [63, 2]"));
  EXPECT_TRUE(contains(change(query + ".weight_scale", {{{64, 2}, "I32"}}), "has type I32, expected F32, F16 or BF16"));
  EXPECT_TRUE(contains(change(query + ".weight_packed", {{{64, 7}, "I32"}}), "has type I32 and shape [64, 7]",
                       "for a matrix of shape [64, 64]"));
  EXPECT_TRUE(contains(change(query + ".weight_packed", {{{64, 8}, "U8"}}), "has type U8"));
  EXPECT_TRUE(contains(change(query + ".weight_zero_point", {{{8, 2}, "I32"}}), "weight_zero_point' is not supported"));
  EXPECT_TRUE(contains(change(query + ".weight_g_idx", {{{64}, "I32"}}), "weight_g_idx' is not supported"));
  EXPECT_TRUE(contains(change(query + ".weight", {{{64, 64}, "BF16"}}), "is given twice, quantized and as it is"));
  // Without a quantization_config nobody says what such tensors mean.
  Tensors tensors = tensorsOf(config, prefix);
  compress(tensors, query);
  std::string error;
  select(tensors, config, QuantizedLayout::None, error);
  EXPECT_TRUE(contains(error, "is not part of"));
}

/// Replaces a matrix by what the mobile scheme stores.
void storeMobile(Tensors &tensors, const std::string &base, int64_t perByte, const char *suffix = ".weight",
                 const char *scales = ".weight_scale") {
  std::vector<int64_t> shape = tensors.at(base + ".weight").shape;
  tensors.erase(base + ".weight");
  tensors[base + suffix] = {{shape[0], shape[1] / perByte}, perByte == 1 ? "I8" : "U8"};
  tensors[base + scales] = {{shape[0], 1}, "F32"};
}

TEST(MobileScheme, bitsFollowFromShapes) {
  ModelConfig config = wideConfig(false);
  Tensors tensors = tensorsOf(config, prefix);
  storeMobile(tensors, query, 2);
  storeMobile(tensors, prefix + "layers.1.mlp.up_proj", 4);
  storeMobile(tensors, prefix + "layers.1.mlp.down_proj", 1);
  storeMobile(tensors, prefix + "embed_tokens", 4, ".embedding_quantized", ".embedding_scale");
  tensors[query + ".input_activation_scale"] = tensors[query + ".output_activation_scale"] = {{}, "F32"};
  tensors[prefix + "layers.0.self_attn.k_cache_scale"] = {{}, "F32"};
  std::string error;
  Checkpoint got = select(tensors, config, QuantizedLayout::Gemma, error);
  EXPECT_EQ(error, "");
  EXPECT_EQ(got.tensors["layers.0.self_attn.q_proj.weight"].encoding, Encoding::Int4);
  EXPECT_EQ(got.tensors["layers.1.mlp.up_proj.weight"].encoding, Encoding::Int2);
  EXPECT_EQ(got.tensors["layers.1.mlp.down_proj.weight"].encoding, Encoding::Int8);
  EXPECT_EQ(got.tensors["embed_tokens.weight"].encoding, Encoding::Int2);
  EXPECT_EQ(got.tensors["embed_tokens.weight"].scales->columns, 64);
  EXPECT_TRUE(
      eachContains(got.notes, {"1 scales of KV caches set aside",
                               "0 matrices read activations on the static grids of the checkpoint; 3 have none"}));
  tensors[query + ".weight"] = {{64, 30}, "U8"};
  select(tensors, config, QuantizedLayout::Gemma, error);
  EXPECT_TRUE(contains(error, "has type U8 and shape [64, 30]", "U8 with 2 (or 4) integers"));
}

/// The bytes of a number.
std::string bytesOf(float value) { return {reinterpret_cast<const char *>(&value), 4}; }

/// All matrices of layer 0 in the mobile scheme, on grids of 0.25 and 0.5.
Tensors mobileTensors(const ModelConfig &config) {
  Tensors tensors = tensorsOf(config, prefix);
  for (const char *part : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                           "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}) {
    std::string base = prefix + "layers.0." + part;
    storeMobile(tensors, base, 2);
    tensors[base + ".input_activation_scale"] = {{}, "F32", bytesOf(0.25f)};
    tensors[base + ".output_activation_scale"] = {{}, "F32", bytesOf(0.5f)};
  }
  return tensors;
}

TEST(MobileScheme, activationScalesAreRead) {
  ModelConfig config = wideConfig(false);
  Tensors tensors = mobileTensors(config);
  const std::string output = prefix + "layers.0.self_attn.o_proj", down = prefix + "layers.0.mlp.down_proj";
  tensors[output + ".input_activation_scale"] = {{1}, "BF16", std::string("\x80\x3f", 2)};  // 1
  tensors[output + ".output_activation_scale"] = {{1, 1}, "F16", std::string("\0\x34", 2)}; // 0.25
  for (const char *side : {".input", ".output"})
    tensors[down + side + "_activation_scale"] = {{}, "F32", bytesOf(-0.0f)}; // none
  // Of matrices that are stored as floats, and of towers.
  tensors[prefix + "layers.1.mlp.up_proj.input_activation_scale"] = {{}, "F32", bytesOf(7)};
  tensors["model.vision_tower.x.input_activation_scale"] = {{}, "F32", bytesOf(-7)};
  std::string error;
  Checkpoint got = select(tensors, config, QuantizedLayout::Gemma, error);
  EXPECT_EQ(error, "");
  auto scalesOf = [&](const std::string &name) { return got.tensors[name + ".weight"].activations; };
  EXPECT_EQ(scalesOf("layers.0.self_attn.k_proj").input, 0.25f);
  EXPECT_EQ(scalesOf("layers.0.self_attn.k_proj").output, 0.5f);
  EXPECT_EQ(scalesOf("layers.0.self_attn.o_proj").input, 1.0f);
  EXPECT_EQ(scalesOf("layers.0.self_attn.o_proj").output, 0.25f);
  EXPECT_FALSE(std::signbit(scalesOf("layers.0.mlp.down_proj").input));
  EXPECT_EQ(scalesOf("layers.1.mlp.up_proj").input, 0.0f);
  EXPECT_TRUE(eachContains(got.notes, {"1 static scales of activations set aside, their matrices are not quantized",
                                       "6 matrices read activations on the static grids of the checkpoint; 1 have none",
                                       "vision tower: 1 tensors set aside"}));
}

TEST(MobileScheme, activationScalesThatCannotBe) {
  ModelConfig config = wideConfig(false);
  const std::string up = prefix + "layers.0.mlp.up_proj";
  auto change = [&](const std::string &name, std::optional<TestTensor> tensor) {
    Tensors tensors = mobileTensors(config);
    tensors.erase(name);
    if (tensor)
      tensors[name] = *tensor;
    std::string error;
    select(tensors, config, QuantizedLayout::Gemma, error);
    return error;
  };
  std::string input = up + ".input_activation_scale", output = up + ".output_activation_scale";
  EXPECT_TRUE(contains(change(output, TestTensor{{}, "F32", bytesOf(-1)}), "is -1", "expected a finite scale", "or 0"));
  EXPECT_TRUE(contains(change(output, TestTensor{{}, "F32", bytesOf(NAN)}), "is nan", "expected a finite scale"));
  EXPECT_TRUE(contains(change(output, TestTensor{{}, "F32", bytesOf(INFINITY)}), "is INF", "expected a finite scale"));
  EXPECT_TRUE(contains(change(output, TestTensor{{}, "F32", bytesOf(3e38f)}), "is 3", "expected a finite scale"));
  EXPECT_TRUE(contains(change(output, TestTensor{{2}, "F32"}), "has type F32 and shape [2], expected one number"));
  EXPECT_TRUE(contains(change(output, TestTensor{{}, "I32"}), "has type I32 and shape [], expected one number"));
  EXPECT_TRUE(contains(change(output, std::nullopt), "up_proj.input_activation_scale' stands alone",
                       "output_activation_scale'"));
  EXPECT_TRUE(contains(change(input, std::nullopt), "up_proj.output_activation_scale' stands alone",
                       "input_activation_scale'"));
  EXPECT_TRUE(contains(change(input, TestTensor{{}, "F32", bytesOf(0.125f)}),
                       "'layers.0.mlp.up_proj.input_activation_scale' is 1.25", "expected 2.5", "as of 'mlp.gate_proj'",
                       "read the same activations"));
  EXPECT_TRUE(contains(change(prefix + "layers.7.mlp.up_proj.input_activation_scale", TestTensor{{}, "F32"}),
                       "is not part of"));
}

TEST(MobileScheme, expertsHaveNoGrids) {
  ModelConfig config = wideConfig(true);
  Tensors tensors = tensorsOf(config, prefix);
  std::string at = prefix + "layers.0.experts.", down = at + "1.down_proj";
  tensors.erase(at + "down_proj");
  for (const char *expert : {"0", "1"}) {
    tensors[at + expert + ".down_proj.weight"] = {{64, 32}};
    storeMobile(tensors, at + expert + ".down_proj", 2);
  }
  for (float scale : {0.0f, 0.5f}) {
    for (const char *side : {".input", ".output"})
      tensors[down + side + "_activation_scale"] = {{}, "F32", bytesOf(scale)};
    std::string error;
    select(tensors, config, QuantizedLayout::Gemma, error);
    if (scale == 0)
      EXPECT_EQ(error, "");
    else
      EXPECT_TRUE(contains(error, "'layers.0.experts.1.down_proj.weight' has static scales of activations",
                           "not supported for experts"));
  }
}

TEST(MobileScheme, deadKeysAndValuesGoWithTheirScales) {
  Json json = smallFlat();
  json["hidden_size"] = json["intermediate_size"] = 64;
  json["head_dim"] = json["global_head_dim"] = 16;
  json["num_kv_shared_layers"] = 1;
  json["layer_types"] = {"sliding_attention", "full_attention", "full_attention"};
  ModelConfig config = valueOf(readConfig("config.json", json.dump())).model;
  Tensors tensors = tensorsOf(config, prefix);
  std::string dead = prefix + "layers.2.self_attn.k_proj";
  tensors[dead + ".weight"] = {{32, 64}};
  storeMobile(tensors, dead, 2);
  tensors[dead + ".input_activation_scale"] = tensors[dead + ".output_activation_scale"] = {{}, "F32", bytesOf(1)};
  std::string error;
  Checkpoint got = select(tensors, config, QuantizedLayout::Gemma, error);
  EXPECT_EQ(error, "");
  EXPECT_TRUE(oneContains(got.notes, "4 key and value tensors of layers that reuse other layers' are left out"));
}

} // namespace
