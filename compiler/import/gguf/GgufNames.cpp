#include "compiler/import/gguf/GgufNames.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace gemmac;
using llvm::StringRef;

namespace {

struct Spelling {
  llvm::StringLiteral gguf, canonical;
};

constexpr Spelling modelNames[] = {{"token_embd.weight", "embed_tokens.weight"},
                                   {"output_norm.weight", "norm.weight"},
                                   {"output.weight", "lm_head.weight"},
                                   {"per_layer_token_embd.weight", "embed_tokens_per_layer.weight"},
                                   {"per_layer_model_proj.weight", "per_layer_model_projection.weight"},
                                   {"per_layer_proj_norm.weight", "per_layer_projection_norm.weight"}};

/// Behind "blk.N." and "layers.N.".
constexpr Spelling layerNames[] = {{"attn_norm.weight", "input_layernorm.weight"},
                                   {"attn_q.weight", "self_attn.q_proj.weight"},
                                   {"attn_k.weight", "self_attn.k_proj.weight"},
                                   {"attn_v.weight", "self_attn.v_proj.weight"},
                                   {"attn_output.weight", "self_attn.o_proj.weight"},
                                   {"attn_q_norm.weight", "self_attn.q_norm.weight"},
                                   {"attn_k_norm.weight", "self_attn.k_norm.weight"},
                                   {"post_attention_norm.weight", "post_attention_layernorm.weight"},
                                   {"ffn_norm.weight", "pre_feedforward_layernorm.weight"},
                                   {"ffn_gate.weight", "mlp.gate_proj.weight"},
                                   {"ffn_up.weight", "mlp.up_proj.weight"},
                                   {"ffn_down.weight", "mlp.down_proj.weight"},
                                   {"post_ffw_norm.weight", "post_feedforward_layernorm.weight"},
                                   {"layer_output_scale.weight", "layer_scalar"},
                                   {"ffn_gate_inp.weight", "router.proj.weight"},
                                   {"ffn_gate_inp.scale", "router.scale"},
                                   {"ffn_down_exps.scale", "router.per_expert_scale"},
                                   {"pre_ffw_norm_2.weight", "pre_feedforward_layernorm_2.weight"},
                                   {"post_ffw_norm_1.weight", "post_feedforward_layernorm_1.weight"},
                                   {"post_ffw_norm_2.weight", "post_feedforward_layernorm_2.weight"},
                                   {"ffn_gate_up_exps.weight", "experts.gate_up_proj"},
                                   {"ffn_down_exps.weight", "experts.down_proj"},
                                   {"inp_gate.weight", "per_layer_input_gate.weight"},
                                   {"proj.weight", "per_layer_projection.weight"},
                                   {"post_norm.weight", "post_per_layer_input_norm.weight"}};

} // namespace

// "blk.03." would be a second name for layer 3.
bool gemmac::isLayerNumber(StringRef text) {
  return !text.empty() && llvm::all_of(text, llvm::isDigit) && (text == "0" || !text.starts_with("0"));
}

/// `name` respelled, from one column of the tables to the other; empty when it stands in none.
static std::string respell(StringRef name, llvm::StringLiteral Spelling::*from, llvm::StringLiteral Spelling::*to,
                           StringRef fromLayer, StringRef toLayer) {
  auto find = [&](llvm::ArrayRef<Spelling> table, StringRef wanted) -> StringRef {
    const Spelling *found = llvm::find_if(table, [&](const Spelling &one) { return one.*from == wanted; });
    return found == table.end() ? StringRef() : StringRef(found->*to);
  };
  if (!name.consume_front(fromLayer))
    return find(modelNames, name).str();
  auto [index, part] = name.split('.');
  StringRef found = find(layerNames, part);
  return found.empty() || !isLayerNumber(index) ? "" : (toLayer + index + "." + found).str();
}

// Files of Ollama have the towers beside the text model; llama.cpp's have them in a file of their own.
static constexpr SetAside mediaParts[] = {{"v.", "vision tower"}, {"mm.", "vision embedder"}, {"a.", "audio tower"}};

const TensorNaming gemmac::ggufNaming = {
    [](StringRef name) { return respell(name, &Spelling::gguf, &Spelling::canonical, "blk.", "layers."); },
    [](StringRef name) { return respell(name, &Spelling::canonical, &Spelling::gguf, "layers.", "blk."); }, mediaParts};
