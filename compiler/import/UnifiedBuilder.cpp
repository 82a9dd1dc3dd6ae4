// Pictures and sounds of the model without encoders as IR (spec 10).
#include "compiler/import/EncoderBuilders.h"

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac {
namespace {

/// Of layer norms, which do not take it from the configuration.
constexpr double layerNormEpsilon = 1e-5;

class PatchBuilder : FunctionMaker {
public:
  PatchBuilder(MLIRContext &context, const PatchEmbedderConfig &config, int64_t hidden, WeightSymbols &weights)
      : FunctionMaker(context, weights, config.rmsEpsilon), config(config), hidden(hidden) {}

  void build();

private:
  Value layerNorm(Value x, const std::string &name);

  const PatchEmbedderConfig &config;
  int64_t hidden;
};

Value PatchBuilder::layerNorm(Value x, const std::string &name) {
  // One at a time: the order of use is the order of the symbols.
  FlatSymbolRefAttr factor = weight(name + ".weight"), bias = weight(name + ".bias");
  return LayerNormOp::create(ops, loc, x.getType(), x, factor, bias, count(1), number(layerNormEpsilon));
}

void PatchBuilder::build() {
  const std::string prefix = "vision_embedder.";
  at("vision_embedder");
  func::FuncOp function = beginEncoder(
      GEMMAC_ENCODE_IMAGE,
      {{rows(config.side() * config.side() * 3), GEMMAC_PATCHES, 1}, {rows(2, ops.getI32Type()), GEMMAC_PLACES, 1}},
      hidden);
  Value x = layerNorm(function.getArgument(0), prefix + "patch_ln1");
  x = linear(x, prefix + "patch_dense", config.width);
  x = AddBiasOp::create(ops, loc, x.getType(), x, weight(prefix + "patch_dense.bias"));
  x = layerNorm(x, prefix + "patch_ln2");
  FlatSymbolRefAttr table = weight(prefix + "pos_embedding");
  x = AddPlacesOp::create(ops, loc, x.getType(), x, function.getArgument(1), table, table, ops.getUnitAttr());
  x = layerNorm(x, prefix + "pos_norm");
  at("embed_vision");
  x = linear(norm(x, FlatSymbolRefAttr(), 1), "embed_vision.embedding_projection", hidden);
  func::ReturnOp::create(ops, loc, x);
}

class SampleBuilder : FunctionMaker {
public:
  SampleBuilder(MLIRContext &context, const SampleEmbedderConfig &config, WeightSymbols &weights)
      : FunctionMaker(context, weights, config.rmsEpsilon), samples(config.samples) {}

  void build(int64_t hidden) {
    at("embed_audio");
    func::FuncOp function = beginEncoder(GEMMAC_ENCODE_AUDIO, {{rows(samples), GEMMAC_SAMPLES, 1}}, hidden);
    Value x = norm(function.getArgument(0), FlatSymbolRefAttr(), 1);
    func::ReturnOp::create(ops, loc, linear(x, "embed_audio.embedding_projection", hidden));
  }

private:
  int64_t samples;
};

} // namespace

void buildImageEncoder(MLIRContext &context, const PatchEmbedderConfig &config, int64_t hidden,
                       WeightSymbols &weights) {
  PatchBuilder(context, config, hidden, weights).build();
}

void buildAudioEncoder(MLIRContext &context, const SampleEmbedderConfig &config, int64_t hidden,
                       WeightSymbols &weights) {
  SampleBuilder(context, config, weights).build(hidden);
}

} // namespace gemmac
