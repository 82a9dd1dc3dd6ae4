"""GGUF files with numpy alone: a writer, the block encodings in both directions, and checkpoints in llama.cpp's names.

Written from the format's description and apart from gemmac's reader; `gemmac compile` of such a file is compared with
that of a Hugging Face directory that holds the decoded values (test_gguf.py).
"""

import json
import struct

import numpy as np

from gemma_checkpoint import FULL, SLIDING, TextShape, encode

# -------------------------------------------------------------------------------- encodings
# name: (number in files, values per block, bytes per block)
TYPES = {
    "F32": (0, 1, 4),
    "F16": (1, 1, 2),
    "BF16": (30, 1, 2),
    "Q4_0": (2, 32, 18),
    "Q4_1": (3, 32, 20),
    "Q5_0": (6, 32, 22),
    "Q5_1": (7, 32, 24),
    "Q8_0": (8, 32, 34),
    "Q2_K": (10, 256, 84),
    "Q3_K": (11, 256, 110),
    "Q4_K": (12, 256, 144),
    "Q5_K": (13, 256, 176),
    "Q6_K": (14, 256, 210),
    "IQ4_NL": (20, 32, 18),
    "IQ4_XS": (23, 256, 136),
}


def half(blocks, at):
    """The f16 at byte `at` of every block, as a float32 column."""
    return np.ascontiguousarray(blocks[:, at : at + 2]).view("<f2").astype(np.float32)


def nibbles(raw):
    """Low halves of all bytes, then high halves."""
    return np.concatenate([raw & 15, raw >> 4], -1)


def crumbs(raw, width):
    """Two bits of each byte four times over, lowest first; runs of `width` bytes stay together."""
    runs = raw.reshape(len(raw), -1, 1, width) >> np.arange(0, 8, 2, dtype=np.uint8)[:, None]
    return (runs & 3).reshape(len(raw), -1)


def bits(raw):
    """All bits of a block's bytes as [blocks, bit 0..7, byte]."""
    return (raw[:, None, :] >> np.arange(8, dtype=np.uint8)[:, None]) & 1


def fives(blocks, at):
    """32 five-bit integers: high bits as one word at `at`, nibbles behind it."""
    word = np.unpackbits(blocks[:, at : at + 4], axis=1, bitorder="little")
    return (nibbles(blocks[:, at + 4 : at + 20]) | word << 4).astype(np.float32)


def six_bits(raw):
    """The eight scales and eight minima in 12 bytes of Q4_K and Q5_K."""
    low, high, mixed = raw[:, :4], raw[:, 4:8], raw[:, 8:]
    scales = np.concatenate([low & 63, (mixed & 15) | (low >> 6) << 4], 1)
    minima = np.concatenate([high & 63, (mixed >> 4) | (high >> 6) << 4], 1)
    return scales.astype(np.float32), minima.astype(np.float32)


def spread(factors, values):
    """One factor for each equal part of a row of values."""
    return np.repeat(factors, values.shape[1] // factors.shape[1], 1)


def decode_q3_k(blocks):
    high, low, packed = blocks[:, :32], blocks[:, 32:96], blocks[:, 96:108]
    integers = crumbs(low, 32).astype(np.int32) + 4 * bits(high).reshape(len(blocks), 256) - 4
    fours = nibbles(packed[:, :8])
    pairs = crumbs(packed[:, 8:12], 4)
    scales = half(blocks, 108) * ((fours | pairs << 4).astype(np.float32) - 32)
    return spread(scales, integers) * integers.astype(np.float32)


def decode_q6_k(blocks):
    low = np.concatenate([nibbles(blocks[:, :64]), nibbles(blocks[:, 64:128])], 1)
    integers = (low | crumbs(blocks[:, 128:192], 32) << 4).astype(np.float32) - 32
    scales = half(blocks, 208) * np.ascontiguousarray(blocks[:, 192:208]).view(np.int8).astype(np.float32)
    return spread(scales, integers) * integers


def decode_q2_k(blocks):
    integers = crumbs(blocks[:, 16:80], 32).astype(np.float32)
    scales = half(blocks, 80) * (blocks[:, :16] & 15).astype(np.float32)
    minima = half(blocks, 82) * (blocks[:, :16] >> 4).astype(np.float32)
    return spread(scales, integers) * integers - spread(minima, integers)


def decode_q45_k(blocks, at, fifths=None):
    """Q4_K, and Q5_K with its fifth bits: nibbles from byte `at` on, 32 bytes for two groups."""
    scales, minima = six_bits(blocks[:, 4:16])
    integers = np.concatenate([nibbles(blocks[:, at + i : at + i + 32]) for i in range(0, 128, 32)], 1)
    if fifths is not None:
        integers = integers | bits(fifths).reshape(len(blocks), 256) << 4
    integers = integers.astype(np.float32)
    return spread(half(blocks, 0) * scales, integers) * integers - spread(half(blocks, 2) * minima, integers)


LEVELS = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float32)


def decode_iq4_xs(blocks):
    low = np.stack([blocks[:, 4:8] & 15, blocks[:, 4:8] >> 4], 2).reshape(-1, 8)
    word = np.ascontiguousarray(blocks[:, 2:4]).view("<u2").astype(np.int32)
    pairs = word >> np.arange(0, 16, 2) & 3
    scales = half(blocks, 0) * ((low | pairs << 4).astype(np.float32) - 32)
    integers = np.concatenate([nibbles(blocks[:, at : at + 16]) for at in range(8, 136, 16)], 1)
    return spread(scales, integers) * LEVELS[integers]


DECODERS = {
    "IQ4_NL": lambda b: LEVELS[nibbles(b[:, 2:])] * half(b, 0),
    "IQ4_XS": decode_iq4_xs,
    "Q8_0": lambda b: np.ascontiguousarray(b[:, 2:]).view(np.int8).astype(np.float32) * half(b, 0),
    "Q4_0": lambda b: (nibbles(b[:, 2:]).astype(np.float32) - 8) * half(b, 0),
    "Q4_1": lambda b: nibbles(b[:, 4:]).astype(np.float32) * half(b, 0) + half(b, 2),
    "Q5_0": lambda b: (fives(b, 2) - 16) * half(b, 0),
    "Q5_1": lambda b: fives(b, 4) * half(b, 0) + half(b, 2),
    "Q2_K": decode_q2_k,
    "Q3_K": decode_q3_k,
    "Q4_K": lambda b: decode_q45_k(b, 16),
    "Q5_K": lambda b: decode_q45_k(b, 48, b[:, 16:48]),
    "Q6_K": decode_q6_k,
}
# Where a block's f16 scales and minima stand: random bytes there would be infinite, or far too large for a model.
HALVES = {
    "IQ4_NL": (0,),
    "IQ4_XS": (0,),
    "Q2_K": (80, 82),
    "Q3_K": (108,),
    "Q4_K": (0, 2),
    "Q5_K": (0, 2),
    "Q6_K": (208,),
}
HALVES |= {"Q8_0": (0,), "Q4_0": (0,), "Q5_0": (0,), "Q4_1": (0, 2), "Q5_1": (0, 2)}


def decode_blocks(raw, kind, shape):
    """The float32 values of a tensor stored as `kind`."""
    number, values, size = TYPES[kind]
    if kind == "BF16":
        return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
    if values == 1:
        return np.frombuffer(raw, {"F32": "<f4", "F16": "<f2"}[kind]).astype(np.float32).reshape(shape)
    return DECODERS[kind](np.frombuffer(raw, np.uint8).reshape(-1, size)).reshape(shape)


def random_blocks(rng, kind, shape, spread_of_scales=1e-3):
    """Random bytes with sane scales: every bit pattern of the integers occurs."""
    number, values, size = TYPES[kind]
    if values == 1:
        return encode(rng.normal(0, 1, shape).astype(np.float32), kind)
    blocks = rng.integers(0, 256, (int(np.prod(shape)) // values, size), dtype=np.uint8)
    for at in HALVES[kind]:
        scale = rng.normal(0, spread_of_scales, len(blocks)).astype("<f2")
        blocks[:, at : at + 2] = scale.view(np.uint8).reshape(-1, 2)
    return blocks.tobytes()


def encode_blocks(values, kind):
    """A plain quantizer for the types that the small checkpoints' rows are long enough for."""
    if kind in ("F32", "F16", "BF16"):
        return encode(values, kind)
    groups = np.ascontiguousarray(values, np.float32).reshape(-1, 32)
    if kind == "Q8_0":
        scale = (np.abs(groups).max(1, keepdims=True) / 127).astype(np.float16)
        unit = np.where(scale != 0, scale, 1).astype(np.float32)
        integers = np.clip(np.rint(groups / unit), -127, 127).astype(np.int8)
        return np.concatenate([scale.view(np.uint8), integers.view(np.uint8)], 1).tobytes()
    if kind == "IQ4_NL":
        scale = (np.abs(groups).max(1, keepdims=True) / 127).astype(np.float16)
        unit = np.where(scale != 0, scale, 1).astype(np.float32)
        integers = np.abs(groups[..., None] / unit[..., None] - LEVELS).argmin(-1).astype(np.uint8)
        return np.concatenate([scale.view(np.uint8), integers[:, :16] | integers[:, 16:] << 4], 1).tobytes()
    assert kind == "Q4_0", kind
    place = np.abs(groups).argmax(1)[:, None]
    scale = (np.take_along_axis(groups, place, 1) / -8).astype(np.float16)
    unit = np.where(scale != 0, scale, 1).astype(np.float32)
    integers = (np.clip(np.rint(groups / unit), -8, 7) + 8).astype(np.uint8)
    return np.concatenate([scale.view(np.uint8), integers[:, :16] | integers[:, 16:] << 4], 1).tobytes()


# -------------------------------------------------------------------------------- container
U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
PACK = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?", U64: "Q", I64: "q", F64: "d"}


def pack_text(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(raw)) + raw


def pack_value(kind, value):
    """`kind` is a number above, or [number] for an array."""
    if isinstance(kind, list):
        if kind[0] in PACK:
            body = struct.pack(f"<{len(value)}{PACK[kind[0]]}", *value)
        else:
            body = b"".join(pack_value(kind[0], one) for one in value)
        return struct.pack("<IQ", kind[0], len(value)) + body
    return pack_text(value) if kind == STRING else struct.pack("<" + PACK[kind], value)


def pack_header(metadata, tensors, alignment=32, version=3, start=b"GGUF"):
    """metadata: {key: (kind, value)}. tensors: {name: (type, shape, bytes)}, shape outermost first. Places the tensors
    one behind the other."""
    out = start + struct.pack("<IQQ", version, len(tensors), len(metadata))
    for key, (kind, value) in metadata.items():
        number = ARRAY if isinstance(kind, list) else kind
        out += pack_text(key) + struct.pack("<I", number) + pack_value(kind, value)
    at = 0
    for name, (kind, shape, raw) in tensors.items():
        out += pack_text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
        out += struct.pack("<IQ", TYPES[kind][0], at)
        at += len(raw) + -len(raw) % alignment
    return out + b"\0" * (-len(out) % alignment)


def write_gguf(path, metadata, tensors, alignment=32):
    if alignment != 32:
        metadata = {"general.alignment": (U32, alignment), **metadata}
    with open(path, "wb") as file:
        file.write(pack_header(metadata, tensors, alignment))
        for kind, shape, raw in tensors.values():
            assert len(raw) == int(np.prod(shape)) // TYPES[kind][1] * TYPES[kind][2]
            file.write(raw + b"\0" * (-len(raw) % alignment))


# -------------------------------------------------------------------------------- checkpoints
MODEL_NAMES = {
    "embed_tokens.weight": "token_embd.weight",
    "norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
    "embed_tokens_per_layer.weight": "per_layer_token_embd.weight",
    "per_layer_model_projection.weight": "per_layer_model_proj.weight",
    "per_layer_projection_norm.weight": "per_layer_proj_norm.weight",
}
LAYER_NAMES = {
    "input_layernorm.weight": "attn_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.o_proj.weight": "attn_output.weight",
    "self_attn.q_norm.weight": "attn_q_norm.weight",
    "self_attn.k_norm.weight": "attn_k_norm.weight",
    "post_attention_layernorm.weight": "post_attention_norm.weight",
    "pre_feedforward_layernorm.weight": "ffn_norm.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight",
    "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
    "post_feedforward_layernorm.weight": "post_ffw_norm.weight",
    "layer_scalar": "layer_output_scale.weight",
    "router.proj.weight": "ffn_gate_inp.weight",
    "router.scale": "ffn_gate_inp.scale",
    "router.per_expert_scale": "ffn_down_exps.scale",
    "pre_feedforward_layernorm_2.weight": "pre_ffw_norm_2.weight",
    "post_feedforward_layernorm_1.weight": "post_ffw_norm_1.weight",
    "post_feedforward_layernorm_2.weight": "post_ffw_norm_2.weight",
    "experts.gate_up_proj": "ffn_gate_up_exps.weight",
    "experts.down_proj": "ffn_down_exps.weight",
    "per_layer_input_gate.weight": "inp_gate.weight",
    "per_layer_projection.weight": "proj.weight",
    "post_per_layer_input_norm.weight": "post_norm.weight",
}


def gguf_name(canonical):
    """ "layers.3.mlp.up_proj.weight" -> "blk.3.ffn_up.weight" """
    if not canonical.startswith("layers."):
        return MODEL_NAMES[canonical]
    _, index, part = canonical.split(".", 2)
    return f"blk.{index}.{LAYER_NAMES[part]}"


def one_or_each(values):
    """One number where all layers have the same."""
    return (U32, values[0]) if len(set(values)) == 1 else ([I32], values)


def model_metadata(config):
    """What llama.cpp's converters write for a config.json."""
    shape = TextShape(config)
    generation, own = ("gemma3", gemma3_fields(shape)) if shape.gemma3 else ("gemma4", gemma4_fields(shape))
    if factor := shape.rope[FULL].get("factor"):
        own |= {"rope.scaling.type": (STRING, "linear"), "rope.scaling.factor": (F32, factor)}
    if shape.cap:
        own["final_logit_softcapping"] = (F32, shape.cap)
    general = {
        "general.architecture": (STRING, generation),
        "general.type": (STRING, "model"),
        "general.name": (STRING, "x"),
    }
    return general | {f"{generation}.{key}": value for key, value in own.items()}


def gemma3_fields(shape):
    """Published files have no pattern of layers (each sixth is full), no other base for sliding layers than 10000 and
    no query scale (it follows from the size of heads); those that differ say so."""
    layer, swa = shape.layers[0], [not layer.full for layer in shape.layers]
    own = {
        "context_length": (U32, shape.text["max_position_embeddings"]),
        "embedding_length": (U32, shape.hidden),
        "block_count": (U32, shape.count),
        "feed_forward_length": one_or_each([layer.mlp_width for layer in shape.layers]),
        "attention.head_count": (U32, shape.heads),
        "attention.head_count_kv": (U32, layer.kv_heads),
        "attention.layer_norm_rms_epsilon": (F32, shape.eps),
        "attention.key_length": (U32, layer.head_dim),
        "attention.value_length": (U32, layer.head_dim),
        "attention.sliding_window": (U32, shape.window),
        "rope.freq_base": (F32, shape.rope[FULL]["rope_theta"]),
    }
    if swa != [(i + 1) % 6 != 0 for i in range(shape.count)]:
        own["attention.sliding_window_pattern"] = ([BOOL], swa)
    if (base := shape.rope[SLIDING]["rope_theta"]) != 1e4:
        own["rope.freq_base_swa"] = (F32, base)
    if shape.query_scale != layer.head_dim**-0.5:
        own["attention.scale"] = (F64, shape.query_scale)
    return own


def gemma4_fields(shape):
    text, swa = shape.text, [not layer.full for layer in shape.layers]
    full = next(layer.head_dim for layer in shape.layers if layer.full)
    sliding = next((layer.head_dim for layer in shape.layers if not layer.full), text.get("head_dim", 256))
    own = {
        "context_length": (U32, text["max_position_embeddings"]),
        "embedding_length": (U32, shape.hidden),
        "block_count": (U32, shape.count),
        "feed_forward_length": one_or_each([layer.mlp_width for layer in shape.layers]),
        "attention.head_count": (U32, shape.heads),
        "attention.head_count_kv": one_or_each([layer.kv_heads for layer in shape.layers]),
        "attention.layer_norm_rms_epsilon": (F32, shape.eps),
        "attention.key_length": (U32, full),
        "attention.value_length": (U32, full),
        "attention.key_length_swa": (U32, sliding),
        "attention.value_length_swa": (U32, sliding),
        "attention.sliding_window": (U32, shape.window),
        "attention.sliding_window_pattern": ([BOOL], swa),
        "attention.shared_kv_layers": (U32, text.get("num_kv_shared_layers") or 0),
        "embedding_length_per_layer_input": (U32, shape.ple),
        "rope.dimension_count": (U32, full),
        "rope.dimension_count_swa": (U32, sliding),
        "rope.freq_base": (F32, shape.rope[FULL]["rope_theta"]),
        "rope.freq_base_swa": (F32, shape.rope[SLIDING]["rope_theta"]),
    }
    if shape.experts:
        own["expert_count"] = (U32, shape.experts)
        own["expert_used_count"] = (U32, shape.top_k)
        own["expert_feed_forward_length"] = (U32, shape.expert_width)
    return own


NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
VISIBLE = {"<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", '<|"|>'}


def tokenizer_metadata(folder):
    """What llama.cpp's converters write for a vocabulary with merges: all tokens, and the merges as they are."""
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    special = {entry["content"]: entry["special"] for entry in content["added_tokens"]}
    texts = dict(sorted((number, text) for text, number in content["model"]["vocab"].items()))
    texts |= {entry["id"]: entry["content"] for entry in content["added_tokens"]}
    tokens = [texts[number] for number in range(max(texts) + 1)]

    def kind(text):
        if text in special:
            return CONTROL if special[text] and text not in VISIBLE else USER_DEFINED
        return BYTE if len(text) == 6 and text.startswith("<0x") and text.endswith(">") else NORMAL

    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in content["model"]["merges"]]
    own = {
        "model": (STRING, "gemma4"),
        "tokens": ([STRING], tokens),
        "scores": ([F32], [-1000.0] * len(tokens)),
        "token_type": ([I32], [kind(text) for text in tokens]),
        "merges": ([STRING], merges),
        "bos_token_id": (U32, 2),
        "eos_token_id": (U32, 1),
        "unknown_token_id": (U32, 3),
        "padding_token_id": (U32, 0),
        "add_space_prefix": (BOOL, False),
        "add_bos_token": (BOOL, True),
    }
    written = {f"tokenizer.ggml.{key}": value for key, value in own.items()}
    template = folder / "chat_template.jinja"
    if template.exists():
        written["tokenizer.chat_template"] = (STRING, template.read_text(encoding="utf-8"))
    return written


def rope_factors(config):
    """rope_freqs.weight: 1 for the pairs of a full layer's heads that turn, 1e30 for the others."""
    shape = TextShape(config)
    dim = next(layer.head_dim for layer in shape.layers if layer.full)
    turned = int(dim * shape.rope[FULL].get("partial_rotary_factor", 1.0) / 2)
    values = np.array([1.0] * turned + [1e30] * (dim // 2 - turned), np.float32)
    return "F32", [dim // 2], values.tobytes()


def checkpoint_tensors(weights, choose, norm_addend=0):
    """weights: {canonical name: float32 array}. choose(name, shape) names each tensor's type; vectors are F32, and
    norms of Gemma 3 have the 1 that checkpoints lack."""
    tensors = {}
    for name, values in weights.items():
        values = values + np.float32(norm_addend) if values.ndim == 1 else values
        kind = choose(name, values.shape) if values.ndim > 1 else "F32"
        tensors[gguf_name(name)] = (kind, list(values.shape), encode_blocks(values, kind))
    return tensors
