"""Small random checkpoints in the layouts that quantization-aware training leaves, and what their matrices mean.

`write` makes one; `read` gives its matrices as float32, decoded here and independently of gemmac.
"""

import zlib
from pathlib import Path

import numpy as np

import random_checkpoint
from gemma_checkpoint import COMPRESSED, COMPRESSED_GROUP, FULL, MOBILE, SLIDING, TextShape
from gemma_checkpoint import decode, encode, layout_tensors, mobile_bits, pack_integers, quantization_config
from gemma_checkpoint import read_safetensors, unpack_integers

LATTICE = "lattice"  # bf16 values of scale * integer, as `*-qat-q4_0-unquantized` files have them
LATTICE_F32 = "lattice-f32"  # the same unrounded
S, F = SLIDING, FULL

EDGE = random_checkpoint.text(
    num_attention_heads=4,
    hidden_size=64,
    hidden_size_per_layer_input=32,
    layer_types=[S, F, S, F],
    num_kv_shared_layers=2,
    use_double_wide_mlp=True,
    vocab_size_per_layer_input=384,
)
EXPERTS = random_checkpoint.text(
    enable_moe_block=True,
    num_experts=5,
    top_k_experts=2,
    moe_intermediate_size=32,
    attention_k_eq_v=True,
    num_global_key_value_heads=1,
)
# Halves of heads that are padded: groups of 32 columns of the output projection are not those of the program.
ODD_HEADS = random_checkpoint.text(head_dim=24, global_head_dim=40, num_attention_heads=8)

# name -> (text config, layout)
CASES = {
    "lattice-edge": (EDGE, LATTICE),
    "lattice-experts": (EXPERTS, LATTICE_F32),
    "compressed-edge": (EDGE, COMPRESSED),
    "compressed-experts": (EXPERTS, COMPRESSED),
    "compressed-odd-heads": (ODD_HEADS, COMPRESSED),
    "mobile-edge": (EDGE | {"tie_word_embeddings": False}, MOBILE),
}


def is_quantized(layout, name, value, text):
    if value.ndim < 2 or ".router." in name:
        return False
    if layout in (LATTICE, LATTICE_F32):
        return True
    return layout == MOBILE or "embed_tokens" not in name


def rounded(blocks, bits, scales):
    """Integers and scales of blocks [.., n], the extreme value at the least integer; `scales` rounds a scale."""
    place = np.abs(blocks).argmax(-1, keepdims=True)
    scale = scales(np.take_along_axis(blocks, place, -1) / np.float32(-(1 << (bits - 1))))
    scale = np.where(scale == 0, np.float32(1), scale)
    return np.clip(np.rint(blocks / scale), -(1 << (bits - 1)), (1 << (bits - 1)) - 1).astype(np.int32), scale


def in_bf16(values):
    return decode(encode(values, "BF16"), "BF16", values.shape)


def on_lattice(name, value):
    """scale * integer; the scales are bf16 numbers for some tensors, f16 for others."""
    half = zlib.crc32(name.encode()) % 2
    scales = in_bf16 if half else lambda scale: scale.astype(np.float16).astype(np.float32)
    integers, scale = rounded(value.reshape(*value.shape[:-1], -1, 32), 4, scales)
    return (integers * scale).reshape(value.shape)


def parts_of(name, value):
    """The matrices that are stored for a tensor: experts one by one."""
    if not name.endswith((".experts.gate_up_proj", ".experts.down_proj")):
        return {name: value}
    at = name.rsplit(".", 1)[0]
    parts = ("gate_proj", "up_proj") if "gate_up" in name else ("down_proj",)
    return {
        f"{at}.{expert}.{part}.weight": matrix
        for expert in range(len(value))
        for part, matrix in zip(parts, np.split(value[expert], len(parts)))
    }


def activation_scales(name):
    """Scales of a matrix's inputs and outputs, so that some values lie beyond the ends of the grids. Matrices that read
    the same activations share the first; 0: no grid, as for published heads."""
    module, shared = name.removesuffix(".weight"), name.replace("k_proj", "q_proj").replace("v_proj", "q_proj")
    size = 4 if "layers" in name and "per_layer" in name else 1
    scales = [
        np.float32(size * np.random.default_rng([side, zlib.crc32(text.encode())]).uniform(0.02, 0.03))
        for side, text in enumerate((shared.replace("up_proj", "gate_proj"), name))
    ]
    if module.endswith("lm_head") or module.endswith("layers.2.mlp.down_proj"):
        scales[0] = np.float32(0)
    if module.endswith("lm_head") or module.endswith("layers.1.self_attn.o_proj"):
        scales[1] = np.float32(0)
    return scales


def stored_parts(layout, name, value, text):
    """{name: (dtype, values)} of one matrix."""
    if layout in (LATTICE, LATTICE_F32):
        return {name: ("BF16" if layout == LATTICE else "F32", on_lattice(name, value))}
    if layout == COMPRESSED:
        bits, width, dtype, scales = 4, COMPRESSED_GROUP, "BF16", in_bf16
    else:
        bits, dtype, scales = mobile_bits(name, text.count), "F32", np.float32
        width = text.ple if "embed_tokens_per_layer" in name else value.shape[1]
    integers, scale = rounded(value.reshape(len(value), -1, width), bits, scales)
    integers, scale = integers.reshape(value.shape), scale[..., 0]
    packed = integers.astype(np.int8) if bits == 8 else pack_integers(integers, bits)
    found = {}
    for part, (kind, shape) in layout_tensors(layout, name, list(value.shape), text).items():
        if part.endswith("_activation_scale"):
            found[part] = kind, np.array(activation_scales(name)["output" in part], np.float32)
        elif part.endswith("weight_shape"):
            found[part] = kind, np.array(value.shape)
        elif part.endswith("_scale"):
            found[part] = dtype, scale
        else:
            found[part] = kind, packed.view("<i4") if kind == "I32" else packed
        assert list(found[part][1].shape) == shape, (part, found[part][1].shape, shape)
    return found


def write(folder, name):
    """Writes the case; returns its text config."""
    config, layout = CASES[name]
    text = TextShape(config)

    def store(tensor, value):
        if not is_quantized(layout, tensor, value, text):
            return {tensor: ("BF16", value)}
        if layout in (LATTICE, LATTICE_F32):
            return stored_parts(layout, tensor, value, text)
        found = {}
        for part, matrix in parts_of(tensor, value).items():
            found.update(stored_parts(layout, part, matrix, text))
        return found

    random_checkpoint.write(
        folder,
        config,
        store=store,
        quantization=quantization_config(layout) if layout in (COMPRESSED, MOBILE) else None,
    )
    return config


def read(folder, config):
    """(all tensors by canonical name; what is on int8 grids, {module: (integers, scales of rows, scale of inputs, of
    outputs)}; names of what is stored as floats), decoded."""
    text, stored, floats = TextShape(config), {}, []
    for file in sorted(Path(folder).glob("*.safetensors")):
        for name, value in read_safetensors(file).items():
            stored[name.removeprefix("model.").removeprefix("language_model.")] = value
    weights, grids = {}, {}
    for name, value in stored.items():
        base, leaf = name.rsplit(".", 1) if "." in name else (name, "")
        if leaf in ("weight_packed", "embedding_quantized") or value.dtype in (np.uint8, np.int8):
            scale = stored[base + (".embedding_scale" if leaf.startswith("embed") else ".weight_scale")]
            bits = 4 if leaf == "weight_packed" else mobile_bits(base + ".weight", text.count)
            packed = np.ascontiguousarray(value)
            integers = packed if bits == 8 else unpack_integers(packed.view(np.uint8), bits)
            weights[base + ".weight"] = integers * np.repeat(scale, integers.shape[1] // scale.shape[1], axis=1)
            if base + ".input_activation_scale" in stored:
                ends = [np.float32(stored[f"{base}.{side}_activation_scale"]) for side in ("input", "output")]
                grids[base] = integers, scale, *ends
        elif not leaf.endswith("_scale") or leaf == "per_expert_scale":
            if leaf != "weight_shape":
                weights[name] = value
                floats.append(name)
    return {name: value.astype(np.float32) for name, value in stacked(weights, text).items()}, grids, floats


def stacked(weights, text):
    """Experts that are stored one by one become the two tensors that the model has."""
    result = {name: value for name, value in weights.items() if ".experts." not in name or "_proj.weight" not in name}
    for layer in range(text.count):
        at = f"layers.{layer}.experts."
        if f"{at}0.down_proj.weight" in weights:
            of = lambda part: [weights[f"{at}{expert}.{part}.weight"] for expert in range(text.experts)]
            result[at + "down_proj"] = np.stack(of("down_proj"))
            result[at + "gate_up_proj"] = np.concatenate([np.stack(of("gate_proj")), np.stack(of("up_proj"))], axis=1)
    return result
