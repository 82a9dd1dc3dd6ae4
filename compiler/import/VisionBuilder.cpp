// The vision tower as IR: each function below is one part of it (spec 4), in its order.
#include "compiler/import/EncoderBuilders.h"

#include <cmath>

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac {
namespace {

class VisionBuilder : FunctionMaker {
public:
  VisionBuilder(MLIRContext &context, const VisionConfig &config, int64_t hidden, WeightSymbols &weights)
      : FunctionMaker(context, weights, config.rmsEpsilon), config(config), hidden(hidden) {}

  void build();

private:
  Value embedPatches(Value patches);
  Value heads(Value y, const Twine &prefix, StringRef which, int64_t count);
  Value attention(Value y, const std::string &prefix);
  Value mlp(Value y, const std::string &prefix);
  Value layer(Value x, const std::string &prefix);
  Value softTokens(Value x);

  const VisionConfig &config;
  int64_t hidden;
  Value places;
};

Value VisionBuilder::embedPatches(Value patches) {
  at("vision_tower.patch_embedder");
  const std::string prefix = "vision_tower.patch_embedder.", table = prefix + "position_embedding_table.";
  Value x = AffineOp::create(ops, loc, patches.getType(), patches, number(2.0), number(-1.0));
  x = linear(x, prefix + "input_proj", config.hidden);
  FlatSymbolRefAttr columns = weight(table + "columns"), rows = weight(table + "rows");
  return AddPlacesOp::create(ops, loc, x.getType(), x, places, columns, rows, /*alternating=*/UnitAttr());
}

/// Queries, or keys: projected, normed per head and turned.
Value VisionBuilder::heads(Value y, const Twine &prefix, StringRef which, int64_t number) {
  Value x = linear(y, prefix + which + "_proj.linear", number * config.headDim);
  x = norm(x, weight(prefix + which + "_norm.weight"), number);
  return RopePlacesOp::create(ops, loc, x.getType(), x, places, count(number), this->number(config.ropeTheta));
}

Value VisionBuilder::attention(Value y, const std::string &layer) {
  at(layer + "self_attn");
  const std::string prefix = layer + "self_attn.";
  Value query = heads(y, prefix, "q", config.heads), keys = heads(y, prefix, "k", config.kvHeads);
  Value values = linear(y, prefix + "v_proj.linear", config.kvHeads * config.headDim);
  values = norm(values, FlatSymbolRefAttr(), config.kvHeads);
  Value mixed = AttentionAllOp::create(ops, loc, query.getType(), query, keys, values, count(config.heads),
                                       count(config.kvHeads));
  return linear(mixed, prefix + "o_proj.linear", config.hidden);
}

Value VisionBuilder::mlp(Value y, const std::string &layer) {
  at(layer + "mlp");
  Value gate = linear(y, layer + "mlp.gate_proj.linear", config.mlpWidth);
  Value up = linear(y, layer + "mlp.up_proj.linear", config.mlpWidth);
  Value product = GegluOp::create(ops, loc, gate.getType(), gate, up);
  return linear(product, layer + "mlp.down_proj.linear", config.hidden);
}

Value VisionBuilder::layer(Value x, const std::string &prefix) {
  at(prefix);
  Value attended = attention(norm(x, prefix + "input_layernorm"), prefix);
  x = add(x, norm(attended, prefix + "post_attention_layernorm"));
  Value branch = mlp(norm(x, prefix + "pre_feedforward_layernorm"), prefix);
  return add(x, norm(branch, prefix + "post_feedforward_layernorm"));
}

/// Pooling, standardisation, projection (spec 4.5).
Value VisionBuilder::softTokens(Value x) {
  at("embed_vision");
  const int64_t cell = config.pool * config.pool;
  const double factor = std::sqrt(static_cast<double>(config.hidden)) / static_cast<double>(cell);
  x = PoolOp::create(ops, loc, rows(config.hidden), x, count(cell), number(factor));
  if (config.standardized) {
    FlatSymbolRefAttr bias = weight("vision_tower.std_bias"), scale = weight("vision_tower.std_scale");
    x = StandardizeOp::create(ops, loc, x.getType(), x, bias, scale);
  }
  return linear(norm(x, FlatSymbolRefAttr(), 1), "embed_vision.embedding_projection", hidden);
}

void VisionBuilder::build() {
  const int64_t perRow = config.pool * config.pool;
  at("vision_tower");
  func::FuncOp function = beginEncoder(GEMMAC_ENCODE_IMAGE,
                                       {{rows(config.patch * config.patch * 3), GEMMAC_PATCHES, perRow},
                                        {rows(2, ops.getI32Type()), GEMMAC_PLACES, perRow}},
                                       hidden);
  places = function.getArgument(1);
  Value x = embedPatches(function.getArgument(0));
  for (int64_t index = 0; index < config.layers; ++index)
    x = layer(x, "vision_tower.encoder.layers." + std::to_string(index) + ".");
  func::ReturnOp::create(ops, loc, softTokens(x));
}

} // namespace

void buildImageEncoder(MLIRContext &context, const VisionConfig &config, int64_t hidden, WeightSymbols &weights) {
  VisionBuilder(context, config, hidden, weights).build();
}

} // namespace gemmac
