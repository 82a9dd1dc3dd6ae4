// The audio tower as IR: each function below is one part of it (spec 5.2, 5.3, 5.4), in its order.
#include "compiler/import/EncoderBuilders.h"

#include <algorithm>
#include <limits>

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac {
namespace {

/// Frames that become one soft token.
constexpr int64_t frames = 4;
/// Of the norms that do not take it from the configuration (spec 5.3).
constexpr double plainEpsilon = 1e-6;

class AudioBuilder : FunctionMaker {
public:
  AudioBuilder(MLIRContext &context, const AudioConfig &config, int64_t hidden, WeightSymbols &weights)
      : FunctionMaker(context, weights, config.rmsEpsilon), config(config), hidden(hidden) {}

  void build();

private:
  Value convolve(Value x, const std::string &prefix, int64_t every, int64_t &bins, int64_t channels, int64_t result);
  Value subsample(Value mel);
  Value clampedNorm(Value x, const Twine &name, double eps);
  template <typename Op> Value elementwise(Value x) { return Op::create(ops, loc, x.getType(), x); }
  Value mlp(Value x, const std::string &prefix);
  Value attention(Value x, const std::string &prefix);
  Value lightConv(Value x, const std::string &prefix);
  Value layer(Value x, const std::string &prefix);
  Value softTokens(Value x);

  const AudioConfig &config;
  int64_t hidden;
  Value valid;
};

/// One of the two convolutions, of which `every` tells how many flags there are for a frame; `bins` become fewer.
Value AudioBuilder::convolve(Value x, const std::string &prefix, int64_t every, int64_t &bins, int64_t channels,
                             int64_t result) {
  at(prefix);
  x = MaskRowsOp::create(ops, loc, x.getType(), x, valid, count(every));
  bins = (bins - 1) / 2 + 1;
  x = Conv2dOp::create(ops, loc, rows(bins * result), x, weight(prefix + ".conv.weight"), count(channels));
  x = LayerNormOp::create(ops, loc, x.getType(), x, weight(prefix + ".norm.weight"), /*bias=*/FlatSymbolRefAttr(),
                          count(bins), number(rmsEpsilon));
  return elementwise<ReluOp>(x);
}

Value AudioBuilder::subsample(Value mel) {
  const std::string prefix = "audio_tower.subsample_conv_projection.";
  int64_t bins = melBins;
  Value x = convolve(mel, prefix + "layer0", 1, bins, 1, config.channels[0]);
  x = convolve(x, prefix + "layer1", 2, bins, config.channels[0], config.channels[1]);
  at("audio_tower.subsample_conv_projection");
  return linear(x, prefix + "input_proj_linear", config.hidden);
}

Value AudioBuilder::clampedNorm(Value x, const Twine &name, double eps) {
  auto limit = number(std::min<double>(config.clipping, std::numeric_limits<float>::max()));
  x = ClampOp::create(ops, loc, x.getType(), x, limit);
  return RmsNormOp::create(ops, loc, x.getType(), x, weight(name + ".weight"), count(1), number(eps));
}

Value AudioBuilder::mlp(Value x, const std::string &prefix) {
  at(prefix);
  Value y = clampedNorm(x, prefix + ".pre_layer_norm", plainEpsilon);
  y = linear(y, prefix + ".ffw_layer_1.linear", config.mlpWidth());
  y = linear(elementwise<SiluOp>(y), prefix + ".ffw_layer_2.linear", config.hidden);
  return add(x, scale(clampedNorm(y, prefix + ".post_layer_norm", plainEpsilon), config.residualWeight));
}

Value AudioBuilder::attention(Value x, const std::string &layer) {
  const std::string prefix = layer + "self_attn.";
  at(layer + "self_attn");
  Value y = clampedNorm(x, layer + "norm_pre_attn", plainEpsilon);
  Value query = linear(y, prefix + "q_proj.linear", config.hidden);
  Value key = linear(y, prefix + "k_proj.linear", config.hidden);
  Value value = linear(y, prefix + "v_proj.linear", config.hidden);
  FlatSymbolRefAttr scale = weight(prefix + "per_dim_scale"), relative = weight(prefix + "relative_k_proj.weight");
  // The mask leaves out what is context_left - 1 away or more; the sinusoids reach further (spec 5.4).
  const int64_t past = config.past - 1, distances = (config.chunk + past + config.future) / 2;
  Value mixed = RelativeAttentionOp::create(ops, loc, query.getType(), query, key, value, valid, count(frames),
                                            count(config.heads), scale, relative, count(past), count(config.future),
                                            count(distances), number(config.logitCap));
  Value branch = linear(mixed, prefix + "post.linear", config.hidden);
  return add(x, clampedNorm(branch, layer + "norm_post_attn", plainEpsilon));
}

Value AudioBuilder::lightConv(Value x, const std::string &prefix) {
  at(prefix);
  Value y = linear(norm(x, prefix + ".pre_layer_norm"), prefix + ".linear_start.linear", 2 * config.hidden);
  y = GluOp::create(ops, loc, x.getType(), y);
  y = DepthwiseConvOp::create(ops, loc, y.getType(), y, weight(prefix + ".depthwise_conv1d.weight"));
  y = elementwise<SiluOp>(clampedNorm(y, prefix + ".conv_norm", rmsEpsilon));
  return add(x, linear(y, prefix + ".linear_end.linear", config.hidden));
}

Value AudioBuilder::layer(Value x, const std::string &prefix) {
  x = mlp(x, prefix + "feed_forward1");
  x = attention(x, prefix);
  x = lightConv(x, prefix + "lconv1d");
  x = mlp(x, prefix + "feed_forward2");
  return clampedNorm(x, prefix + "norm_out", plainEpsilon);
}

Value AudioBuilder::softTokens(Value x) {
  at("audio_tower.output_proj");
  x = linear(x, "audio_tower.output_proj", config.outputWidth);
  x = AddBiasOp::create(ops, loc, x.getType(), x, weight("audio_tower.output_proj.bias"));
  at("embed_audio");
  return linear(norm(x, FlatSymbolRefAttr(), 1), "embed_audio.embedding_projection", hidden);
}

void AudioBuilder::build() {
  at("audio_tower");
  func::FuncOp function =
      beginEncoder(GEMMAC_ENCODE_AUDIO,
                   {{rows(melBins), GEMMAC_MEL, frames}, {rows(1, ops.getI32Type()), GEMMAC_VALID, frames}}, hidden);
  valid = function.getArgument(1);
  Value x = subsample(function.getArgument(0));
  for (int64_t index = 0; index < config.layers; ++index)
    x = layer(x, "audio_tower.layers." + std::to_string(index) + ".");
  func::ReturnOp::create(ops, loc, softTokens(x));
}

} // namespace

void buildAudioEncoder(MLIRContext &context, const AudioConfig &config, int64_t hidden, WeightSymbols &weights) {
  AudioBuilder(context, config, hidden, weights).build();
}

} // namespace gemmac
