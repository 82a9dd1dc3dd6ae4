// buildModule on descriptions of small models, no files: what it builds verifies, fuses without leftovers, and has as
// many ops of each kind as the description asks for.
#include "compiler/import/ModuleBuilder.h"
#include "dialects/Gemma/GemmaDialect.h"
#include "passes/fuse/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace gemmac;

namespace {

using OpCounts = std::map<std::string, int64_t>;

LayerConfig slidingLayer(int64_t index) {
  LayerConfig layer;
  layer.heads = 3;
  layer.kvHeads = 1;
  layer.headDim = 10;
  layer.window = 5;
  layer.mlpWidth = 37;
  layer.kvSource = index;
  layer.rope = {10000.0, 5, 1.0};
  return layer;
}

LayerConfig fullLayer(int64_t index) {
  LayerConfig layer = slidingLayer(index);
  layer.fullAttention = true;
  layer.window = 0;
  layer.headDim = 14;
  layer.rope = {1000000.0, 3, 2.0};
  return layer;
}

/// Odd widths throughout: nothing here is a multiple of 32.
ModelConfig model(std::vector<LayerConfig> layers) {
  ModelConfig config;
  config.name = "small";
  config.architecture = "Gemma4ForCausalLM";
  config.vocab = 101;
  config.hidden = 27;
  config.context = 64;
  config.embeddingScale = std::sqrt(27.0);
  config.finalSoftcap = 30.0;
  config.layers = std::move(layers);
  return config;
}

Checkpoint checkpointOf(const ModelConfig &config) {
  Checkpoint checkpoint;
  checkpoint.config = config;
  checkpoint.files = {"model.safetensors"};
  uint64_t offset = 8;
  for (const auto &[name, shape] : expectedTensors(config)) {
    TensorSource source;
    source.shape = shape;
    source.offset = offset;
    source.bytes = 2;
    for (int64_t size : shape)
      source.bytes *= size;
    offset += source.bytes;
    checkpoint.tensors[name] = source;
  }
  return checkpoint;
}

OpCounts countOps(mlir::ModuleOp module) {
  OpCounts counts;
  module.lookupSymbol<mlir::func::FuncOp>("forward").walk([&](mlir::Operation *op) {
    if (mlir::isa<gemma::GemmaDialect>(op->getDialect()))
      ++counts[op->getName().stripDialect().str()];
  });
  return counts;
}

int64_t countSymbols(mlir::ModuleOp module, llvm::StringRef kind) {
  return llvm::count_if(module.getOps(), [&](mlir::Operation &op) { return op.getName().stripDialect() == kind; });
}

class ModuleBuilderTest : public ::testing::Test {
protected:
  ModuleBuilderTest()
      : handler(&context, [this](mlir::Diagnostic &diagnostic) { errors.push_back(diagnostic.str()); }) {}

  /// Builds, verifies and fuses; the tests look at `module` and `errors` after it.
  void buildAndFuse(const Checkpoint &checkpoint) {
    module = buildModule(context, checkpoint);
    ASSERT_TRUE(module) << (errors.empty() ? "no diagnostic" : errors.front());
    ASSERT_TRUE(succeeded(mlir::verify(*module)));
    EXPECT_EQ(countSymbols(*module, "weight"), static_cast<int64_t>(checkpoint.tensors.size()));
    mlir::PassManager manager(&context);
    buildFusePipeline(manager);
    ASSERT_TRUE(succeeded(manager.run(*module))) << errors.front();
    EXPECT_TRUE(errors.empty()) << errors.front();
  }

  template <typename OpTy> OpTy op(size_t index) {
    size_t seen = 0;
    OpTy found;
    module->walk([&](OpTy op) {
      if (seen++ == index)
        found = op;
    });
    return found;
  }

  mlir::MLIRContext context;
  std::vector<std::string> errors;
  mlir::ScopedDiagnosticHandler handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

TEST_F(ModuleBuilderTest, DenseWithKeysAsValues) {
  LayerConfig full = fullLayer(1);
  full.keysAreValues = true;
  buildAndFuse(checkpointOf(model({slidingLayer(0), full})));
  EXPECT_EQ(countOps(*module), (OpCounts{{"embed", 1}, {"qkv", 2}, {"attend", 2}, {"ffn", 2}, {"head", 1}}));
  EXPECT_EQ(countSymbols(*module, "kv_cache"), 2);
  EXPECT_TRUE(op<gemma::QkvOp>(0).getV());
  EXPECT_TRUE(op<gemma::QkvOp>(1).getK());
  EXPECT_FALSE(op<gemma::QkvOp>(1).getV());
  EXPECT_EQ(op<gemma::FfnOp>(1).getLayerScale(), "layers.1.layer_scalar");
  EXPECT_EQ(op<gemma::KvCacheOp>(0).getWindow(), 5u);
  EXPECT_EQ(op<gemma::KvCacheOp>(1).getWindow(), 0u);
  EXPECT_EQ(op<gemma::HeadOp>(0).getTable(), "embed_tokens.weight");
  EXPECT_EQ(op<gemma::HeadOp>(0).getSoftcap()->convertToDouble(), 30.0);
}

TEST_F(ModuleBuilderTest, Experts) {
  ModelConfig config = model({slidingLayer(0), fullLayer(1), slidingLayer(2)});
  config.experts = ExpertsConfig{7, 3, 11};
  buildAndFuse(checkpointOf(config));
  EXPECT_EQ(countOps(*module), (OpCounts{{"embed", 1}, {"qkv", 3}, {"attend", 3}, {"moe", 3}, {"head", 1}}));
  gemma::MoeOp moe = op<gemma::MoeOp>(2);
  EXPECT_EQ(moe.getTopK(), 3u);
  EXPECT_DOUBLE_EQ(moe.getRouterFactor().convertToDouble(), 1 / std::sqrt(27.0));
  EXPECT_EQ(moe.getPostNorm_1(), "layers.2.post_feedforward_layernorm_1.weight");
  EXPECT_EQ(moe.getPreNorm_2(), "layers.2.pre_feedforward_layernorm_2.weight");
  EXPECT_EQ(moe.getLayerScale(), "layers.2.layer_scalar");
}

TEST_F(ModuleBuilderTest, PerLayerEmbeddingsWithSharedCaches) {
  LayerConfig sliding = slidingLayer(0), full = fullLayer(1);
  sliding.mlpWidth = full.mlpWidth = 74;
  ModelConfig config = model({slidingLayer(0), fullLayer(1), sliding, full});
  config.perLayerEmbedding = PerLayerEmbeddingConfig{6, 90};
  buildAndFuse(checkpointOf(config));
  EXPECT_EQ(
      countOps(*module),
      (OpCounts{{"embed", 1}, {"ple_input", 1}, {"qkv", 4}, {"attend", 4}, {"ffn", 4}, {"ple_mix", 4}, {"head", 1}}));
  EXPECT_EQ(countSymbols(*module, "kv_cache"), 2);
  gemma::PleInputOp input = op<gemma::PleInputOp>(0);
  EXPECT_EQ(input.getGroups(), 4u);
  EXPECT_DOUBLE_EQ(input.getTokenScale().convertToDouble(), std::sqrt(6.0));
  EXPECT_DOUBLE_EQ(input.getContextScale().convertToDouble(), 1 / std::sqrt(27.0));
  EXPECT_DOUBLE_EQ(input.getResultScale().convertToDouble(), std::sqrt(0.5));
  EXPECT_EQ(op<gemma::PleMixOp>(2).getOffset(), 12u);
  EXPECT_FALSE(op<gemma::FfnOp>(2).getLayerScale());
  EXPECT_EQ(op<gemma::PleMixOp>(2).getLayerScale(), "layers.2.layer_scalar");
  EXPECT_TRUE(op<gemma::QkvOp>(1).getCache());
  EXPECT_FALSE(op<gemma::QkvOp>(2).getCache());
  EXPECT_EQ(op<gemma::AttendOp>(2).getCache(), "kv.0");
  EXPECT_EQ(op<gemma::AttendOp>(3).getCache(), "kv.1");
}

TEST_F(ModuleBuilderTest, UntiedHeadWithoutSoftcapOrLayerScales) {
  ModelConfig config = model({fullLayer(0)});
  config.tiedHead = false;
  config.finalSoftcap.reset();
  Checkpoint checkpoint = checkpointOf(config);
  checkpoint.tensors.erase("layers.0.layer_scalar");
  buildAndFuse(checkpoint);
  EXPECT_EQ(op<gemma::HeadOp>(0).getTable(), "lm_head.weight");
  EXPECT_FALSE(op<gemma::HeadOp>(0).getSoftcap());
  EXPECT_FALSE(op<gemma::FfnOp>(0).getLayerScale());
  EXPECT_EQ(op<gemma::EmbedOp>(0).getTable(), "embed_tokens.weight");
}

/// Gemma 3: values as projected, scaled queries, norms without their 1, no layer scalars.
TEST_F(ModuleBuilderTest, RawValuesAndScaledQueries) {
  LayerConfig sliding = slidingLayer(0), full = fullLayer(1);
  for (LayerConfig *layer : {&sliding, &full}) {
    layer->normedValues = false;
    layer->queryScale = 0.3;
  }
  ModelConfig config = model({sliding, full});
  config.layerScalars = false;
  Checkpoint checkpoint = checkpointOf(config);
  checkpoint.tensors.at("norm.weight").addend = 1.0;
  buildAndFuse(checkpoint);
  EXPECT_EQ(countOps(*module), (OpCounts{{"embed", 1}, {"qkv", 2}, {"attend", 2}, {"ffn", 2}, {"head", 1}}));
  for (size_t index : {0, 1}) {
    EXPECT_TRUE(op<gemma::QkvOp>(index).getRawValues());
    EXPECT_EQ(op<gemma::QkvOp>(index).getQueryScale()->convertToDouble(), 0.3);
    EXPECT_FALSE(op<gemma::FfnOp>(index).getLayerScale());
  }
  EXPECT_EQ(module->lookupSymbol<gemma::WeightOp>("norm.weight").getAddend()->convertToDouble(), 1.0);
  EXPECT_FALSE(module->lookupSymbol<gemma::WeightOp>("layers.0.input_layernorm.weight").getAddend());
}

TEST_F(ModuleBuilderTest, SourcesAndModelAttribute) {
  Checkpoint checkpoint = checkpointOf(model({fullLayer(0)}));
  module = buildModule(context, checkpoint);
  ASSERT_TRUE(module);
  auto weight = module->lookupSymbol<gemma::WeightOp>("layers.0.mlp.up_proj.weight");
  ASSERT_TRUE(weight);
  const TensorSource &source = checkpoint.tensors.at("layers.0.mlp.up_proj.weight");
  EXPECT_EQ(weight.getSource()->getFile().getValue(), "model.safetensors");
  EXPECT_EQ(weight.getSource()->getOffset(), static_cast<int64_t>(source.offset));
  EXPECT_EQ(weight.getSource()->getBytes(), static_cast<int64_t>(source.bytes));
  auto attributes = (*module)->getAttrOfType<mlir::DictionaryAttr>("gemma.model");
  ASSERT_TRUE(attributes);
  EXPECT_EQ(attributes.getAs<mlir::StringAttr>("architecture").getValue(), "Gemma4ForCausalLM");
  EXPECT_EQ(attributes.getAs<mlir::IntegerAttr>("vocab").getInt(), 101);
  EXPECT_EQ(attributes.getAs<mlir::IntegerAttr>("hidden").getInt(), 27);
  EXPECT_EQ(attributes.getAs<mlir::IntegerAttr>("layers").getInt(), 1);
  EXPECT_EQ(attributes.getAs<mlir::IntegerAttr>("context").getInt(), 64);
}

TEST_F(ModuleBuilderTest, TheSameDescriptionGivesTheSameText) {
  ModelConfig config = model({slidingLayer(0), fullLayer(1)});
  config.experts = ExpertsConfig{7, 3, 11};
  std::string texts[2];
  for (std::string &text : texts) {
    llvm::raw_string_ostream stream(text);
    module = buildModule(context, checkpointOf(config));
    ASSERT_TRUE(module);
    module->print(stream);
  }
  EXPECT_EQ(texts[0], texts[1]);
}

TEST_F(ModuleBuilderTest, MissingTensor) {
  Checkpoint checkpoint = checkpointOf(model({fullLayer(0)}));
  checkpoint.tensors.erase("layers.0.self_attn.q_norm.weight");
  EXPECT_FALSE(buildModule(context, checkpoint));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors.front(), "the checkpoint has no tensor 'layers.0.self_attn.q_norm.weight'");
}

TEST_F(ModuleBuilderTest, UnusedTensor) {
  Checkpoint checkpoint = checkpointOf(model({fullLayer(0)}));
  checkpoint.tensors["layers.0.self_attn.surprise"] = checkpoint.tensors.at("norm.weight");
  EXPECT_FALSE(buildModule(context, checkpoint));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors.front(), "tensor 'layers.0.self_attn.surprise' of the checkpoint is not used by the model");
}

TEST_F(ModuleBuilderTest, ShapeThatItsUseContradicts) {
  Checkpoint checkpoint = checkpointOf(model({fullLayer(0)}));
  TensorSource &down = checkpoint.tensors.at("layers.0.mlp.down_proj.weight");
  std::swap(down.shape[0], down.shape[1]);
  EXPECT_FALSE(buildModule(context, checkpoint));
  EXPECT_FALSE(errors.empty());
}

} // namespace
