"""The towers of a random checkpoint as the GGUF file that llama.cpp reads beside the text model (spec 8.2).

The values are those that tests/integration/random_checkpoint.py writes into the checkpoint, rounded to BF16 first, so
that both files are the same model. Types as llama.cpp's converter chooses them: norms, bounds, position tables, the
patch embedding and what belongs to convolutions F32, matrices BF16 or Q8_0 (F16 where a row is no multiple of 32).
"""

import math
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "bench"), str(ROOT / "tests" / "integration")]
import random_checkpoint  # noqa: E402
from gemma_checkpoint import to_bf16  # noqa: E402
from gguf_writer import TYPES, Float, Tensor, write_gguf  # noqa: E402

#          what matrices get, and the number that general.file_type has for it
WEIGHTS = {"bf16": ("BF16", 32), "q8": ("Q8_0", 7)}

NAMES = {
    "model.embed_vision.embedding_projection": "mm.input_projection",
    "model.embed_audio.embedding_projection": "mm.a.input_projection",
    "model.vision_tower.patch_embedder.input_proj": "v.patch_embd",
    "model.vision_tower.patch_embedder.position_embedding_table": "v.position_embd.weight",
    "model.vision_tower.std_bias": "v.std_bias",
    "model.vision_tower.std_scale": "v.std_scale",
    "model.audio_tower.subsample_conv_projection.layer0.conv": "a.conv1d.0",
    "model.audio_tower.subsample_conv_projection.layer0.norm": "a.conv1d.0.norm",
    "model.audio_tower.subsample_conv_projection.layer1.conv": "a.conv1d.1",
    "model.audio_tower.subsample_conv_projection.layer1.norm": "a.conv1d.1.norm",
    "model.audio_tower.subsample_conv_projection.input_proj_linear": "a.input_projection",
    "model.audio_tower.output_proj": "a.pre_encode.out",
}
VISION_LAYER = {
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
AUDIO_LAYER = {
    "feed_forward1.pre_layer_norm": "ffn_norm",
    "feed_forward1.ffw_layer_1": "ffn_up",
    "feed_forward1.ffw_layer_2": "ffn_down",
    "feed_forward1.post_layer_norm": "ffn_post_norm",
    "feed_forward2.pre_layer_norm": "ffn_norm_1",
    "feed_forward2.ffw_layer_1": "ffn_up_1",
    "feed_forward2.ffw_layer_2": "ffn_down_1",
    "feed_forward2.post_layer_norm": "ffn_post_norm_1",
    "norm_pre_attn": "attn_pre_norm",
    "norm_post_attn": "attn_post_norm",
    "norm_out": "ln2",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.post": "attn_out",
    "self_attn.relative_k_proj": "attn_k_rel",
    "self_attn.per_dim_scale": "per_dim_scale.weight",
    # The two norms of the convolution are named the other way round than one would think.
    "lconv1d.pre_layer_norm": "conv_norm",
    "lconv1d.linear_start": "conv_pw1",
    "lconv1d.depthwise_conv1d": "conv_dw",
    "lconv1d.conv_norm": "norm_conv",
    "lconv1d.linear_end": "conv_pw2",
}


def gguf_name(name):
    """The name in the file of a tensor of the checkpoint."""
    if name in NAMES:
        return NAMES[name]
    base, leaf = name.replace(".linear.weight", ".weight").rsplit(".", 1)
    if base in NAMES:
        return f"{NAMES[base]}.{leaf}"
    for tower, prefix, table in (
        ("model.vision_tower.encoder.layers.", "v.blk.", VISION_LAYER),
        ("model.audio_tower.layers.", "a.blk.", AUDIO_LAYER),
    ):
        if name.startswith(tower):
            layer, part = name.removeprefix(tower).split(".", 1)
            part, leaf = part.replace(".linear.weight", ".weight").rsplit(".", 1)
            whole = f"{part}.{leaf}"
            return f"{prefix}{layer}.{table[whole] if whole in table else f'{table[part]}.{leaf}'}"
    raise KeyError(f"'{name}' has no name in a GGUF file")


def stored(name, values):
    """The values as the file has them, in the order of its dimensions reversed."""
    if name.endswith("patch_embedder.input_proj.weight"):
        side = math.isqrt(values.shape[1] // 3)
        return values.reshape(-1, side, side, 3).transpose(0, 3, 1, 2)
    if name.endswith("per_dim_scale"):
        return np.logaddexp(0, values)
    if name.endswith("depthwise_conv1d.weight"):
        return values[:, 0]
    return values[None] if values.ndim == 0 else values


def type_of(name, shape, weights):
    convolution = "subsample_conv_projection" in name or "conv1d.weight" in name
    if len(shape) < 2 or convolution or "patch_embedder" in name:
        return TYPES["F32"]
    kind = TYPES[WEIGHTS[weights][0]]
    return TYPES["F16"] if shape[-1] % kind.values else kind


def encoded(values, kind):
    if kind.name == "F32":
        return values.astype("<f4").tobytes()
    if kind.name == "F16":
        return values.astype("<f2").tobytes()
    if kind.name == "BF16":
        return to_bf16(values).astype("<u2").tobytes()
    blocks = values.reshape(-1, 32)
    scales = (np.abs(blocks).max(1, keepdims=True) / 127).astype(np.float32)
    quants = np.rint(blocks / np.where(scales, scales, 1)).astype(np.int8)
    return np.concatenate([scales.astype("<f2").view(np.uint8), quants.view(np.uint8)], 1).tobytes()


def fields(hidden, vision, audio, weights):
    """What llama.cpp's reader asks for; `hidden` is the text model's."""
    out = {
        "general.architecture": "clip",
        "general.type": "mmproj",
        "general.name": "random towers",
        "general.file_type": WEIGHTS[weights][1],
        "general.quantization_version": 2,
        # Its reader takes a coarser function where the file does not say so.
        "clip.use_gelu": True,
    }
    for kind, config in (("vision", vision), ("audio", audio)):
        if not config:
            continue
        at = f"clip.{kind}."
        out |= {
            f"clip.has_{kind}_encoder": True,
            at + "projector_type": {"vision": "gemma4v", "audio": "gemma4a"}[kind],
            at + "projection_dim": hidden,
            at + "embedding_length": config["hidden_size"],
            at + "feed_forward_length": config.get("intermediate_size", 4 * config["hidden_size"]),
            at + "block_count": config["num_hidden_layers"],
            at + "attention.head_count": config["num_attention_heads"],
            at + "attention.layer_norm_epsilon": Float(config["rms_norm_eps"]),
        }
    if vision:
        at = "clip.vision."
        out |= {
            at + "attention.head_count_kv": vision["num_key_value_heads"],
            at + "image_size": 224,
            at + "patch_size": vision["patch_size"],
            at + "image_mean": [Float(0)] * 3,
            at + "image_std": [Float(1)] * 3,
            at + "projector.scale_factor": vision["pooling_kernel_size"],
        }
    if audio:
        out["clip.audio.num_mel_bins"] = 128
    return out


def write(path, hidden, weights, vision=None, audio=None, seed=5):
    """The towers of the checkpoint that random_checkpoint.write makes of these configurations and the same seed.

    weights: bf16 or q8.
    """
    named = random_checkpoint.vision_tensors(vision, hidden) if vision else {}
    named |= random_checkpoint.audio_tensors(audio, hidden) if audio else {}
    sources, tensors = {}, []
    for name, shape in named.items():
        dims = stored(name, np.empty(shape, np.int8)).shape
        tensors.append(Tensor(gguf_name(name), dims[::-1], type_of(name, shape, weights)))
        sources[tensors[-1].name] = name

    def chunks(tensor):
        name = sources[tensor.name]
        values = np.asarray(random_checkpoint.values(name, named[name], seed), np.float32)
        rounded = (to_bf16(values).astype(np.uint32) << 16).view(np.float32)
        yield encoded(np.ascontiguousarray(stored(name, rounded.reshape(values.shape))), tensor.type)

    write_gguf(path, fields(hidden, vision, audio, weights), tensors, chunks)
