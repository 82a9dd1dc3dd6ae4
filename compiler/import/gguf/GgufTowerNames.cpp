#include "compiler/import/gguf/GgufTowerNames.h"

#include "compiler/import/TensorFiles.h"
#include "compiler/import/gguf/GgufNames.h"

#include "llvm/ADT/STLExtras.h"

namespace gemmac {

using llvm::StringRef;

namespace {

struct Spelling {
  llvm::StringLiteral gguf, canonical;
};
using Column = llvm::StringLiteral Spelling::*;

/// The tensors of a tower and its embedder. Names of layers stand without what precedes them, linears without what
/// follows: their matrices and bounds have different endings.
struct TowerNames {
  Spelling layers;
  llvm::ArrayRef<Spelling> whole, perLayer, linears;
};

constexpr Spelling visionNames[] = {{"v.patch_embd.weight", "vision_tower.patch_embedder.input_proj.weight"},
                                    {"v.position_embd.weight", "vision_tower.patch_embedder.position_embedding_table"},
                                    {"v.std_bias", "vision_tower.std_bias"},
                                    {"v.std_scale", "vision_tower.std_scale"}};

constexpr Spelling visionLayerNames[] = {
    {"ln1.weight", "input_layernorm.weight"},           {"attn_post_norm.weight", "post_attention_layernorm.weight"},
    {"ln2.weight", "pre_feedforward_layernorm.weight"}, {"ffn_post_norm.weight", "post_feedforward_layernorm.weight"},
    {"attn_q_norm.weight", "self_attn.q_norm.weight"},  {"attn_k_norm.weight", "self_attn.k_norm.weight"}};

constexpr Spelling visionLinears[] = {{"attn_q", "self_attn.q_proj"}, {"attn_k", "self_attn.k_proj"},
                                      {"attn_v", "self_attn.v_proj"}, {"attn_out", "self_attn.o_proj"},
                                      {"ffn_gate", "mlp.gate_proj"},  {"ffn_up", "mlp.up_proj"},
                                      {"ffn_down", "mlp.down_proj"}};

constexpr Spelling audioNames[] = {
    {"a.conv1d.0.weight", "audio_tower.subsample_conv_projection.layer0.conv.weight"},
    {"a.conv1d.0.norm.weight", "audio_tower.subsample_conv_projection.layer0.norm.weight"},
    {"a.conv1d.1.weight", "audio_tower.subsample_conv_projection.layer1.conv.weight"},
    {"a.conv1d.1.norm.weight", "audio_tower.subsample_conv_projection.layer1.norm.weight"},
    {"a.input_projection.weight", "audio_tower.subsample_conv_projection.input_proj_linear.weight"},
    {"a.pre_encode.out.weight", "audio_tower.output_proj.weight"},
    {"a.pre_encode.out.bias", "audio_tower.output_proj.bias"}};

/// The two norms of the convolution module have each other's names, since llama.cpp's converter has them so.
constexpr Spelling audioLayerNames[] = {{"ffn_norm.weight", "feed_forward1.pre_layer_norm.weight"},
                                        {"ffn_post_norm.weight", "feed_forward1.post_layer_norm.weight"},
                                        {"ffn_norm_1.weight", "feed_forward2.pre_layer_norm.weight"},
                                        {"ffn_post_norm_1.weight", "feed_forward2.post_layer_norm.weight"},
                                        {"attn_pre_norm.weight", "norm_pre_attn.weight"},
                                        {"attn_post_norm.weight", "norm_post_attn.weight"},
                                        {"ln2.weight", "norm_out.weight"},
                                        {"attn_k_rel.weight", "self_attn.relative_k_proj.weight"},
                                        {"per_dim_scale.weight", "self_attn.per_dim_scale"},
                                        {"conv_norm.weight", "lconv1d.pre_layer_norm.weight"},
                                        {"conv_dw.weight", "lconv1d.depthwise_conv1d.weight"},
                                        {"norm_conv.weight", "lconv1d.conv_norm.weight"}};

constexpr Spelling audioLinears[] = {{"ffn_up", "feed_forward1.ffw_layer_1"},
                                     {"ffn_down", "feed_forward1.ffw_layer_2"},
                                     {"ffn_up_1", "feed_forward2.ffw_layer_1"},
                                     {"ffn_down_1", "feed_forward2.ffw_layer_2"},
                                     {"attn_q", "self_attn.q_proj"},
                                     {"attn_k", "self_attn.k_proj"},
                                     {"attn_v", "self_attn.v_proj"},
                                     {"attn_out", "self_attn.post"},
                                     {"conv_pw1", "lconv1d.linear_start"},
                                     {"conv_pw2", "lconv1d.linear_end"}};

constexpr Spelling embedderNames[] = {{"v.patch_norm.1.weight", "vision_embedder.patch_ln1.weight"},
                                      {"v.patch_norm.1.bias", "vision_embedder.patch_ln1.bias"},
                                      {"v.patch_embd.weight", "vision_embedder.patch_dense.weight"},
                                      {"v.patch_embd.bias", "vision_embedder.patch_dense.bias"},
                                      {"v.patch_norm.2.weight", "vision_embedder.patch_ln2.weight"},
                                      {"v.patch_norm.2.bias", "vision_embedder.patch_ln2.bias"},
                                      {"v.position_embd.weight", "vision_embedder.pos_embedding"},
                                      {"v.patch_norm.3.weight", "vision_embedder.pos_norm.weight"},
                                      {"v.patch_norm.3.bias", "vision_embedder.pos_norm.bias"}};

/// Of both kinds.
constexpr Spelling projectionNames[] = {{"mm.input_projection.weight", "embed_vision.embedding_projection.weight"},
                                        {"mm.a.input_projection.weight", "embed_audio.embedding_projection.weight"}};

const TowerNames encoders[] = {
    {{"v.blk.", "vision_tower.encoder.layers."}, visionNames, visionLayerNames, visionLinears},
    {{"a.blk.", "audio_tower.layers."}, audioNames, audioLayerNames, audioLinears}};

/// What the matrix of a linear ends in.
constexpr Spelling matrixEnding = {".weight", ".linear.weight"};

std::string find(llvm::ArrayRef<Spelling> table, StringRef name, Column from, Column to) {
  const Spelling *found = llvm::find_if(table, [&](const Spelling &one) { return one.*from == name; });
  return found == table.end() ? "" : (found->*to).str();
}

std::string respellLinear(llvm::ArrayRef<Spelling> linears, StringRef name, Column from, Column to) {
  for (const Spelling &linear : linears) {
    StringRef ending = name;
    if (!ending.consume_front(linear.*from))
      continue;
    if (ending == matrixEnding.*from)
      return (linear.*to + matrixEnding.*to).str();
    if (llvm::is_contained(boundEndings, ending))
      return (linear.*to + ending).str();
  }
  return "";
}

std::string respellOfEncoder(StringRef name, Column from, Column to) {
  for (const TowerNames &tower : encoders) {
    StringRef rest = name;
    if (!rest.consume_front(tower.layers.*from)) {
      if (std::string found = find(tower.whole, name, from, to); !found.empty())
        return found;
      continue;
    }
    auto [index, part] = rest.split('.');
    std::string found = find(tower.perLayer, part, from, to);
    if (found.empty())
      found = respellLinear(tower.linears, part, from, to);
    return found.empty() || !isLayerNumber(index) ? "" : (tower.layers.*to + index + "." + found).str();
  }
  return "";
}

std::string respell(StringRef name, TowerKind kind, Column from, Column to) {
  if (std::string found = find(projectionNames, name, from, to); !found.empty())
    return found;
  return kind == TowerKind::Embedders ? find(embedderNames, name, from, to) : respellOfEncoder(name, from, to);
}

} // namespace

std::string canonicalTowerName(StringRef stored, TowerKind kind) {
  return respell(stored, kind, &Spelling::gguf, &Spelling::canonical);
}

std::string storedTowerName(StringRef canonical) {
  std::string found;
  for (TowerKind kind : {TowerKind::Encoders, TowerKind::Embedders})
    if (found.empty())
      found = respell(canonical, kind, &Spelling::canonical, &Spelling::gguf);
  return found;
}

} // namespace gemmac
