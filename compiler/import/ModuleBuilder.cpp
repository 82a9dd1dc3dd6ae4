// The model as IR: each function below is one part of the text decoder (spec 3), in its order.
#include "compiler/import/ModuleBuilder.h"

#include "dialects/Gemma/GemmaDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringSet.h"

#include <cmath>

using namespace mlir;
using namespace gemmac::gemma;

namespace gemmac {
namespace {

class ModelBuilder {
public:
  ModelBuilder(MLIRContext &context, const Checkpoint &checkpoint)
      : checkpoint(checkpoint), config(checkpoint.config), ops(&context), symbols(&context),
        loc(UnknownLoc::get(&context)) {}

  OwningOpRef<ModuleOp> build();

private:
  /// Names what the next ops belong to, for diagnostics and remarks.
  void at(const Twine &place) { loc = NameLoc::get(ops.getStringAttr(place)); }

  FlatSymbolRefAttr weight(const Twine &name);
  void createWeight(const std::string &name, const TensorSource &source);
  bool has(const Twine &name) const { return checkpoint.tensors.count(name.str()); }
  RankedTensorType rows(int64_t width) {
    return RankedTensorType::get({ShapedType::kDynamic, width}, ops.getF32Type());
  }

  Value embed(const Twine &table, double scale, int64_t width, Value soft = {});
  Value norm(Value input, const Twine &name) { return norm(input, weight(name + ".weight"), 1); }
  Value norm(Value input, FlatSymbolRefAttr weight, int64_t groups);
  Value linear(Value input, const Twine &name, int64_t width);
  Value add(Value a, Value b) { return AddOp::create(ops, loc, a.getType(), a, b); }
  Value scale(Value input, FloatAttr factor) { return ScaleOp::create(ops, loc, input.getType(), input, factor); }
  FloatAttr hiddenFactor() { return ops.getF64FloatAttr(1 / std::sqrt(static_cast<double>(config.hidden))); }

  void createCaches();
  Value perLayerInputs(Value x);
  Value attention(int64_t index, Value y);
  Value mlp(int64_t index, Value y);
  Value experts(const Twine &prefix, Value residual);
  Value mixPerLayerInput(int64_t index, Value x, Value perLayer);
  Value layer(int64_t index, Value x, Value perLayer);
  Value head(Value x);
  DictionaryAttr modelAttribute();
  LogicalResult checkUse();

  const Checkpoint &checkpoint;
  const ModelConfig &config;
  OpBuilder ops, symbols; ///< inside @forward; before it
  Location loc;
  Value ids, positions, soft; ///< soft: null where the model takes tokens alone
  llvm::StringSet<> used;
  bool complete = true;
};

/// What the values of an encoding are; those of blocks become f32.
Type elementType(Encoding encoding, Builder &builder) {
  switch (encoding) {
  case Encoding::F16:
    return builder.getF16Type();
  case Encoding::BF16:
    return builder.getBF16Type();
  default:
    return builder.getF32Type();
  }
}

/// Null where the element type says it all.
EncodingAttr encodingAttribute(Encoding encoding, Builder &builder) {
  return encodingInfo(encoding).isBlock() ? EncodingAttr::get(builder.getContext(), encoding) : EncodingAttr();
}

std::string cacheName(int64_t layer) { return "kv." + std::to_string(layer); }

void ModelBuilder::createWeight(const std::string &name, const TensorSource &source) {
  auto type = TypeAttr::get(RankedTensorType::get(source.shape, elementType(source.encoding, ops)));
  if (!source.pieces.empty()) {
    SmallVector<Attribute> pieces;
    for (const std::string &piece : source.pieces) {
      createWeight(piece, checkpoint.pieces.at(piece));
      pieces.push_back(FlatSymbolRefAttr::get(ops.getContext(), piece));
    }
    WeightOp::create(symbols, loc, ops.getStringAttr(name), type, SourceAttr(), ops.getArrayAttr(pieces),
                     EncodingAttr(), ScalesAttr(), FormatAttr(), FloatAttr(), FloatAttr(), FloatAttr());
    return;
  }
  auto fileName = [&](uint32_t file) { return ops.getStringAttr(checkpoint.files[file]); };
  auto place = SourceAttr::get(ops.getContext(), fileName(source.file), source.offset, source.bytes);
  ScalesAttr scales;
  if (source.scales)
    scales = ScalesAttr::get(ops.getContext(), fileName(source.scales->file), source.scales->offset,
                             source.scales->bytes, source.scales->encoding, source.scales->columns);
  auto unlessZero = [&](double value) { return value == 0 ? FloatAttr() : ops.getF64FloatAttr(value); };
  WeightOp::create(symbols, loc, ops.getStringAttr(name), type, place, ArrayAttr(),
                   encodingAttribute(source.encoding, ops), scales, FormatAttr(), unlessZero(source.addend),
                   unlessZero(source.activations.input), unlessZero(source.activations.output));
}

/// A reference to a tensor of the checkpoint, whose symbol is made at first use.
FlatSymbolRefAttr ModelBuilder::weight(const Twine &twine) {
  std::string name = twine.str();
  auto tensor = checkpoint.tensors.find(name);
  if (tensor == checkpoint.tensors.end()) {
    emitError(loc) << "the checkpoint has no tensor '" << name << "'";
    complete = false;
  } else if (used.insert(name).second) {
    createWeight(name, tensor->second);
  }
  return FlatSymbolRefAttr::get(ops.getContext(), name);
}

Value ModelBuilder::embed(const Twine &table, double scale, int64_t width, Value soft) {
  return EmbedOp::create(ops, loc, rows(width), ids, weight(table), ops.getF64FloatAttr(scale), soft);
}

Value ModelBuilder::norm(Value input, FlatSymbolRefAttr weight, int64_t groups) {
  return RmsNormOp::create(ops, loc, input.getType(), input, weight, ops.getI64IntegerAttr(groups),
                           ops.getF64FloatAttr(config.rmsEpsilon));
}

Value ModelBuilder::linear(Value input, const Twine &name, int64_t width) {
  return LinearOp::create(ops, loc, rows(width), input, weight(name + ".weight"));
}

void ModelBuilder::createCaches() {
  for (size_t index = 0; index < config.layers.size(); ++index) {
    const LayerConfig &layer = config.layers[index];
    if (config.ownsKv(index))
      KvCacheOp::create(symbols, loc, ops.getStringAttr(cacheName(index)), ops.getI64IntegerAttr(layer.kvHeads),
                        ops.getI64IntegerAttr(layer.headDim), ops.getI64IntegerAttr(layer.window));
  }
}

/// [rows, layers * P], layer-major (spec 3.2).
Value ModelBuilder::perLayerInputs(Value x) {
  at("per_layer_inputs");
  int64_t count = config.layers.size(), width = config.perLayerEmbedding->width;
  Value token = embed("embed_tokens_per_layer.weight", std::sqrt(static_cast<double>(width)), count * width);
  Value context = linear(x, "per_layer_model_projection", count * width);
  context = scale(context, hiddenFactor());
  context = norm(context, weight("per_layer_projection_norm.weight"), count);
  return scale(add(context, token), ops.getF64FloatAttr(1 / std::sqrt(2.0)));
}

/// From the normed input to the projected output (spec 3.4, 3.5, 3.6, 3.7).
Value ModelBuilder::attention(int64_t index, Value y) {
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
    query = scale(query, ops.getF64FloatAttr(layer.queryScale));
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

Value ModelBuilder::mlp(int64_t index, Value y) {
  at("layers." + Twine(index) + ".mlp");
  std::string prefix = "layers." + std::to_string(index) + ".mlp.";
  Value gate = linear(y, prefix + "gate_proj", config.layers[index].mlpWidth);
  Value up = linear(y, prefix + "up_proj", config.layers[index].mlpWidth);
  return linear(GegluOp::create(ops, loc, gate.getType(), gate, up), prefix + "down_proj", config.hidden);
}

/// The normed branch of the experts (spec 3.3, 3.8).
Value ModelBuilder::experts(const Twine &twine, Value residual) {
  std::string prefix = twine.str();
  at(prefix + "experts");
  int64_t topK = config.experts->topK;
  auto weightType = rows(topK);
  auto pickType = RankedTensorType::get({ShapedType::kDynamic, topK}, ops.getI32Type());
  // One at a time: the order of use is the order of the symbols.
  FlatSymbolRefAttr proj = weight(prefix + "router.proj.weight"), scales = weight(prefix + "router.scale");
  FlatSymbolRefAttr perExpert = weight(prefix + "router.per_expert_scale");
  auto router = RouterOp::create(ops, loc, weightType, pickType, residual, proj, scales, perExpert,
                                 ops.getI64IntegerAttr(topK), hiddenFactor(), ops.getF64FloatAttr(config.rmsEpsilon));
  Value input = norm(residual, prefix + "pre_feedforward_layernorm_2");
  FlatSymbolRefAttr gateUp = weight(prefix + "experts.gate_up_proj"), down = weight(prefix + "experts.down_proj");
  Value result =
      ExpertsOp::create(ops, loc, input.getType(), input, router.getWeights(), router.getPicks(), gateUp, down);
  return norm(result, prefix + "post_feedforward_layernorm_2");
}

Value ModelBuilder::mixPerLayerInput(int64_t index, Value x, Value perLayer) {
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
Value ModelBuilder::layer(int64_t index, Value x, Value perLayer) {
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
  if (has(prefix + "layer_scalar")) // spec 2.4: without one the factor is 1
    x = LayerScaleOp::create(ops, loc, x.getType(), x, weight(prefix + "layer_scalar"));
  return x;
}

Value ModelBuilder::head(Value x) {
  at("head");
  Value logits = linear(norm(x, "norm"), config.tiedHead ? "embed_tokens" : "lm_head", config.vocab);
  if (config.finalSoftcap)
    logits = SoftcapOp::create(ops, loc, logits.getType(), logits, ops.getF64FloatAttr(*config.finalSoftcap));
  return logits;
}

DictionaryAttr ModelBuilder::modelAttribute() {
  auto number = [&](StringRef name, int64_t value) { return ops.getNamedAttr(name, ops.getI64IntegerAttr(value)); };
  return ops.getDictionaryAttr({ops.getNamedAttr("name", ops.getStringAttr(config.name)),
                                ops.getNamedAttr("architecture", ops.getStringAttr(config.architecture)),
                                number("vocab", config.vocab), number("hidden", config.hidden),
                                number("layers", config.layers.size()), number("context", config.context)});
}

/// A tensor that the configuration asks for and the arithmetic ignores would be a silent mistake.
LogicalResult ModelBuilder::checkUse() {
  for (const auto &[name, source] : checkpoint.tensors)
    if (!used.contains(name)) {
      emitError(UnknownLoc::get(ops.getContext()))
          << "tensor '" << name << "' of the checkpoint is not used by the model";
      complete = false;
    }
  return success(complete);
}

OwningOpRef<ModuleOp> ModelBuilder::build() {
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  (*module)->setAttr("gemma.model", modelAttribute());
  auto list = RankedTensorType::get({ShapedType::kDynamic}, ops.getI32Type());
  SmallVector<Type> arguments{list, list};
  if (config.takesSoftTokens())
    arguments.push_back(rows(config.hidden));
  auto type = ops.getFunctionType(arguments, {rows(config.vocab)});
  ops.setInsertionPointToEnd(module->getBody());
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
  Value logits = head(x);
  func::ReturnOp::create(ops, loc, logits);
  if (failed(checkUse()) || failed(verify(*module)))
    return {};
  return module;
}

} // namespace

OwningOpRef<ModuleOp> buildModule(MLIRContext &context, const Checkpoint &checkpoint) {
  context.loadDialect<GemmaDialect, func::FuncDialect>();
  return ModelBuilder(context, checkpoint).build();
}

} // namespace gemmac
