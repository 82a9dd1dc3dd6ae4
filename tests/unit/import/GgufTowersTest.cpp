// The file of a GGUF model's towers against the configurations of published directories; whole files are compared with
// directories in tests/integration/test_mmproj.py.
#include "compiler/import/gguf/GgufTowers.h"
#include "ImportTest.h"
#include "compiler/import/gguf/GgufTowerNames.h"

using namespace gemmac;
using namespace gemmac::test;

namespace {

constexpr int64_t textWidth = 1536;

/// E2B's and E4B's towers, and those of 26B and 31B (spec 1.2, 1.3).
VisionConfig smallVision() {
  return {.layers = 16,
          .hidden = 768,
          .mlpWidth = 3072,
          .heads = 12,
          .kvHeads = 12,
          .headDim = 64,
          .patch = 16,
          .pool = 3,
          .positions = 10240,
          .clipped = true};
}
VisionConfig largeVision() {
  return {.layers = 27,
          .hidden = 1152,
          .mlpWidth = 4304,
          .heads = 16,
          .kvHeads = 16,
          .headDim = 72,
          .patch = 16,
          .pool = 3,
          .positions = 10240,
          .standardized = true};
}
AudioConfig publishedAudio() {
  return {.layers = 12,
          .hidden = 1024,
          .heads = 8,
          .channels = {128, 32},
          .taps = 5,
          .chunk = 12,
          .past = 13,
          .outputWidth = 1536};
}

/// 12B's embedders (spec 10).
PatchEmbedderConfig publishedPatches() { return {.patch = 16, .pool = 3, .width = 3840, .positions = 1120}; }
SampleEmbedderConfig publishedSamples() { return {.samples = 640}; }

/// What a converter writes: tensors in the shapes of GGUF, and the metadata.
template <typename Config> void addTensors(const Config &config, GgufFile &file) {
  for (const auto &[name, shape] : expectedTensors(config, textWidth)) {
    StoredTensor &tensor = file.tensors[storedTowerName(name)];
    tensor.dtype = "F32";
    tensor.shape = shape.empty() ? std::vector<int64_t>{1} : shape;
    if (llvm::StringRef(name).ends_with("depthwise_conv1d.weight"))
      tensor.shape.erase(tensor.shape.begin() + 1);
    if (llvm::StringRef(name).ends_with("patch_embedder.input_proj.weight"))
      tensor.shape = {shape[0], 3, 16, 16};
    if (llvm::StringRef(name).ends_with("pos_embedding"))
      std::swap(tensor.shape[0], tensor.shape[1]);
  }
}

void addVision(const VisionConfig &config, GgufFile &file) {
  addTensors(config, file);
  file.metadata.update(Json{{"clip.has_vision_encoder", true},
                            {"clip.vision.projector_type", "gemma4v"},
                            {"clip.vision.projection_dim", textWidth},
                            {"clip.vision.image_size", 224},
                            {"clip.vision.patch_size", config.patch},
                            {"clip.vision.embedding_length", config.hidden},
                            {"clip.vision.feed_forward_length", config.mlpWidth},
                            {"clip.vision.block_count", config.layers},
                            {"clip.vision.attention.head_count", config.heads},
                            {"clip.vision.attention.layer_norm_epsilon", 1e-6},
                            {"clip.vision.image_mean", {0.0, 0.0, 0.0}},
                            {"clip.vision.image_std", {1.0, 1.0, 1.0}}});
}

void addAudio(const AudioConfig &config, GgufFile &file) {
  addTensors(config, file);
  file.metadata.update(Json{{"clip.has_audio_encoder", true},
                            {"clip.audio.projector_type", "gemma4a"},
                            {"clip.audio.projection_dim", textWidth},
                            {"clip.audio.embedding_length", config.hidden},
                            {"clip.audio.feed_forward_length", config.mlpWidth()},
                            {"clip.audio.block_count", config.layers},
                            {"clip.audio.attention.head_count", config.heads},
                            {"clip.audio.attention.layer_norm_epsilon", 1e-6},
                            {"clip.audio.num_mel_bins", 128}});
}

void addEmbedders(GgufFile &file) {
  addTensors(publishedPatches(), file);
  addTensors(publishedSamples(), file);
  file.metadata.update(Json{{"clip.has_vision_encoder", true},
                            {"clip.vision.projector_type", "gemma4uv"},
                            {"clip.vision.projection_dim", textWidth},
                            {"clip.vision.image_size", 224},
                            {"clip.vision.patch_size", 16},
                            {"clip.vision.embedding_length", 3840},
                            {"clip.vision.feed_forward_length", 0},
                            {"clip.vision.block_count", 0},
                            {"clip.vision.attention.head_count", 0},
                            {"clip.vision.attention.layer_norm_epsilon", 1e-6},
                            {"clip.vision.image_mean", {0.0, 0.0, 0.0}},
                            {"clip.vision.image_std", {1.0, 1.0, 1.0}},
                            {"clip.has_audio_encoder", true},
                            {"clip.audio.projector_type", "gemma4ua"},
                            {"clip.audio.projection_dim", textWidth},
                            {"clip.audio.embedding_length", 640},
                            {"clip.audio.feed_forward_length", 0},
                            {"clip.audio.block_count", 0},
                            {"clip.audio.attention.head_count", 0},
                            {"clip.audio.attention.layer_norm_epsilon", 1e-6},
                            {"clip.audio.num_mel_bins", 128}});
}

GgufFile emptyFile() {
  GgufFile file;
  file.metadata = {{"general.architecture", "clip"}, {"general.type", "mmproj"}};
  return file;
}

llvm::Expected<GgufTowers> readTowers(const GgufFile &file, const ImportOptions &options = {},
                                      int64_t hidden = textWidth) {
  std::vector<std::string> notes;
  return readGgufTowers("mmproj.gguf", file, hidden, options, notes);
}

TEST(GgufTowers, namesOfAllTensors) {
  auto check = [](const auto &config, TowerKind kind) {
    for (const auto &[name, shape] : expectedTensors(config, textWidth)) {
      EXPECT_NE(storedTowerName(name), "") << name;
      EXPECT_EQ(canonicalTowerName(storedTowerName(name), kind), name);
    }
  };
  check(smallVision(), TowerKind::Encoders);
  check(largeVision(), TowerKind::Encoders);
  check(publishedAudio(), TowerKind::Encoders);
  check(publishedPatches(), TowerKind::Embedders);
  check(publishedSamples(), TowerKind::Embedders);
  auto canonicalTowerName = [](llvm::StringRef name) { return gemmac::canonicalTowerName(name, TowerKind::Encoders); };
  EXPECT_EQ(canonicalTowerName("v.patch_norm.1.weight"), "");
  EXPECT_EQ(gemmac::canonicalTowerName("v.blk.0.ln1.weight", TowerKind::Embedders), "");
  // The two norms of the convolution module have each other's names.
  EXPECT_EQ(canonicalTowerName("a.blk.3.conv_norm.weight"), "audio_tower.layers.3.lconv1d.pre_layer_norm.weight");
  EXPECT_EQ(canonicalTowerName("a.blk.3.norm_conv.weight"), "audio_tower.layers.3.lconv1d.conv_norm.weight");
  for (const char *other : {"", "v.blk.", "v.blk.0", "v.blk.01.ln1.weight", "v.blk.0.ln1.bias", "v.blk.0.ln1.input_min",
                            "v.blk.0.attn_q", "a.blk.0.ffn_up_2.weight", "v.class_embd", "blk.0.attn_q.weight"})
    EXPECT_EQ(canonicalTowerName(other), "") << other;
}

TEST(GgufTowers, publishedSmallTowers) {
  GgufFile file = emptyFile();
  addVision(smallVision(), file);
  addAudio(publishedAudio(), file);
  GgufTowers read = valueOf(readTowers(file));
  const TowerConfigs &towers = read.configs;
  ASSERT_TRUE(towers.vision && towers.audio);
  EXPECT_EQ(expectedTensors(*towers.vision, textWidth), expectedTensors(smallVision(), textWidth));
  EXPECT_EQ(expectedTensors(*towers.audio, textWidth), expectedTensors(publishedAudio(), textWidth));
  EXPECT_EQ(towers.vision->kvHeads, 12);
  EXPECT_EQ(towers.vision->pool, 3);
  EXPECT_EQ(towers.vision->ropeTheta, 100.0);
  EXPECT_EQ(towers.audio->past, 13);
  EXPECT_EQ(towers.audio->chunk, 12);

  TowerFiles named = valueOf(nameGgufTowers("mmproj.gguf", file, read));
  EXPECT_EQ(named.tensors.size(), file.tensors.size());
  EXPECT_EQ(named.patchPlanes, 3);
  EXPECT_FALSE(named.scalesAreRaw);
  for (const auto &[name, shape] : expectedTensors(*towers.vision, textWidth))
    EXPECT_TRUE(areEqual(named.tensors[name].shape, shape)) << name;
  for (const auto &[name, shape] : expectedTensors(*towers.audio, textWidth))
    EXPECT_TRUE(areEqual(named.tensors[name].shape, shape)) << name;
}

TEST(GgufTowers, publishedLargeTower) {
  GgufFile file = emptyFile();
  addVision(largeVision(), file);
  // As a file of one tower may have it.
  file.metadata["clip.projector_type"] = "gemma4v";
  file.metadata.erase("clip.vision.projector_type");
  TowerConfigs towers = valueOf(readTowers(file)).configs;
  ASSERT_TRUE(towers.vision && !towers.audio);
  EXPECT_EQ(expectedTensors(*towers.vision, textWidth), expectedTensors(largeVision(), textWidth));
  EXPECT_TRUE(towers.vision->standardized);
  EXPECT_FALSE(towers.vision->clipped);
}

TEST(GgufTowers, publishedEmbedders) {
  GgufFile file = emptyFile();
  addEmbedders(file);
  GgufTowers towers = valueOf(readTowers(file));
  EXPECT_EQ(towers.kind, TowerKind::Embedders);
  ASSERT_TRUE(towers.configs.patches && towers.configs.samples && !towers.configs.vision && !towers.configs.audio);
  EXPECT_EQ(towers.configs.patches->side(), 48);
  TowerFiles named = valueOf(nameGgufTowers("mmproj.gguf", file, towers));
  EXPECT_EQ(named.tensors.size(), 11u);
  EXPECT_EQ(named.patchPlanes, 3);
  EXPECT_EQ(named.placePlanes, 2);
  for (const auto &[name, shape] : expectedTensors(publishedPatches(), textWidth))
    EXPECT_TRUE(areEqual(named.tensors[name].shape, shape)) << name;
  for (const auto &[name, shape] : expectedTensors(publishedSamples(), textWidth))
    EXPECT_TRUE(areEqual(named.tensors[name].shape, shape)) << name;
}

/// Names mean what they do in the file, whatever of it is read.
TEST(GgufTowers, partsOfEmbedders) {
  GgufFile file = emptyFile();
  addEmbedders(file);
  GgufTowers deaf = valueOf(readTowers(file, {.withoutAudio = true}));
  EXPECT_TRUE(deaf.configs.patches && !deaf.configs.samples);
  EXPECT_EQ(valueOf(nameGgufTowers("mmproj.gguf", file, deaf)).tensors.size(), 11u);
  GgufTowers none = valueOf(readTowers(file, {.withoutImages = true, .withoutAudio = true}));
  EXPECT_EQ(none.kind, TowerKind::Embedders);
  EXPECT_EQ(valueOf(nameGgufTowers("mmproj.gguf", file, none)).tensors.size(), 11u);
}

TEST(GgufTowers, partsOfAFile) {
  GgufFile file = emptyFile();
  addVision(smallVision(), file);
  addAudio(publishedAudio(), file);
  file.metadata["clip.vision.block_count"] = "many"; // of what is left out nobody asks
  TowerConfigs towers = valueOf(readTowers(file, {.withoutImages = true})).configs;
  EXPECT_TRUE(towers.audio && !towers.vision);
  EXPECT_TRUE(contains(errorOf(readTowers(file, {.withoutAudio = true})), "'clip.vision.block_count' is 'many'"));
  EXPECT_EQ(errorOf(readTowers(file, {.withoutImages = true, .withoutAudio = true})), "");
}

TEST(GgufTowers, filesOfOtherModels) {
  GgufFile file = emptyFile();
  addVision(smallVision(), file);
  EXPECT_TRUE(
      contains(errorOf(readTowers(file, {}, 2560)),
               "mmproj.gguf: error: field 'clip.vision.projection_dim' is 1536, expected 2560, the width of the "
               "text model"));
  file.metadata["clip.vision.projector_type"] = "gemma3";
  EXPECT_TRUE(contains(errorOf(readTowers(file)),
                       "'clip.vision.projector_type' is 'gemma3', expected 'gemma4v' or 'gemma4uv'"));
  addEmbedders(file);
  file.metadata["clip.vision.projector_type"] = "gemma4v";
  EXPECT_TRUE(contains(errorOf(readTowers(file)), "'clip.vision.projector_type' is 'gemma4v', expected 'gemma4uv': the "
                                                  "other tower is of a model without encoders"));
  EXPECT_TRUE(contains(errorOf(readTowers(emptyFile())), "the file has no tower"));
}

} // namespace
