#!/usr/bin/env python3
"""GGUF version 3 files of Gemma 4 shapes with random weights, and what a token reads of any GGUF file.

    gguf_writer.py CHECKPOINT WEIGHTS FILE [--seed 0]

CHECKPOINT is a Hugging Face directory, of which only config.json and tokenizer.json are read: the file gets its shape
and vocabulary, and random weights in the types that the peer's quantizer picks by default. q4: Q4_0, both embedding
tables Q6_K; q8: Q8_0 throughout; the projection of the per-layer embeddings is BF16 in both. Memory stays under 300 MB:
one pool of random blocks for each type is repeated, from a place that depends on the tensor's name. Needs numpy.
"""

import argparse
import json
import math
import struct
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from gemma_checkpoint import FULL, SPECIAL_TEXTS, TextShape  # noqa: E402

MAGIC, VERSION, ALIGNMENT = b"GGUF", 3, 32
POOL_BYTES = 8 << 20


@dataclass(frozen=True)
class TensorType:
    """A row of the format's table: `id` as files store it, `values` per block of `bytes`."""

    name: str
    id: int
    values: int
    bytes: int


TYPES = {
    row.name: row
    for row in (
        TensorType("F32", 0, 1, 4),
        TensorType("F16", 1, 1, 2),
        TensorType("Q4_0", 2, 32, 18),
        TensorType("Q4_1", 3, 32, 20),
        TensorType("Q5_0", 6, 32, 22),
        TensorType("Q5_1", 7, 32, 24),
        TensorType("Q8_0", 8, 32, 34),
        TensorType("Q2_K", 10, 256, 84),
        TensorType("Q3_K", 11, 256, 110),
        TensorType("Q4_K", 12, 256, 144),
        TensorType("Q5_K", 13, 256, 176),
        TensorType("Q6_K", 14, 256, 210),
        TensorType("BF16", 30, 1, 2),
    )
}
TYPE_BY_ID = {row.id: row for row in TYPES.values()}
#          what matrices and embedding tables get, and the number that general.file_type has for it
WEIGHTS = {"q4": ("Q4_0", "Q6_K", 2), "q8": ("Q8_0", "Q8_0", 7)}


@dataclass(frozen=True)
class Tensor:
    """`dims` in the file's order, the fastest one first; `offset` from the start of the tensor data."""

    name: str
    dims: tuple
    type: TensorType
    offset: int = 0

    @property
    def count(self):
        return math.prod(self.dims)

    @property
    def bytes(self):
        return self.count // self.type.values * self.type.bytes


# -------------------------------------------------------------------------------- the tensors of a shape
def fitting(name, columns):
    """Rows that are no multiple of a block of 256 get the type with blocks of 32 that the peer's quantizer takes."""
    return TYPES[name] if columns % TYPES[name].values == 0 else TYPES["Q8_0"]


def model_tensors(shape, weights):
    """The tensors of a TextShape, in file order, without offsets."""
    body, table, _ = WEIGHTS[weights]
    out = []

    def add(name, dims, kind):
        out.append(Tensor(name, tuple(dims), fitting(kind, dims[0])))

    hidden = shape.hidden
    add("token_embd.weight", [hidden, shape.vocab], table)
    if shape.ple:
        packed = shape.ple * shape.count
        add("per_layer_token_embd.weight", [packed, shape.ple_vocab], table)
        add("per_layer_model_proj.weight", [hidden, packed], "BF16")
        add("per_layer_proj_norm.weight", [shape.ple], "F32")
    add("output_norm.weight", [hidden], "F32")
    add("rope_freqs.weight", [max(layer.head_dim for layer in shape.layers if layer.full) // 2], "F32")
    for i, layer in enumerate(shape.layers):
        at = f"blk.{i}."
        queries, keys = layer.head_dim * shape.heads, layer.head_dim * layer.kv_heads
        for norm in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            add(f"{at}{norm}.weight", [hidden], "F32")
        add(at + "attn_q.weight", [hidden, queries], body)
        add(at + "attn_q_norm.weight", [layer.head_dim], "F32")
        if layer.kv_source == i:
            add(at + "attn_k.weight", [hidden, keys], body)
            add(at + "attn_k_norm.weight", [layer.head_dim], "F32")
            if not layer.k_is_v:
                add(at + "attn_v.weight", [hidden, keys], body)
        add(at + "attn_output.weight", [queries, hidden], body)
        add(at + "ffn_gate.weight", [hidden, layer.mlp_width], body)
        add(at + "ffn_up.weight", [hidden, layer.mlp_width], body)
        add(at + "ffn_down.weight", [layer.mlp_width, hidden], body)
        add(at + "layer_output_scale.weight", [1], "F32")
        if shape.experts:
            for norm in ("pre_ffw_norm_2", "post_ffw_norm_1", "post_ffw_norm_2"):
                add(f"{at}{norm}.weight", [hidden], "F32")
            add(at + "ffn_gate_inp.weight", [hidden, shape.experts], "F32")
            add(at + "ffn_gate_inp.scale", [hidden], "F32")
            add(at + "ffn_gate_up_exps.weight", [hidden, 2 * shape.expert_width, shape.experts], body)
            add(at + "ffn_down_exps.weight", [shape.expert_width, hidden, shape.experts], body)
            add(at + "ffn_down_exps.scale", [shape.experts], "F32")
        if shape.ple:
            add(at + "inp_gate.weight", [hidden, shape.ple], body)
            add(at + "proj.weight", [shape.ple, hidden], body)
            add(at + "post_norm.weight", [hidden], "F32")
    return out


def placed(tensors):
    """The same with offsets."""
    out, at = [], 0
    for tensor in tensors:
        out.append(Tensor(tensor.name, tensor.dims, tensor.type, at))
        at += -(-tensor.bytes // ALIGNMENT) * ALIGNMENT
    return out


# -------------------------------------------------------------------------------- metadata
class Float(float):
    """Written as FLOAT32. Whole numbers are UINT32, and INT32 inside of arrays: what readers expect."""


def packed_string(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def packed_scalar(value, in_array=False):
    """(type number, bytes)"""
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, int):
        return (5, struct.pack("<i", value)) if in_array else (4, struct.pack("<I", value))
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    return 8, packed_string(value)


def packed_field(key, value):
    if not isinstance(value, list):
        kind, raw = packed_scalar(value)
        return packed_string(key) + struct.pack("<I", kind) + raw
    items = [packed_scalar(item, in_array=True) for item in value]
    kind = items[0][0]
    assert all(one == kind for one, _ in items), f"{key}: an array of several types"
    return packed_string(key) + struct.pack("<IIQ", 9, kind, len(items)) + b"".join(raw for _, raw in items)


def vocabulary(tokenizer):
    """The fields of a tokenizer.json's byte-pair encoding."""
    special = {entry["content"] for entry in tokenizer["added_tokens"]}
    texts = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].get)

    def kind(text):
        if text == tokenizer["model"]["unk_token"]:
            return 2
        if text in special:
            return 3
        if text.startswith("<unused"):
            return 5
        return 6 if len(text) == 6 and text.startswith("<0x") else 1

    return {
        "tokenizer.ggml.model": "gemma4",
        "tokenizer.ggml.tokens": texts,
        "tokenizer.ggml.scores": [Float(-i) for i in range(len(texts))],
        "tokenizer.ggml.token_type": [kind(text) for text in texts],
        "tokenizer.ggml.merges": [f"{left} {right}" for left, right in tokenizer["model"]["merges"]],
        **{
            f"tokenizer.ggml.{name}_token_id": texts.index(text)
            for name, text in zip(("padding", "eos", "bos", "unknown"), SPECIAL_TEXTS)
        },
        "tokenizer.ggml.add_space_prefix": False,
        "tokenizer.ggml.add_bos_token": True,
    }


def metadata(shape, name, weights, tokenizer):
    """The fields that the peer asks for, of architecture gemma4."""
    text, arch = shape.text, "gemma4."
    full = [layer for layer in shape.layers if layer.full]
    sliding = [layer for layer in shape.layers if not layer.full]
    widths = [layer.mlp_width for layer in shape.layers]
    fields = {
        "general.architecture": "gemma4",
        "general.name": name,
        "general.file_type": WEIGHTS[weights][2],
        "general.quantization_version": 2,
        arch + "context_length": text["max_position_embeddings"],
        arch + "embedding_length": shape.hidden,
        arch + "block_count": shape.count,
        arch + "feed_forward_length": widths if len(set(widths)) > 1 else widths[0],
        arch + "attention.head_count": shape.heads,
        arch + "attention.head_count_kv": [layer.kv_heads for layer in shape.layers],
        arch + "attention.layer_norm_rms_epsilon": Float(shape.eps),
        arch + "attention.sliding_window": shape.window,
        arch + "attention.sliding_window_pattern": [not layer.full for layer in shape.layers],
        arch + "attention.shared_kv_layers": sum(layer.kv_source != i for i, layer in enumerate(shape.layers)),
        arch + "embedding_length_per_layer_input": shape.ple,
    }
    for suffix, layers, kind in (("", full, FULL), ("_swa", sliding, "sliding_attention")):
        head = layers[0].head_dim
        fields[f"{arch}attention.key_length{suffix}"] = fields[f"{arch}attention.value_length{suffix}"] = head
        fields[f"{arch}rope.dimension_count{suffix}"] = head
        fields[f"{arch}rope.freq_base{suffix}"] = Float(shape.rope[kind]["rope_theta"])
    if shape.cap:
        fields[arch + "final_logit_softcapping"] = Float(shape.cap)
    if shape.experts:
        fields[arch + "expert_count"] = shape.experts
        fields[arch + "expert_used_count"] = shape.top_k
        fields[arch + "expert_feed_forward_length"] = shape.expert_width
    return {**fields, **vocabulary(tokenizer)}


# -------------------------------------------------------------------------------- values
class Values:
    """Bytes for any tensor. Matrices have deviation 1 / sqrt(columns), so that activations stay of the same size."""

    def __init__(self, shape, seed):
        self.shape, self.seed = shape, seed
        self.pools = {}

    def chunks(self, tensor):
        place = zlib.crc32(tensor.name.encode())
        if len(tensor.dims) == 1:
            yield self._vector(tensor, place).astype("<f4").tobytes()
            return
        pool = self._pool(tensor.type, tensor.dims[0])
        blocks, left = len(pool) // tensor.type.bytes, tensor.bytes
        at = place % blocks * tensor.type.bytes
        while left:
            piece = pool[at : at + left]
            yield memoryview(piece)
            left, at = left - len(piece), 0

    def _vector(self, tensor, place):
        if tensor.name == "rope_freqs.weight":  # divides the frequencies: what is not rotated gets a huge one
            factor = self.shape.rope[FULL].get("partial_rotary_factor", 1.0)
            return np.where(np.arange(tensor.count) < tensor.count * factor, 1.0, 1e30)
        if tensor.name.endswith("layer_output_scale.weight"):
            return np.full(tensor.count, 0.5)
        return np.random.default_rng([self.seed, place]).normal(1.0, 0.1, tensor.count)

    def _pool(self, kind, columns):
        if (kind, columns) not in self.pools:
            while len(self.pools) >= 8:
                self.pools.pop(next(iter(self.pools)))
            # Tensors begin at any block: a number of blocks without small factors keeps rows from repeating.
            count = POOL_BYTES // kind.bytes | 1
            rng = np.random.default_rng([self.seed, kind.id, columns])
            self.pools[kind, columns] = np.ascontiguousarray(
                random_blocks(kind.name, count, 1 / math.sqrt(columns), rng)
            ).reshape(-1)
        return self.pools[kind, columns]


def random_blocks(kind, count, deviation, rng):
    """uint8 [count, bytes of a block]: random quants, and scales that give values of about this deviation."""

    def scales(unit):
        return (deviation / unit * rng.uniform(0.7, 1.3, count)).astype("<f2").view(np.uint8).reshape(count, 2)

    def random_bytes(width):
        return rng.integers(0, 256, (count, width), np.uint8)

    if kind == "F32":
        return (rng.standard_normal(count) * deviation).astype("<f4").view(np.uint8).reshape(count, 4)
    if kind == "BF16":
        values = rng.standard_normal(count).astype("<f4") * np.float32(deviation)
        return values.view(np.uint8).reshape(count, 4)[:, 2:]
    if kind == "Q4_0":  # f16 scale, 32 nibbles around 8
        return np.concatenate([scales(4.6), random_bytes(16)], 1)
    if kind == "Q8_0":  # f16 scale, 32 int8
        return np.concatenate([scales(73), rng.integers(-127, 128, (count, 32), np.int8).view(np.uint8)], 1)
    assert kind == "Q6_K", f"no random blocks of {kind}"
    # 256 quants of 6 bits around 32 in two planes, 16 int8 scales, f16 scale
    return np.concatenate([random_bytes(192), rng.integers(16, 64, (count, 16), np.uint8), scales(18.5 * 40)], 1)


# -------------------------------------------------------------------------------- files
def write_gguf(path, fields, tensors, chunks):
    """fields: {key: bool, int, Float, str or a list of one of them}; chunks(tensor) yields a tensor's bytes."""
    tensors = placed(tensors)
    with open(path, "wb") as file:
        file.write(MAGIC + struct.pack("<IQQ", VERSION, len(tensors), len(fields)))
        for key, value in fields.items():
            file.write(packed_field(key, value))
        for tensor in tensors:
            file.write(packed_string(tensor.name) + struct.pack("<I", len(tensor.dims)))
            file.write(struct.pack(f"<{len(tensor.dims)}Q", *tensor.dims))
            file.write(struct.pack("<IQ", tensor.type.id, tensor.offset))
        file.write(bytes(-file.tell() % ALIGNMENT))
        for tensor in tensors:
            written = sum(file.write(chunk) for chunk in chunks(tensor))
            assert written == tensor.bytes, f"{tensor.name}: {written} bytes written, expected {tensor.bytes}"
            file.write(bytes(-file.tell() % ALIGNMENT))


class _Reader:
    FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

    def __init__(self, file):
        self.file = file

    def numbers(self, form, count=1):
        return struct.unpack(f"<{count}{form}", self.file.read(struct.calcsize(form) * count))

    def string(self):
        return self.file.read(self.numbers("Q")[0]).decode()

    def value(self, kind):
        if kind == 8:
            return self.string()
        if kind != 9:
            return self.numbers(self.FORMATS[kind])[0]
        (item,) = self.numbers("I")
        (count,) = self.numbers("Q")
        if item in (8, 9):
            return [self.value(item) for _ in range(count)]
        return list(self.numbers(self.FORMATS[item], count))


def read_gguf(path):
    """({key: value}, [Tensor], offset of the tensor data) of a file of version 2 or 3."""
    with open(path, "rb") as file:
        reader = _Reader(file)
        magic, version = file.read(4), reader.numbers("I")[0]
        if magic != MAGIC or version not in (2, 3):
            raise ValueError(f"{path}: begins with {magic!r}, version {version}, expected {MAGIC!r}, version 2 or 3")
        tensor_count, field_count = reader.numbers("Q", 2)
        fields = {}
        for _ in range(field_count):
            key = reader.string()
            fields[key] = reader.value(reader.numbers("I")[0])
        tensors = []
        for _ in range(tensor_count):
            name = reader.string()
            dims = reader.numbers("Q", reader.numbers("I")[0])
            (kind,) = reader.numbers("I")
            if kind not in TYPE_BY_ID:
                raise ValueError(f"{path}: tensor '{name}' has type {kind}, expected one of {sorted(TYPE_BY_ID)}")
            tensors.append(Tensor(name, dims, TYPE_BY_ID[kind], reader.numbers("Q")[0]))
        alignment = fields.get("general.alignment", ALIGNMENT)
        return fields, tensors, -(-file.tell() // alignment) * alignment


def per_token(fields, tensors, size):
    """The sum of size(tensor) over what decoding one token reads: everything once, but one row of a table that is only
    looked up, and of the experts the chosen ones. A tied embedding table is read as the head."""
    arch = fields["general.architecture"]
    tied = all(tensor.name != "output.weight" for tensor in tensors)
    total = 0
    for tensor in tensors:
        if tensor.name == "per_layer_token_embd.weight" or (tensor.name == "token_embd.weight" and not tied):
            total += size(tensor) // tensor.dims[1]
        elif "_exps." in tensor.name and len(tensor.dims) == 3:
            total += size(tensor) // tensor.dims[2] * fields[f"{arch}.expert_used_count"]
        else:
            total += size(tensor)
    return total


def bytes_per_token(fields, tensors):
    """Weight bytes that decoding one token reads."""
    return per_token(fields, tensors, lambda tensor: tensor.bytes)


def write_shape(config, tokenizer, name, weights, path, seed=0, chat_template=None):
    """A file in the shape of a config.json, with the vocabulary of a tokenizer.json and a chat template, if any."""
    shape = TextShape(config)
    fields = metadata(shape, f"{name}, random weights", weights, tokenizer)
    if chat_template:
        fields["tokenizer.chat_template"] = chat_template
    write_gguf(path, fields, model_tensors(shape, weights), Values(shape, seed).chunks)


def write_random(checkpoint, weights, path, seed=0):
    """A file in the shape of a checkpoint directory."""
    config, tokenizer = (
        json.loads((Path(checkpoint) / f"{name}.json").read_text()) for name in ("config", "tokenizer")
    )
    write_shape(config, tokenizer, Path(checkpoint).name, weights, path, seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("weights", choices=WEIGHTS)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write_random(options.checkpoint, options.weights, options.file, options.seed)
    fields, tensors, _ = read_gguf(options.file)
    print(
        f"{options.file}: {len(tensors)} tensors, {options.file.stat().st_size / 1e9:.2f} GB, "
        f"{bytes_per_token(fields, tensors) / 1e6:.0f} MB per decoded token",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
