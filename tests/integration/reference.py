"""The text decoder of Gemma 3 and 4 in plain numpy: slow, obvious, one pass over the whole sequence, no cache.

The oracle of test_shapes. All arithmetic happens in the dtype given, float32 or float64; rotary angles stay float32, as
in the checkpoints' own code. Formulas: docs/spec, of which test_spec runs the other reference.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from gemma_checkpoint import FULL, SLIDING, TextShape, read_safetensors  # noqa: E402


def rms_norm(x, weight, eps):
    scaled = x / np.sqrt(np.mean(np.square(x), axis=-1, keepdims=True) + x.dtype.type(eps))
    return scaled if weight is None else scaled * weight


def gelu(x):
    inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    return (0.5 * x * (1 + np.tanh(inner))).astype(x.dtype)


def softmax(x):
    powers = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)


def rotary_table(tokens, head_dim, rope):
    """(cos, sin), each [tokens, 1, head_dim / 2], for positions 0, 1, ..."""
    half = head_dim // 2
    turning = half
    if rope.get("rope_type", "default") == "proportional":
        turning = int(rope.get("partial_rotary_factor", 1.0) * head_dim // 2)
    exponents = np.arange(0, 2 * turning, 2, dtype=np.float32) / np.float32(head_dim)
    frequencies = np.zeros(half, np.float32)
    frequencies[:turning] = 1.0 / np.float32(rope["rope_theta"]) ** exponents / np.float32(rope.get("factor") or 1.0)
    angles = np.arange(tokens, dtype=np.float32)[:, None, None] * frequencies
    return np.cos(angles), np.sin(angles)


def rotate(x, table):
    """x [tokens, heads, head_dim]; element j turns with element j + head_dim / 2."""
    cos, sin = table
    low, high = np.split(x, 2, axis=-1)
    return np.concatenate([low * cos - high * sin, high * cos + low * sin], axis=-1).astype(x.dtype)


class Reference:
    """A checkpoint with one model.safetensors or with shards; logits(ids) gives [tokens, vocab]."""

    def __init__(self, folder, config, dtype=np.float32):
        self.shape, self.dtype, self.weights = TextShape(config), dtype, {}
        for file in sorted(Path(folder).glob("*.safetensors")):
            for name, value in read_safetensors(file).items():
                short = name.removeprefix("language_model.").removeprefix("model.").removeprefix("language_model.")
                added = self.shape.norm_addend if value.ndim == 1 else 0
                self.weights[short] = (value + value.dtype.type(added)).astype(dtype)

    def _linear(self, x, name):
        return self._product(x, self.weights[name + ".weight"], name)

    def _product(self, x, matrix, name):
        """x [.., in] by a matrix [out, in]; QuantizedReference rounds x here."""
        return x @ matrix.T

    def _norm(self, x, name):
        return rms_norm(x, self.weights[name + ".weight"], self.shape.eps)

    def logits(self, ids):
        shape, ids = self.shape, np.asarray(ids)
        x = self.weights["embed_tokens.weight"][ids] * self.dtype(np.sqrt(shape.hidden))
        slices = self._per_layer_inputs(ids, x) if shape.ple else None
        distance = np.arange(len(ids))[:, None] - np.arange(len(ids))[None, :]
        seen = {True: distance >= 0, False: (distance >= 0) & (distance < shape.window)}
        memory = {}
        for i, layer in enumerate(shape.layers):
            table = rotary_table(len(ids), layer.head_dim, shape.rope[FULL if layer.full else SLIDING])
            x = self._layer(i, x, None if slices is None else slices[:, i], table, seen[layer.full], memory)
        head = "lm_head" if "lm_head.weight" in self.weights else "embed_tokens"
        z = self._linear(self._norm(x, "norm"), head)
        return z if shape.cap is None else (np.tanh(z / shape.cap) * shape.cap).astype(self.dtype)

    def _per_layer_inputs(self, ids, x):
        shape = self.shape
        split = (len(ids), shape.count, shape.ple)
        looked_up = self.weights["embed_tokens_per_layer.weight"][ids].reshape(split) * self.dtype(np.sqrt(shape.ple))
        projected = (self._linear(x, "per_layer_model_projection") / self.dtype(np.sqrt(shape.hidden))).reshape(split)
        return (self._norm(projected, "per_layer_projection_norm") + looked_up) / self.dtype(np.sqrt(2))

    def _layer(self, i, x, slice_of_layer, table, seen, memory):
        at = f"layers.{i}."
        attended = self._attention(i, self._norm(x, at + "input_layernorm"), table, seen, memory)
        x = x + self._norm(attended, at + "post_attention_layernorm")
        y = self._gated(self._norm(x, at + "pre_feedforward_layernorm"), at + "mlp.")
        if self.shape.experts:
            routed = self._experts(at, x, self._norm(x, at + "pre_feedforward_layernorm_2"))
            y = self._norm(y, at + "post_feedforward_layernorm_1") + self._norm(
                routed, at + "post_feedforward_layernorm_2"
            )
        x = x + self._norm(y, at + "post_feedforward_layernorm")
        if slice_of_layer is not None:
            gate = gelu(self._linear(x, at + "per_layer_input_gate")) * slice_of_layer
            x = x + self._norm(self._linear(gate, at + "per_layer_projection"), at + "post_per_layer_input_norm")
        return x * self.weights.get(at + "layer_scalar", self.dtype(1))

    def _gated(self, x, at):
        return self._linear(gelu(self._linear(x, at + "gate_proj")) * self._linear(x, at + "up_proj"), at + "down_proj")

    def _attention(self, i, x, table, seen, memory):
        layer, at, tokens = self.shape.layers[i], f"layers.{i}.self_attn.", len(x)
        split = (tokens, -1, layer.head_dim)
        queries = rotate(self._norm(self._linear(x, at + "q_proj").reshape(split), at + "q_norm"), table)
        queries = queries * self.dtype(self.shape.query_scale)
        if layer.kv_source == i:
            keys = self._linear(x, at + "k_proj").reshape(split)
            values = keys if layer.k_is_v else self._linear(x, at + "v_proj").reshape(split)
            values = values if self.shape.gemma3 else rms_norm(values, None, self.shape.eps)
            memory[i] = rotate(self._norm(keys, at + "k_norm"), table), values
        keys, values = (np.repeat(y, self.shape.heads // y.shape[1], axis=1) for y in memory[layer.kv_source])
        scores = np.einsum("qhd,khd->hqk", queries, keys)
        weights = softmax(np.where(seen, scores, self.dtype(-1e30)))
        return self._linear(np.einsum("hqk,khd->qhd", weights, values).reshape(tokens, -1), at + "o_proj")

    def _experts(self, at, residual, x):
        shape, scale = self.shape, self.dtype(1 / np.sqrt(self.shape.hidden))
        routing = rms_norm(residual, None, shape.eps) * self.weights[at + "router.scale"] * scale
        chances = softmax(self._linear(routing, at + "router.proj"))
        gate_up, down = self.weights[at + "experts.gate_up_proj"], self.weights[at + "experts.down_proj"]
        out = np.zeros_like(x)
        for token, row in enumerate(chances):
            chosen = np.argsort(-row, kind="stable")[: shape.top_k]
            shares = row[chosen] / np.sum(row[chosen]) * self.weights[at + "router.per_expert_scale"][chosen]
            for expert, share in zip(chosen, shares):
                gate, up = np.split(self._product(x[token], gate_up[expert], at + "experts"), 2)
                out[token] += share * self._product(gelu(gate) * up, down[expert], at + "experts")
        return out
