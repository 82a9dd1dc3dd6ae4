// The model as IR: each function below is one part of the text decoder (spec 3), in its order.
#include "compiler/import/ModuleBuilder.h"

#include "compiler/import/EncoderBuilders.h"

#include "mlir/IR/Verifier.h"

#include <cmath>

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac {
namespace {

class TextBuilder : FunctionMaker {
public:
  TextBuilder(MLIRContext &context, const ModelConfig &config, WeightSymbols &weights)
      : FunctionMaker(context, weights, config.rmsEpsilon), config(config) {}

  void build(ModuleOp module);

private:
  Value embed(const Twine &table, double scale, int64_t width, Value soft = {});
  double hiddenFactor() { return 1 / std::sqrt(static_cast<double>(config.hidden)); }

  void createCaches();
  Value perLayerInputs(Value x);
  Value attention(int64_t index, Value y);
  Value mlp(int64_t index, Value y);
  Value experts(const Twine &prefix, Value residual);
  Value mixPerLayerInput(int64_t index, Value x, Value perLayer);
  Value layer(int64_t index, Value x, Value perLayer);
  Value head(Value x);

  const ModelConfig &config;
  Value ids, positions, soft; ///< soft: null where the model takes tokens alone
};

std::string cacheName(int64_t layer) { return "kv." + std::to_string(layer); }

Value TextBuilder::embed(const Twine &table, double scale, int64_t width, Value soft) {
  return EmbedOp::create(ops, loc, rows(width), ids, weight(table), ops.getF64FloatAttr(scale), soft);
}

void TextBuilder::createCaches() {
  for (size_t index = 0; index < config.layers.size(); ++index) {
    const LayerConfig &layer = config.layers[index];
    if (config.ownsKv(index))
      KvCacheOp::create(weights.builder(), loc, ops.getStringAttr(cacheName(index)),
                        ops.getI64IntegerAttr(layer.kvHeads), ops.getI64IntegerAttr(layer.headDim),
                        ops.getI64IntegerAttr(layer.window));
  }
}

/// [rows, layers * P], layer-major (spec 3.2).
Value TextBuilder::perLayerInputs(Value x) {
  at("per_layer_inputs");
  int64_t count = config.layers.size(), width = config.perLayerEmbedding->width;
  Value token = embed("embed_tokens_per_layer.weight", std::sqrt(static_cast<double>(width)), count * width);
  Value context = linear(x, "per_layer_model_projection", count * width);
  context = scale(context, hiddenFactor());
  context = norm(context, weight("per_layer_projection_norm.weight"), count);
  return scale(add(context, token), 1 / std::sqrt(2.0));
}

/// From the normed input to the projected output (spec 3.4, 3.5, 3.6, 3.7).
Value TextBuilder::attention(int64_t index, Value y) {
  at("layers." + Twine(index) + ".self_attn");
  const LayerConfig &layer = config.layers[index];
  std::string prefix = "layers." + std::to_string(index) + ".self_attn.";
  auto heads = ops.getI64IntegerAttr(layer.heads), kvHeads = ops.getI64IntegerAttr(layer.kvHeads);
  auto rope = RopeAttr::get(ops.getContext(), ops.getF64FloatAttr(layer.rope.theta), layer.rope.pairs,
                            ops.getF64FloatAttr(layer.rope.factor));
  Value query = linear(y, prefix + "q_proj", layer.heads * layer.headDim);
  query = norm(query, weight(prefix + "q_norm.weight"), layer.heads);
  query = RopeOp::create(ops, loc, query.getType(), query, positions, heads, rope);
  if (layer.queryScale != 1)
    query = scale(query, layer.queryScale);
  auto cache = FlatSymbolRefAttr::get(ops.getContext(), cacheName(layer.kvSource));
  if (config.ownsKv(index)) {
    int64_t width = layer.kvHeads * layer.headDim;
    Value raw = linear(y, prefix + "k_proj", width);
    Value values = layer.keysAreValues ? raw : linear(y, prefix + "v_proj", width);
    Value keys = norm(raw, weight(prefix + "k_norm.weight"), layer.kvHeads);
    keys = RopeOp::create(ops, loc, keys.getType(), keys, positions, kvHeads, rope);
    if (layer.normedValues)
      values = norm(values, FlatSymbolRefAttr(), layer.kvHeads);
    KvWriteOp::create(ops, loc, keys, values, positions, cache);
  }
  UnitAttr blocks = config.seesBlocks() && layer.window > 0 ? ops.getUnitAttr() : UnitAttr();
  Value result = AttentionOp::create(ops, loc, query.getType(), query, positions, cache, heads, blocks);
  return linear(result, prefix + "o_proj", config.hidden);
}

Value TextBuilder::mlp(int64_t index, Value y) {
  at("layers." + Twine(index) + ".mlp");
  std::string prefix = "layers." + std::to_string(index) + ".mlp.";
  Value gate = linear(y, prefix + "gate_proj", config.layers[index].mlpWidth);
  Value up = linear(y, prefix + "up_proj", config.layers[index].mlpWidth);
  return linear(GegluOp::create(ops, loc, gate.getType(), gate, up), prefix + "down_proj", config.hidden);
}

/// The normed branch of the experts (spec 3.3, 3.8).
Value TextBuilder::experts(const Twine &twine, Value residual) {
  std::string prefix = twine.str();
  at(prefix + "experts");
  int64_t topK = config.experts->topK;
  auto weightType = rows(topK);
  auto pickType = RankedTensorType::get({ShapedType::kDynamic, topK}, ops.getI32Type());
  // One at a time: the order of use is the order of the symbols.
  FlatSymbolRefAttr proj = weight(prefix + "router.proj.weight"), scales = weight(prefix + "router.scale");
  FlatSymbolRefAttr perExpert = weight(prefix + "router.per_expert_scale");
  auto router =
      RouterOp::create(ops, loc, weightType, pickType, residual, proj, scales, perExpert, ops.getI64IntegerAttr(topK),
                       number(hiddenFactor()), ops.getF64FloatAttr(config.rmsEpsilon));
  Value input = norm(residual, prefix + "pre_feedforward_layernorm_2");
  FlatSymbolRefAttr gateUp = weight(prefix + "experts.gate_up_proj"), down = weight(prefix + "experts.down_proj");
  Value result =
      ExpertsOp::create(ops, loc, input.getType(), input, router.getWeights(), router.getPicks(), gateUp, down);
  return norm(result, prefix + "post_feedforward_layernorm_2");
}

Value TextBuilder::mixPerLayerInput(int64_t index, Value x, Value perLayer) {
  at("layers." + Twine(index) + ".per_layer_input");
  std::string prefix = "layers." + std::to_string(index) + ".";
  int64_t width = config.perLayerEmbedding->width;
  Value gate = linear(x, prefix + "per_layer_input_gate", width);
  Value slice = SliceOp::create(ops, loc, rows(width), perLayer, ops.getI64IntegerAttr(index * width));
  Value result =
      linear(GegluOp::create(ops, loc, gate.getType(), gate, slice), prefix + "per_layer_projection", config.hidden);
  return add(x, norm(result, prefix + "post_per_layer_input_norm"));
}

/// One decoder layer (spec 3.3).
Value TextBuilder::layer(int64_t index, Value x, Value perLayer) {
  std::string prefix = "layers." + std::to_string(index) + ".";
  at("layers." + Twine(index));
  Value attended = attention(index, norm(x, prefix + "input_layernorm"));
  x = add(x, norm(attended, prefix + "post_attention_layernorm"));
  Value branch = mlp(index, norm(x, prefix + "pre_feedforward_layernorm"));
  if (config.experts) {
    branch = norm(branch, prefix + "post_feedforward_layernorm_1");
    branch = add(branch, experts(prefix, x));
  }
  x = add(x, norm(branch, prefix + "post_feedforward_layernorm"));
  if (perLayer)
    x = mixPerLayerInput(index, x, perLayer);
  at("layers." + Twine(index));
  if (weights.has(prefix + "layer_scalar")) // spec 2.4: without one the factor is 1
    x = LayerScaleOp::create(ops, loc, x.getType(), x, weight(prefix + "layer_scalar"));
  return x;
}

Value TextBuilder::head(Value x) {
  at("head");
  Value logits = linear(norm(x, "norm"), config.tiedHead ? "embed_tokens" : "lm_head", config.vocab);
  if (config.finalSoftcap)
    logits = SoftcapOp::create(ops, loc, logits.getType(), logits, ops.getF64FloatAttr(*config.finalSoftcap));
  return logits;
}

/// @forward, with its caches before it.
void TextBuilder::build(ModuleOp module) {
  auto list = RankedTensorType::get({ShapedType::kDynamic}, ops.getI32Type());
  SmallVector<Type> arguments{list, list};
  if (config.takesSoftTokens())
    arguments.push_back(rows(config.hidden));
  OpBuilder &symbols = weights.builder();
  ops.setInsertionPointToEnd(module.getBody());
  auto type = ops.getFunctionType(arguments, {rows(config.vocab)});
  auto forward = func::FuncOp::create(ops, loc, "forward", type);
  symbols.setInsertionPoint(forward);
  Block *body = forward.addEntryBlock();
  ops.setInsertionPointToStart(body);
  ids = body->getArgument(0);
  positions = body->getArgument(1);
  if (config.takesSoftTokens()) {
    soft = body->getArgument(2);
    forward.setArgAttr(2, "gemma.name", ops.getStringAttr(GEMMAC_SOFT_TOKENS));
  }

  createCaches();
  at("embed_tokens");
  Value x = embed("embed_tokens.weight", config.embeddingScale, config.hidden, soft);
  Value perLayer = config.perLayerEmbedding ? perLayerInputs(x) : Value();
  for (size_t index = 0; index < config.layers.size(); ++index)
    x = layer(index, x, perLayer);
  func::ReturnOp::create(ops, loc, head(x));
}

} // namespace

static DictionaryAttr modelAttribute(const ModelConfig &config, Builder ops) {
  auto number = [&](StringRef name, int64_t value) { return ops.getNamedAttr(name, ops.getI64IntegerAttr(value)); };
  return ops.getDictionaryAttr({ops.getNamedAttr("name", ops.getStringAttr(config.name)),
                                ops.getNamedAttr("architecture", ops.getStringAttr(config.architecture)),
                                number("vocab", config.vocab), number("hidden", config.hidden),
                                number("layers", config.layers.size()), number("context", config.context)});
}

OwningOpRef<ModuleOp> buildModule(MLIRContext &context, const Checkpoint &checkpoint) {
  context.loadDialect<GemmaDialect, func::FuncDialect>();
  Location place = UnknownLoc::get(&context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(place);
  (*module)->setAttr("gemma.model", modelAttribute(checkpoint.config, Builder(&context)));
  WeightSymbols weights(checkpoint, OpBuilder::atBlockEnd(module->getBody()));
  TextBuilder(context, checkpoint.config, weights).build(*module);
  if (const std::optional<VisionConfig> &vision = checkpoint.config.towers.vision)
    buildImageEncoder(context, *vision, checkpoint.config.hidden, weights);
  if (const std::optional<AudioConfig> &audio = checkpoint.config.towers.audio)
    buildAudioEncoder(context, *audio, checkpoint.config.hidden, weights);
  if (const std::optional<PatchEmbedderConfig> &patches = checkpoint.config.towers.patches)
    buildImageEncoder(context, *patches, checkpoint.config.hidden, weights);
  if (const std::optional<SampleEmbedderConfig> &samples = checkpoint.config.towers.samples)
    buildAudioEncoder(context, *samples, checkpoint.config.hidden, weights);
  if (failed(weights.check(place)) || failed(verify(*module)))
    return {};
  return module;
}

} // namespace gemmac
