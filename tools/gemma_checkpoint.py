"""Gemma 3 and 4 checkpoints in the Hugging Face layout, read and written with numpy alone.

Shared by tools/make_random_checkpoint.py and tests/integration: what a configuration means (`TextShape`), which tensors
it asks for (`text_tensors`), how quantized checkpoints store them (`layout_tensors`), safetensors files in both
directions, and a synthetic tokenizer of any size.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ITEM_BYTES = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I8": 1, "U8": 1}
NUMPY_TYPES = {
    "F32": "<f4",
    "F16": "<f2",
    "F64": "<f8",
    "I64": "<i8",
    "I32": "<i4",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}
FULL, SLIDING = "full_attention", "sliding_attention"


# -------------------------------------------------------------------------------- numbers
def to_bf16(values):
    """float32 -> the upper 16 bits, rounded to nearest even, as uint16. Finite values only."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def encode(values, dtype):
    """The little-endian bytes of `values` stored as `dtype`."""
    if dtype == "BF16":
        return to_bf16(values).astype("<u2").tobytes()
    return np.ascontiguousarray(values).astype(NUMPY_TYPES[dtype]).tobytes()


def decode(raw, dtype, shape):
    """The inverse of `encode`: a float32 array (integers and booleans keep their type)."""
    if dtype == "BF16":
        wide = np.frombuffer(raw, "<u2").astype(np.uint32) << 16
        return wide.view(np.float32).reshape(shape)
    array = np.frombuffer(raw, NUMPY_TYPES[dtype]).reshape(shape)
    return array.astype(np.float32) if dtype == "F16" else array


# -------------------------------------------------------------------------------- safetensors
def read_header(path):
    """(header without __metadata__, offset of the data) of a safetensors file."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return header, 8 + length


def read_safetensors(path):
    """All tensors of one file, by name."""
    header, base = read_header(path)
    raw = Path(path).read_bytes()
    return {
        name: decode(
            raw[base + entry["data_offsets"][0] : base + entry["data_offsets"][1]], entry["dtype"], entry["shape"]
        )
        for name, entry in header.items()
    }


def pack_header(header):
    """A header as a file begins with it: length, JSON, padding to 8 bytes."""
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def write_safetensors(path, tensors, chunks):
    """Writes one file. tensors: {name: (dtype, shape)} in file order; chunks(name) yields the tensor's bytes."""
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape) in tensors.items():
        size = int(np.prod(shape, dtype=np.int64)) * ITEM_BYTES[dtype]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    with open(path, "wb") as file:
        file.write(pack_header(header))
        for name in tensors:
            written = sum(file.write(chunk) for chunk in chunks(name))
            begin, end = header[name]["data_offsets"]
            assert written == end - begin, f"{name}: {written} bytes written, expected {end - begin}"


def write_weights(folder, tensors, chunks, shard_bytes=None):
    """model.safetensors, or shards of at most about `shard_bytes` with their index. Arguments as write_safetensors."""
    folder = Path(folder)
    if not shard_bytes:
        write_safetensors(folder / "model.safetensors", tensors, chunks)
        return
    shards, total, room = [], 0, 0
    for name, (dtype, shape) in tensors.items():
        size = int(np.prod(shape, dtype=np.int64)) * ITEM_BYTES[dtype]
        if not shards or size > room:
            shards.append({})
            room = shard_bytes
        shards[-1][name] = (dtype, shape)
        room -= size
        total += size
    weight_map = {}
    for number, shard in enumerate(shards, 1):
        file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        write_safetensors(folder / file, shard, chunks)
        weight_map.update(dict.fromkeys(shard, file))
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


# -------------------------------------------------------------------------------- configuration
@dataclass
class Layer:
    full: bool
    head_dim: int
    kv_heads: int
    mlp_width: int
    kv_source: int  # the layer whose keys and values are read; its own index when it owns them
    k_is_v: bool


class TextShape:
    """What the text part of a config.json asks for, with all spellings of rotation and per-layer overrides.

    Where the generations differ: norms of Gemma 3 hold factor - 1 (`norm_addend`), its queries are scaled
    (`query_scale`), its values are not normed, and it has no layer scalars, no per-layer embeddings, no experts.
    """

    def __init__(self, config):
        text = config.get("text_config") or config
        get = text.get
        self.text = text
        self.hidden, self.vocab = text["hidden_size"], text["vocab_size"]
        self.heads, self.count = text["num_attention_heads"], text["num_hidden_layers"]
        unified = get("model_type") == "gemma4_unified_text"
        self.window, self.eps = get("sliding_window", 1024 if unified else 512), get("rms_norm_eps", 1e-6)
        self.cap, self.pad = get("final_logit_softcapping"), get("pad_token_id", 0)
        self.gemma3 = get("model_type") == "gemma3_text"
        self.norm_addend = 1 if self.gemma3 else 0
        self.query_scale = get("query_pre_attn_scalar", 256) ** -0.5 if self.gemma3 else 1.0
        self.ple = 0 if self.gemma3 or unified else get("hidden_size_per_layer_input", 256) or 0
        self.ple_vocab = get("vocab_size_per_layer_input", 262144)
        self.experts = text["num_experts"] if get("enable_moe_block") else 0
        self.top_k = get("top_k_experts")
        self.expert_width = get("moe_intermediate_size") or get("expert_intermediate_size")
        self.tied = get("tie_word_embeddings", config.get("tie_word_embeddings", True))
        self.rope = get("rope_parameters") or self._default_rope()
        period = get("sliding_window_pattern", 6) if self.gemma3 else 6
        kinds = list(get("layer_types") or [FULL if (i + 1) % period == 0 else SLIDING for i in range(self.count)])
        if not self.gemma3:
            kinds[-1] = FULL
        first_shared = self.count - (get("num_kv_shared_layers") or 0)
        self.layers = [self._layer(i, kinds, first_shared) for i in range(self.count)]

    def _default_rope(self):
        if not self.gemma3:
            full = {"rope_type": "proportional", "rope_theta": 1e6, "partial_rotary_factor": 0.25}
            return {SLIDING: {"rope_type": "default", "rope_theta": 1e4}, FULL: full}
        get = self.text.get
        return {
            SLIDING: {"rope_type": "default", "rope_theta": get("rope_local_base_freq", 1e4)},
            FULL: {"rope_theta": get("rope_theta", 1e6), **(get("rope_scaling") or {"rope_type": "default"})},
        }

    def _layer(self, index, kinds, first_shared):
        text, full = self.text, kinds[index] == FULL
        same_value = bool(text.get("attention_k_eq_v"))
        head_dim, kv_heads = text.get("head_dim", 256), text["num_key_value_heads"]
        if "per_layer_config" in text:
            override = {int(k): v for k, v in text["per_layer_config"].items()}.get(index, {})
            head_dim = override.get("head_dim", head_dim)
            kv_heads = override.get("num_key_value_heads", kv_heads)
        elif full and not self.gemma3:
            head_dim = text.get("global_head_dim", 512)
            if same_value and text.get("num_global_key_value_heads") is not None:
                kv_heads = text["num_global_key_value_heads"]
        source, width = index, text["intermediate_size"]
        if index >= first_shared:
            source = max(i for i in range(first_shared) if kinds[i] == kinds[index])
            width *= 2 if text.get("use_double_wide_mlp") else 1
        return Layer(full, head_dim, kv_heads, width, source, same_value and full)


def text_tensors(shape, dead_kv=False):
    """{canonical name: shape} of the text model; with dead_kv also the unread k/v tensors of layers that reuse KV, as
    published E2B and E4B files have them."""
    hidden, out = shape.hidden, {"embed_tokens.weight": [shape.vocab, shape.hidden], "norm.weight": [shape.hidden]}
    if shape.ple:
        packed = shape.count * shape.ple
        out["embed_tokens_per_layer.weight"] = [shape.ple_vocab, packed]
        out["per_layer_model_projection.weight"] = [packed, hidden]
        out["per_layer_projection_norm.weight"] = [shape.ple]
    for i, layer in enumerate(shape.layers):
        at = f"layers.{i}."
        norms = [
            "input_layernorm",
            "post_attention_layernorm",
            "pre_feedforward_layernorm",
            "post_feedforward_layernorm",
        ]
        if shape.experts:
            norms += ["pre_feedforward_layernorm_2", "post_feedforward_layernorm_1", "post_feedforward_layernorm_2"]
        if shape.ple:
            norms += ["post_per_layer_input_norm"]
            out[at + "per_layer_input_gate.weight"] = [shape.ple, hidden]
            out[at + "per_layer_projection.weight"] = [hidden, shape.ple]
        out.update({f"{at}{name}.weight": [hidden] for name in norms})
        if not shape.gemma3:
            out[at + "layer_scalar"] = [1]
        queries, keys = shape.heads * layer.head_dim, layer.kv_heads * layer.head_dim
        out[at + "self_attn.q_proj.weight"] = [queries, hidden]
        out[at + "self_attn.o_proj.weight"] = [hidden, queries]
        out[at + "self_attn.q_norm.weight"] = [layer.head_dim]
        if layer.kv_source == i or dead_kv:
            out[at + "self_attn.k_proj.weight"] = [keys, hidden]
            out[at + "self_attn.k_norm.weight"] = [layer.head_dim]
            if not layer.k_is_v:
                out[at + "self_attn.v_proj.weight"] = [keys, hidden]
        out[at + "mlp.gate_proj.weight"] = out[at + "mlp.up_proj.weight"] = [layer.mlp_width, hidden]
        out[at + "mlp.down_proj.weight"] = [hidden, layer.mlp_width]
        if shape.experts:
            out[at + "router.proj.weight"] = [shape.experts, hidden]
            out[at + "router.scale"] = [hidden]
            out[at + "router.per_expert_scale"] = [shape.experts]
            out[at + "experts.gate_up_proj"] = [shape.experts, 2 * shape.expert_width, hidden]
            out[at + "experts.down_proj"] = [shape.experts, hidden, shape.expert_width]
    return out


# -------------------------------------------------------------------------------- quantized layouts
COMPRESSED, MOBILE = "compressed-tensors", "gemma"  # quantization_config.quant_method
COMPRESSED_GROUP = 32
KEPT = ("embed_tokens", "lm_head", "router.", "vision_tower", "audio_tower", "embed_vision", "embed_audio")


def pack_integers(integers, bits):
    """Integers of 2 or 4 bits [.., n], plus half of their range, the first in the lowest bits of a
    byte: uint8 [.., n * bits / 8]."""
    per_byte = 8 // bits
    fields = (integers + (1 << (bits - 1))).astype(np.uint8).reshape(*integers.shape[:-1], -1, per_byte)
    return np.bitwise_or.reduce(fields << (np.arange(per_byte, dtype=np.uint8) * bits), axis=-1, dtype=np.uint8)


def unpack_integers(packed, bits):
    """The inverse of `pack_integers`, as int32."""
    fields = packed[..., None] >> (np.arange(8 // bits, dtype=np.uint8) * bits) & ((1 << bits) - 1)
    return fields.reshape(*packed.shape[:-1], -1).astype(np.int32) - (1 << (bits - 1))


def mobile_bits(name, layers):
    """Bits of a matrix in the mobile scheme; None where it stays as it is. As published: tables and the MLPs of the
    later layers 2, small projections of per-layer embeddings 8, the rest 4."""
    if "router." in name or "tower" in name or "embed_vision" in name or "embed_audio" in name:
        return None
    if "lm_head" in name or "embed_tokens.weight" in name:
        return 2
    if "per_layer_input_gate" in name or "per_layer_projection" in name or "per_layer_model_projection" in name:
        return 8
    late_mlp = ".mlp." in name and int(name.split("layers.")[1].split(".")[0]) >= layers // 2
    return 2 if late_mlp else 4


def layout_tensors(layout, name, shape, text):
    """What a checkpoint in `layout` stores instead of the matrix `name`: {name: (dtype, shape)}; the matrix itself, as
    BF16, where that layout keeps it. `text` is the model's TextShape. Experts become tensors of their own."""
    if name.endswith((".experts.gate_up_proj", ".experts.down_proj")):
        at, halves = name.rsplit(".", 1)[0], ("gate_proj", "up_proj") if "gate_up" in name else ("down_proj",)
        parts = {}
        for expert in range(shape[0]):
            for part in halves:
                dims = [shape[1] // len(halves), shape[2]]
                parts.update(layout_tensors(layout, f"{at}.{expert}.{part}.weight", dims, text))
        return parts
    if len(shape) != 2 or not name.endswith(".weight") or layout is None:
        return {name: ("BF16", list(shape))}
    base, (rows, cols) = name.removesuffix(".weight"), shape
    if layout == COMPRESSED:
        if any(word in name for word in KEPT):
            return {name: ("BF16", list(shape))}
        return {
            base + ".weight_packed": ("I32", [rows, cols // 8]),
            base + ".weight_scale": ("BF16", [rows, cols // COMPRESSED_GROUP]),
            base + ".weight_shape": ("I64", [2]),
        }
    bits = mobile_bits(name, text.count)
    if bits is None:
        return {name: ("BF16", list(shape))}
    stored = ("I8", [rows, cols]) if bits == 8 else ("U8", [rows, cols * bits // 8])
    if "embed_tokens" in name:
        blocks = cols // text.ple if "per_layer" in name else 1
        return {base + ".embedding_quantized": stored, base + ".embedding_scale": ("F32", [rows, blocks])}
    sides = () if ".experts." in name else ("input", "output")  # experts have no grids for their activations
    grids = {base + f".{side}_activation_scale": ("F32", []) for side in sides}
    return {name: stored, base + ".weight_scale": ("F32", [rows, 1]), **grids}


def quantization_config(layout):
    """quantization_config of config.json."""
    if layout == MOBILE:
        return {
            "quant_method": MOBILE,
            "num_bits": 4,
            "quantize_embeddings": True,
            "module_quant_configs": {"lm_head|embed_tokens$": {"num_bits": 2}, "per_layer_": {"num_bits": 8}},
            "modules_to_not_convert": ["vision_tower", "audio_tower", "router"],
        }
    weights = {
        "actorder": None,
        "block_structure": None,
        "dynamic": False,
        "group_size": COMPRESSED_GROUP,
        "num_bits": 4,
        "observer": "minmax",
        "observer_kwargs": {},
        "strategy": "group",
        "symmetric": True,
        "type": "int",
    }
    group = {"input_activations": None, "output_activations": None, "targets": ["Linear"], "weights": weights}
    return {
        "config_groups": {"group_0": group},
        "format": "pack-quantized",
        "global_compression_ratio": None,
        "ignore": ["lm_head", "re:.*router.*", "re:.*vision_tower.*"],
        "kv_cache_scheme": None,
        "quant_method": COMPRESSED,
        "quantization_status": "compressed",
    }


# -------------------------------------------------------------------------------- tokenizer
SPECIAL_TEXTS = [
    "<pad>",
    "<eos>",
    "<bos>",
    "<unk>",
    "<mask>",
    "<|tool>",
    "<tool|>",
    "<|tool_call>",
    "<tool_call|>",
    "<|tool_response>",
    "<tool_response|>",
    '<|"|>',
    "<|think|>",
    "<|channel>",
    "<channel|>",
    "<|turn>",
    "<turn|>",
    "<|image>",
    "<|audio>",
    "<|image|>",
    "<|audio|>",
    "<image|>",
    "<audio|>",
    "<|video|>",
]
WHOLE_WORDS = ["user", "model", "system", "thought"]


def substrings(word):
    return {word[i:j] for i in range(len(word)) for j in range(i + 2, len(word) + 1)}


class SyntheticTokenizer:
    """Byte-pair encoding with byte fallback in the structure of Gemma's tokenizer.json.

    fixed: {id: text}, special ones among them by their text; bytes occupy 256 ids from `byte_base`; `characters` fill
    ids from `characters_at` on; the ids left over get merged words, shortest first, each reachable by
    merges. Ids beyond those become <unusedN>. Words in `whole` and all their substrings are tokens,
    so that they always merge fully.
    """

    def __init__(self, vocab, fixed, byte_base, characters, characters_at, whole=()):
        self.texts = [None] * vocab
        self.fixed = fixed
        for token, text in fixed.items():
            self.texts[token] = text
        for byte in range(256):
            self.texts[byte_base + byte] = f"<0x{byte:02X}>"
        at = characters_at
        for character in characters:
            while at < vocab and self.texts[at] is not None:
                at += 1
            self.texts[at] = character
        self.merges = []
        known = {text for text in self.texts if text is not None}
        missing = characters_set(whole) - known
        assert not missing, f"characters without a token: {missing}"
        self._words(characters, set().union(*map(substrings, whole)) if whole else set(), known)

    def _words(self, characters, wanted, known):
        free = [i for i, text in enumerate(self.texts) if text is None]
        free.reverse()
        runs = {text for text in self.fixed.values() if len(text) > 1 and len(set(text)) == 1}
        letters = [c for c in characters if c == "▁" or (c.isalpha() and c.isascii())]
        for word in sorted(wanted | runs, key=lambda word: (len(word), word)):
            self._add(word, free, known)
        level = letters
        while free and len(letters) > 1:
            grown = []
            for stem in level:
                for letter in letters:
                    if not free:
                        return
                    grown.append(stem + letter)
                    if grown[-1] not in known:
                        self._add(grown[-1], free, known)
            level = grown

    def _add(self, word, free, known):
        if word not in known:
            self.texts[free.pop()] = word
            known.add(word)
        for i in range(1, len(word)):
            if word[:i] in known and word[i:] in known:
                self.merges.append([word[:i], word[i:]])

    def json(self):
        special = set(SPECIAL_TEXTS)
        vocab = {text if text is not None else f"<unused{i}>": i for i, text in enumerate(self.texts)}
        added = [
            {
                "id": i,
                "content": text,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for i, text in sorted(self.fixed.items())
            if text in special
        ]
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added,
            "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
            "pre_tokenizer": {
                "type": "Split",
                "pattern": {"String": " "},
                "behavior": "MergedWithPrevious",
                "invert": False,
            },
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [{"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {},
            },
            "decoder": {
                "type": "Sequence",
                "decoders": [
                    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                    {"type": "ByteFallback"},
                    {"type": "Fuse"},
                ],
            },
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": "<unk>",
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": True,
                "byte_fallback": True,
                "ignore_merges": False,
                "vocab": vocab,
                "merges": self.merges,
            },
        }


def characters_set(words):
    return set("".join(words))


def write_json(path, value):
    Path(path).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
