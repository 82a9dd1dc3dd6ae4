"""The text decoder of Gemma 4 in numpy (spec 2.1, 3).

All arithmetic is float32; weights stored as BF16 or F16 are widened when they are read. One pass over the whole
sequence, without a KV cache, for one sequence at a time.

    python3 reference_text.py DIR 2,105,2364 [--mm 0,0,1]

prints the last row of logits of the checkpoint in DIR. As a module:

    logits = TextModel(DIR).logits(ids, soft={position: row}, mm_types=[0, 0, 1, ...])
"""

import json
import math
import os
import struct
import sys

import numpy as np

F32 = np.float32


class Checkpoint:
    """The tensors of model.safetensors, or of the shards that model.safetensors.index.json names (spec 2)."""

    KINDS = {"F32": "<f4", "F64": "<f8", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "U8": "u1"}

    def __init__(self, folder):
        self.where = {}
        index = os.path.join(folder, "model.safetensors.index.json")
        if os.path.exists(index):
            shards = sorted(set(json.load(open(index))["weight_map"].values()))
        else:
            shards = ["model.safetensors"]
        for shard in shards:
            path = os.path.join(folder, shard)
            with open(path, "rb") as fh:
                (size,) = struct.unpack("<Q", fh.read(8))
                header = json.loads(fh.read(size))
            for name, info in header.items():
                if name != "__metadata__":
                    self.where[name] = (path, 8 + size, info)

    def __contains__(self, name):
        return name in self.where

    def __call__(self, name):
        path, base, info = self.where[name]
        begin, end = info["data_offsets"]
        dtype = np.dtype(self.KINDS[info["dtype"]])
        raw = np.fromfile(path, dtype=dtype, count=(end - begin) // dtype.itemsize, offset=base + begin)
        if info["dtype"] == "BF16":
            raw = (raw.astype(np.uint32) << 16).view(F32)
        if raw.dtype.kind == "f":
            raw = raw.astype(F32)
        return raw.reshape(info["shape"])


# ---- elementary operations (spec 0)
def rms_norm(x, weight=None, eps=1e-6):
    """The weight is the factor itself, never 1 + weight."""
    y = x * ((x * x).mean(-1, keepdims=True) + F32(eps)) ** F32(-0.5)
    return y if weight is None else y * weight


def linear(x, w):
    return x @ w.T


def gelu_tanh(x):
    return F32(0.5) * x * (F32(1) + np.tanh(F32(math.sqrt(2 / math.pi)) * (x + F32(0.044715) * x * x * x)))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def inverse_frequencies(params, head_dim):
    """By pair of elements (spec 3.5): with 'default' every pair turns, with 'proportional' the first ones do and the
    others have frequency 0."""
    base, half = float(params["rope_theta"]), head_dim // 2
    if params.get("rope_type", "default") == "proportional":
        live = int(params.get("partial_rotary_factor", 1.0) * head_dim // 2)
    else:
        live = half
    freq = np.zeros(half, F32)
    freq[:live] = 1.0 / base ** (np.arange(0, 2 * live, 2, dtype=F32) / F32(head_dim))
    return freq / F32(params.get("factor", 1.0))


def rotate(x, cos, sin):
    """x: [tokens, heads, d]; element j turns with element j + d / 2 (spec 3.5)."""
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    c, s = cos[:, None, :], sin[:, None, :]
    return np.concatenate([a * c - b * s, b * c + a * s], -1)


# ---- configuration
class TextConfig:
    """What config.json says of the text model, in both of its spellings (spec 1.4)."""

    def __init__(self, raw):
        cfg = dict(raw.get("text_config") or raw)
        get = cfg.get
        self.layers, self.hidden = cfg["num_hidden_layers"], cfg["hidden_size"]
        self.heads, self.eps = cfg["num_attention_heads"], get("rms_norm_eps", 1e-6)
        unified = "unified" in get("model_type", "")  # a class of its own, without per-layer embeddings (spec 10)
        self.window, self.pad = get("sliding_window", 1024 if unified else 512), get("pad_token_id", 0)
        self.cap = get("final_logit_softcapping")
        self.ple = get("hidden_size_per_layer_input", 0 if unified else 256) or 0
        self.k_eq_v = bool(get("attention_k_eq_v", False))
        self.moe = bool(get("enable_moe_block", False))
        self.top_k = get("top_k_experts")
        self.vision_bidirectional = get("use_bidirectional_attention", "vision" if unified else None) == "vision"
        self.types = list(
            get("layer_types") or ["sliding_attention" if (i + 1) % 6 else "full_attention" for i in range(self.layers)]
        )
        self.types[-1] = "full_attention"
        self.rope = get("rope_parameters") or {
            "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
            "full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1e6},
        }
        # Either global_head_dim and num_global_key_value_heads, or the map per_layer_config.
        per_layer = {int(k): v for k, v in (get("per_layer_config") or {}).items()}
        self.head_dim, self.kv_heads = [], []
        for i, kind in enumerate(self.types):
            dim, kvh = get("head_dim", 256), cfg["num_key_value_heads"]
            if "per_layer_config" in cfg:
                dim, kvh = (
                    per_layer.get(i, {}).get("head_dim", dim),
                    per_layer.get(i, {}).get("num_key_value_heads", kvh),
                )
            elif kind == "full_attention":
                dim = get("global_head_dim", 512)
                if self.k_eq_v and get("num_global_key_value_heads") is not None:
                    kvh = get("num_global_key_value_heads")
            self.head_dim.append(dim)
            self.kv_heads.append(kvh)
        self.first_shared = self.layers - (get("num_kv_shared_layers") or 0)
        self.kv_source = [
            i if i < self.first_shared else max(j for j in range(self.first_shared) if self.types[j] == self.types[i])
            for i in range(self.layers)
        ]


# ---- model
class TextModel:
    """A checkpoint in a folder, with config.json beside its weights."""

    def __init__(self, folder):
        raw = json.load(open(os.path.join(folder, "config.json")))
        self.cfg, self.w = TextConfig(raw), Checkpoint(folder)
        self.prefix = "model.language_model." if "model.language_model.norm.weight" in self.w else "model."

    def t(self, name):
        """The tensor of that name behind the text model's prefix (spec 2.1)."""
        return self.w(self.prefix + name)

    def masks(self, n, mm_types):
        """By layer type: which keys each of n queries sees (spec 3.6)."""
        q, k = np.arange(n)[:, None], np.arange(n)[None, :]
        full, local = k <= q, k <= q
        if self.cfg.vision_bidirectional and mm_types is not None:
            vis = np.isin(np.asarray(mm_types), (1, 2))  # 1 image, 2 video, 3 audio, 0 text
            start = vis & ~np.concatenate([[False], vis[:-1]])
            block = np.where(vis, np.cumsum(start) - 1, -1)
            local = local | ((block[:, None] == block[None, :]) & vis[:, None])
        local = local & (k > q - self.cfg.window)  # as many keys as the window has, the query's own included
        return {"full_attention": full, "sliding_attention": local}

    def per_layer_inputs(self, ids, x):
        """[tokens, layers, width] (spec 3.2)."""
        c = self.cfg
        n = len(ids)
        token = self.t("embed_tokens_per_layer.weight")[ids] * F32(math.sqrt(c.ple))
        ctx = linear(x, self.t("per_layer_model_projection.weight")) * F32(c.hidden**-0.5)
        ctx = rms_norm(ctx.reshape(n, c.layers, c.ple), self.t("per_layer_projection_norm.weight"), c.eps)
        return (ctx + token.reshape(n, c.layers, c.ple)) * F32(2**-0.5)

    def attention(self, i, x, rope, mask, store):
        """store: keys and values by the layer that owns them (spec 3.4, 3.7)."""
        c, p, n = self.cfg, f"layers.{i}.self_attn.", len(x)
        d, kvh = c.head_dim[i], c.kv_heads[i]
        q = linear(x, self.t(p + "q_proj.weight")).reshape(n, c.heads, d)
        q = rotate(rms_norm(q, self.t(p + "q_norm.weight"), c.eps), *rope)
        if c.kv_source[i] == i:
            k = linear(x, self.t(p + "k_proj.weight")).reshape(n, kvh, d)
            if c.k_eq_v and c.types[i] == "full_attention":
                v = k  # the raw projection, before k_norm and rope
            else:
                v = linear(x, self.t(p + "v_proj.weight")).reshape(n, kvh, d)
            store[i] = rotate(rms_norm(k, self.t(p + "k_norm.weight"), c.eps), *rope), rms_norm(v, None, c.eps)
        k, v = store[c.kv_source[i]]
        group = c.heads // k.shape[1]
        out = np.empty((n, c.heads, d), F32)
        for h in range(c.heads):
            score = q[:, h] @ k[:, h // group].T  # no factor, no softcap
            score = np.where(mask, score, F32(-3.4028235e38))
            out[:, h] = softmax(score) @ v[:, h // group]
        return linear(out.reshape(n, -1), self.t(p + "o_proj.weight"))

    def mlp(self, i, x):
        p = f"layers.{i}.mlp."
        return linear(
            gelu_tanh(linear(x, self.t(p + "gate_proj.weight"))) * linear(x, self.t(p + "up_proj.weight")),
            self.t(p + "down_proj.weight"),
        )

    def experts(self, i, residual, x):
        """residual: what the router reads; x: the normed input of the experts (spec 3.8)."""
        c, p = self.cfg, f"layers.{i}."
        r = rms_norm(residual, None, c.eps) * self.t(p + "router.scale") * F32(c.hidden**-0.5)
        prob = softmax(linear(r, self.t(p + "router.proj.weight")))
        pick = np.argsort(-prob, axis=-1, kind="stable")[:, : c.top_k]
        weight = np.take_along_axis(prob, pick, -1)
        weight = weight / weight.sum(-1, keepdims=True) * self.t(p + "router.per_expert_scale")[pick]
        gate_up, down = self.t(p + "experts.gate_up_proj"), self.t(p + "experts.down_proj")
        half = gate_up.shape[1] // 2
        out = np.zeros_like(x)
        for tok in range(len(x)):
            for e, wt in zip(pick[tok], weight[tok]):
                y = gate_up[e] @ x[tok]
                out[tok] += wt * (down[e] @ (gelu_tanh(y[:half]) * y[half:]))
        return out

    def layer(self, i, x, ple, rope, mask, store):
        """One decoder layer (spec 3.3)."""
        c, p = self.cfg, f"layers.{i}."

        def norm(y, name):
            return rms_norm(y, self.t(p + name + ".weight"), c.eps)

        x = x + norm(self.attention(i, norm(x, "input_layernorm"), rope, mask, store), "post_attention_layernorm")
        y = self.mlp(i, norm(x, "pre_feedforward_layernorm"))
        if c.moe:
            routed = self.experts(i, x, norm(x, "pre_feedforward_layernorm_2"))
            y = norm(y, "post_feedforward_layernorm_1") + norm(routed, "post_feedforward_layernorm_2")
        x = x + norm(y, "post_feedforward_layernorm")
        if ple is not None:
            y = gelu_tanh(linear(x, self.t(p + "per_layer_input_gate.weight"))) * ple
            x = x + norm(linear(y, self.t(p + "per_layer_projection.weight")), "post_per_layer_input_norm")
        return x * self.t(p + "layer_scalar") if self.prefix + p + "layer_scalar" in self.w else x

    def hidden_states(self, ids, soft=None, mm_types=None):
        """soft: rows of pictures and sounds by their positions, which are not scaled (spec 3.1)."""
        c, soft = self.cfg, soft or {}
        ids = np.array(ids)
        ids[list(soft)] = c.pad
        x = self.t("embed_tokens.weight")[ids] * F32(math.sqrt(c.hidden))
        for pos, row in soft.items():
            x[pos] = row
        ple = self.per_layer_inputs(ids, x) if c.ple else None
        pos = np.arange(len(ids), dtype=F32)[:, None]
        rope = {}
        for kind, dim in zip(c.types, c.head_dim):
            angle = pos * inverse_frequencies(c.rope[kind], dim)
            rope[kind, dim] = np.cos(angle), np.sin(angle)
        mask, store = self.masks(len(ids), mm_types), {}
        for i, kind in enumerate(c.types):
            x = self.layer(i, x, None if ple is None else ple[:, i], rope[kind, c.head_dim[i]], mask[kind], store)
        self.kv = store
        return rms_norm(x, self.t("norm.weight"), c.eps)

    def logits(self, ids, soft=None, mm_types=None):
        """[tokens, vocabulary] (spec 3.3). mm_types: a token type for each position (spec 6.2)."""
        head = self.w("lm_head.weight") if "lm_head.weight" in self.w else self.t("embed_tokens.weight")
        z = linear(self.hidden_states(ids, soft, mm_types), head)
        return z if self.cfg.cap is None else np.tanh(z / F32(self.cfg.cap)) * F32(self.cfg.cap)


if __name__ == "__main__":
    types = [int(s) for s in sys.argv[sys.argv.index("--mm") + 1].split(",")] if "--mm" in sys.argv else None
    rows = TextModel(sys.argv[1]).logits([int(s) for s in sys.argv[2].split(",")], mm_types=types)
    print(json.dumps([float(v) for v in rows[-1]]))
