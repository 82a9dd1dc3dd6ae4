"""GGUF files of towers ("mmproj"): what llama.cpp's converter makes of the towers of a Hugging Face directory, or of
what a model without encoders has in their place.

Written from docs/spec/gemma4.md (8.2, 10) and apart from gemmac's reader; containers and encodings: gguf_file.py.
"""

import re

import numpy as np

from gguf_file import BOOL, F32, STRING, U32, encode_blocks
from tower_shapes import samples_of

TOWERS = ("model.vision_tower.", "model.audio_tower.", "model.embed_vision.", "model.embed_audio.")
TOWERS += ("model.vision_embedder.",)

NAMES = {
    "embed_vision.embedding_projection.weight": "mm.input_projection.weight",
    "embed_audio.embedding_projection.weight": "mm.a.input_projection.weight",
    "vision_tower.patch_embedder.input_proj.weight": "v.patch_embd.weight",
    "vision_tower.patch_embedder.position_embedding_table": "v.position_embd.weight",
    "vision_tower.std_bias": "v.std_bias",
    "vision_tower.std_scale": "v.std_scale",
    "audio_tower.subsample_conv_projection.layer0.conv.weight": "a.conv1d.0.weight",
    "audio_tower.subsample_conv_projection.layer0.norm.weight": "a.conv1d.0.norm.weight",
    "audio_tower.subsample_conv_projection.layer1.conv.weight": "a.conv1d.1.weight",
    "audio_tower.subsample_conv_projection.layer1.norm.weight": "a.conv1d.1.norm.weight",
    "audio_tower.subsample_conv_projection.input_proj_linear.weight": "a.input_projection.weight",
    "audio_tower.output_proj.weight": "a.pre_encode.out.weight",
    "audio_tower.output_proj.bias": "a.pre_encode.out.bias",
    "vision_embedder.patch_ln1.weight": "v.patch_norm.1.weight",
    "vision_embedder.patch_ln1.bias": "v.patch_norm.1.bias",
    "vision_embedder.patch_dense.weight": "v.patch_embd.weight",
    "vision_embedder.patch_dense.bias": "v.patch_embd.bias",
    "vision_embedder.patch_ln2.weight": "v.patch_norm.2.weight",
    "vision_embedder.patch_ln2.bias": "v.patch_norm.2.bias",
    "vision_embedder.pos_embedding": "v.position_embd.weight",
    "vision_embedder.pos_norm.weight": "v.patch_norm.3.weight",
    "vision_embedder.pos_norm.bias": "v.patch_norm.3.bias",
}
# Of models without encoders: what has an element for each value of a patch.
OF_PIXELS = ("vision_embedder.patch_ln1.weight", "vision_embedder.patch_ln1.bias", "vision_embedder.patch_dense.weight")
VISION_PARTS = {
    "input_layernorm": "ln1",
    "post_attention_layernorm": "attn_post_norm",
    "pre_feedforward_layernorm": "ln2",
    "post_feedforward_layernorm": "ffn_post_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_out",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
AUDIO_PARTS = {
    "feed_forward1.pre_layer_norm": "ffn_norm",
    "feed_forward1.ffw_layer_1": "ffn_up",
    "feed_forward1.ffw_layer_2": "ffn_down",
    "feed_forward1.post_layer_norm": "ffn_post_norm",
    "feed_forward2.pre_layer_norm": "ffn_norm_1",
    "feed_forward2.ffw_layer_1": "ffn_up_1",
    "feed_forward2.ffw_layer_2": "ffn_down_1",
    "feed_forward2.post_layer_norm": "ffn_post_norm_1",
    "norm_pre_attn": "attn_pre_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.post": "attn_out",
    "self_attn.relative_k_proj": "attn_k_rel",
    "self_attn.per_dim_scale": "per_dim_scale",
    "norm_post_attn": "attn_post_norm",
    "lconv1d.pre_layer_norm": "conv_norm",
    "lconv1d.linear_start": "conv_pw1",
    "lconv1d.depthwise_conv1d": "conv_dw",
    "lconv1d.conv_norm": "norm_conv",
    "lconv1d.linear_end": "conv_pw2",
    "norm_out": "ln2",
}
LAYERS = {"vision_tower.encoder.layers.": ("v", VISION_PARTS), "audio_tower.layers.": ("a", AUDIO_PARTS)}


def tower_name(name):
    """ "model.vision_tower.encoder.layers.3.mlp.up_proj.linear.weight" -> "v.blk.3.ffn_up.weight" """
    name = name.removeprefix("model.")
    if name in NAMES:
        return NAMES[name]
    for prefix, (letter, parts) in LAYERS.items():
        if name.startswith(prefix):
            index, part = name.removeprefix(prefix).split(".", 1)
            part = part.replace(".linear.", ".")
            base, ending = re.fullmatch(r"(.*?)(\.weight|\.(?:in|out)put_m(?:in|ax)|)", part).groups()
            return f"{letter}.blk.{index}.{parts[base]}{ending or '.weight'}"
    raise KeyError(name)


def stored_values(name, values):
    """What the converter stores for a tensor."""
    if values.ndim == 0:
        return values.reshape(1)
    if name.endswith("per_dim_scale"):
        return np.log1p(np.exp(values.astype(np.float64))).astype(np.float32)
    if name.endswith("depthwise_conv1d.weight"):
        return values.reshape(values.shape[0], values.shape[2])
    if name.endswith("patch_embedder.input_proj.weight"):
        side = int((values.shape[1] // 3) ** 0.5)
        return np.ascontiguousarray(values.reshape(-1, side, side, 3).transpose(0, 3, 1, 2))
    if name.endswith(OF_PIXELS):
        return np.ascontiguousarray(values.reshape(-1, values.shape[-1] // 3, 3).swapaxes(1, 2)).reshape(values.shape)
    if name.endswith("vision_embedder.pos_embedding"):
        return np.ascontiguousarray(values.swapaxes(0, 1))
    return values


def embedder_values(name, stored):
    """The other way round, of what a model without encoders has."""
    if name.endswith(OF_PIXELS):
        return np.ascontiguousarray(stored.reshape(-1, 3, stored.shape[-1] // 3).swapaxes(1, 2)).reshape(stored.shape)
    return stored.swapaxes(0, 1) if name.endswith("vision_embedder.pos_embedding") else stored


def is_matrix(name, stored):
    """Whether a tensor gets the type of matrices: vectors, convolutions, patches and places are F32."""
    return stored.ndim == 2 and not name.endswith(("depthwise_conv1d.weight", "patch_dense.weight"))


def tower_tensors(weights, choose=lambda name, shape: "F32"):
    """weights: {name in the directory: float32 array}, of which those of towers are taken. choose(name, shape) names
    the type of a matrix."""
    tensors = {}
    for name, values in weights.items():
        if not name.startswith(TOWERS):
            continue
        values = stored_values(name, values)
        kind = choose(name, values.shape) if is_matrix(name, values) else "F32"
        tensors[tower_name(name)] = (kind, list(values.shape), encode_blocks(values, kind))
    return tensors


def tower_metadata(config):
    """What the converter writes for a config.json; a tower that it has not is not there."""
    hidden, vision, audio = config["text_config"]["hidden_size"], config["vision_config"], config["audio_config"]
    written = {"general.architecture": (STRING, "clip"), "general.type": (STRING, "mmproj")}
    # Models without encoders have no sizes of layers, which the converter writes as 0.
    unified = config["text_config"].get("model_type") == "gemma4_unified_text"
    if vision:
        own = {
            "projector_type": (STRING, "gemma4uv" if unified else "gemma4v"),
            "projection_dim": (U32, hidden),
            "image_size": (U32, 224),
            "patch_size": (U32, vision.get("patch_size", 16)),
            "embedding_length": (U32, vision["mm_embed_dim" if unified else "hidden_size"]),
            "feed_forward_length": (U32, vision.get("intermediate_size", 0)),
            "block_count": (U32, vision.get("num_hidden_layers", 0)),
            "attention.head_count": (U32, vision.get("num_attention_heads", 0)),
            "attention.layer_norm_epsilon": (F32, vision.get("rms_norm_eps", 1e-6)),
            "image_mean": ([F32], [0.0] * 3),
            "image_std": ([F32], [1.0] * 3),
        }
        if (pool := vision.get("pooling_kernel_size", 3)) != 3:
            own["projector.scale_factor"] = (U32, pool)
        written["clip.has_vision_encoder"] = (BOOL, True)
        written |= {f"clip.vision.{key}": value for key, value in own.items()}
    if audio:
        width = samples_of(audio) if unified else audio["hidden_size"]
        own = {
            "projector_type": (STRING, "gemma4ua" if unified else "gemma4a"),
            "projection_dim": (U32, hidden),
            "embedding_length": (U32, width),
            "feed_forward_length": (U32, 0 if unified else 4 * width),
            "block_count": (U32, audio.get("num_hidden_layers", 0)),
            "attention.head_count": (U32, audio.get("num_attention_heads", 0)),
            "attention.layer_norm_epsilon": (F32, 1e-6),
            "num_mel_bins": (U32, 128),
        }
        written["clip.has_audio_encoder"] = (BOOL, True)
        written |= {f"clip.audio.{key}": value for key, value in own.items()}
    return written
