"""The vision tower of Gemma 4 in numpy (spec 2.2, 4): from the pixels of a picture to its soft tokens.

    python3 reference_vision.py DIR image.npy [budget]

reads image.npy, uint8 [height, width, 3], and prints the shape of the result, its sum and its largest magnitude. As a
module:

    patches, xy = preprocess(image, budget=280)
    rows = VisionTower(DIR).encode(patches, xy)  # [soft tokens, hidden size of the text model]

Patches are not padded to the budget (spec 4.3): padding is masked in attention and removed from the result, so that it
changes no other patch.
"""

import json
import math
import os
import sys

import numpy as np

from reference_text import Checkpoint, F32, gelu_tanh, linear, rms_norm, softmax

BUDGETS = (70, 140, 280, 560, 1120)


def target_size(height, width, budget=280, patch=16, pool=3):
    """(height, width): the largest multiples of 48 that fit the budget and keep the proportions (spec 4.1)."""
    side, limit = patch * pool, budget * pool * pool
    factor = math.sqrt(limit * patch * patch / (height * width))
    h = int(math.floor(factor * height / side)) * side
    w = int(math.floor(factor * width / side)) * side
    longest = (limit // (pool * pool)) * side
    if h == 0 and w == 0:
        raise ValueError("degenerate image")
    if h == 0:
        h, w = side, min(int(math.floor(width / height)) * side, longest)
    elif w == 0:
        w, h = side, min(int(math.floor(height / width)) * side, longest)
    if h * w > limit * patch * patch:
        raise ValueError("does not fit the budget")
    return h, w


def _cubic(x, a=-0.5):
    """The weight of a pixel at distance x."""
    x = np.abs(x)
    return np.where(x < 1, ((a + 2) * x - (a + 3)) * x * x + 1, np.where(x < 2, (((x - 5) * x + 8) * x - 4) * a, 0.0))


def _resample_rows(img, out_len):
    """Bicubic with antialiasing along axis 0, in the 8-bit fixed point of Pillow (spec 4.2)."""
    in_len = img.shape[0]
    scale = in_len / out_len
    fscale = max(scale, 1.0)
    support = 2.0 * fscale
    out = np.empty((out_len,) + img.shape[1:], np.uint8)
    for i in range(out_len):
        center = (i + 0.5) * scale
        lo = max(int(center - support + 0.5), 0)
        hi = min(int(center + support + 0.5), in_len)
        k = _cubic((np.arange(lo, hi) - center + 0.5) / fscale)
        k = k / k.sum()
        fixed = np.where(k < 0, np.ceil(k * (1 << 22) - 0.5), np.floor(k * (1 << 22) + 0.5)).astype(np.int64)
        acc = np.tensordot(fixed, img[lo:hi].astype(np.int64), 1) + (1 << 21)
        out[i] = np.clip(acc >> 22, 0, 255)
    return out


def resize(img, height, width):
    """Two passes of 8 bits, the horizontal one first (spec 4.2)."""
    if img.shape[1] != width:
        img = _resample_rows(img.transpose(1, 0, 2), width).transpose(1, 0, 2)
    if img.shape[0] != height:
        img = _resample_rows(img, height)
    return img


def preprocess(img, budget=280, patch=16, pool=3):
    """The patches, [n, 768] in 0 to 1, and the (column, row) of each (spec 4.2, 4.3)."""
    h, w = target_size(img.shape[0], img.shape[1], budget, patch, pool)
    img = resize(img, h, w).astype(F32) * F32(1 / 255)
    rows, cols = h // patch, w // patch
    patches = img.reshape(rows, patch, cols, patch, 3).transpose(0, 2, 1, 3, 4).reshape(rows * cols, -1)
    y, x = np.divmod(np.arange(rows * cols), cols)
    return patches, np.stack([x, y], -1)


class VisionTower:
    """The tower of a checkpoint in a folder, with config.json beside its weights."""

    def __init__(self, folder):
        raw = json.load(open(os.path.join(folder, "config.json")))
        self.c, self.w = raw["vision_config"], Checkpoint(folder)
        self.eps = self.c.get("rms_norm_eps", 1e-6)
        self.heads, self.kvh = self.c["num_attention_heads"], self.c["num_key_value_heads"]
        self.dim = self.c.get("head_dim", self.c["hidden_size"] // self.heads)
        self.theta = (self.c.get("rope_parameters") or {}).get("rope_theta", 100.0)

    def t(self, name):
        return self.w("model.vision_tower." + name)

    def clippable(self, x, name):
        """A linear layer whose input and output are clamped where the configuration says so (spec 4.4)."""
        if self.c.get("use_clipped_linears", False):
            x = np.clip(x, self.t(name + ".input_min"), self.t(name + ".input_max"))
            y = linear(x, self.t(name + ".linear.weight"))
            return np.clip(y, self.t(name + ".output_min"), self.t(name + ".output_max"))
        return linear(x, self.t(name + ".linear.weight"))

    def rope(self, x, xy):
        """The first half of a head turns with the column, the second with the row (spec 4.4)."""
        half, quarter = self.dim // 2, self.dim // 4
        freq = 1.0 / F32(self.theta) ** (np.arange(0, half, 2, dtype=F32) / F32(half))
        out = np.empty_like(x)
        for axis in (0, 1):
            angle = xy[:, axis, None].astype(F32) * freq
            c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
            part = x[..., axis * half : (axis + 1) * half]
            a, b = part[..., :quarter], part[..., quarter:]
            out[..., axis * half : (axis + 1) * half] = np.concatenate([a * c - b * s, b * c + a * s], -1)
        return out

    def attention(self, x, xy, p):
        """Every patch sees every patch (spec 4.4)."""
        n = len(x)
        q = self.clippable(x, p + "q_proj").reshape(n, self.heads, self.dim)
        k = self.clippable(x, p + "k_proj").reshape(n, self.kvh, self.dim)
        v = self.clippable(x, p + "v_proj").reshape(n, self.kvh, self.dim)
        q = self.rope(rms_norm(q, self.t(p + "q_norm.weight"), self.eps), xy)
        k = self.rope(rms_norm(k, self.t(p + "k_norm.weight"), self.eps), xy)
        v = rms_norm(v, None, self.eps)
        g = self.heads // self.kvh
        out = np.stack([softmax(q[:, h] @ k[:, h // g].T) @ v[:, h // g] for h in range(self.heads)], 1)
        return self.clippable(out.reshape(n, -1), p + "o_proj")

    def encode(self, patches, xy):
        """Layers (spec 4.4), then pooling and the projection to the text model (spec 4.5)."""
        table = self.t("patch_embedder.position_embedding_table")
        x = linear(F32(2) * (patches - F32(0.5)), self.t("patch_embedder.input_proj.weight"))
        x = x + (table[0][xy[:, 0]] + table[1][xy[:, 1]])
        for i in range(self.c["num_hidden_layers"]):
            p = f"encoder.layers.{i}."

            def norm(y, name, p=p):
                return rms_norm(y, self.t(p + name + ".weight"), self.eps)

            y = self.attention(norm(x, "input_layernorm"), xy, p + "self_attn.")
            x = x + norm(y, "post_attention_layernorm")
            y = norm(x, "pre_feedforward_layernorm")
            y = gelu_tanh(self.clippable(y, p + "mlp.gate_proj")) * self.clippable(y, p + "mlp.up_proj")
            x = x + norm(self.clippable(y, p + "mlp.down_proj"), "post_feedforward_layernorm")
        k = self.c.get("pooling_kernel_size", 3)
        cols = (xy[:, 0].max() + 1) // k
        cell = xy[:, 0] // k + cols * (xy[:, 1] // k)
        pooled = np.zeros((len(x) // (k * k), x.shape[1]), F32)
        np.add.at(pooled, cell, x)
        x = pooled / F32(k * k) * F32(math.sqrt(self.c["hidden_size"]))
        if self.c.get("standardize", False):
            x = (x - self.t("std_bias")) * self.t("std_scale")
        return linear(rms_norm(x, None, self.eps), self.w("model.embed_vision.embedding_projection.weight"))


if __name__ == "__main__":
    picture, xy = preprocess(np.load(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 280)
    rows = VisionTower(sys.argv[1]).encode(picture, xy)
    print(rows.shape, float(rows.sum()), float(np.abs(rows).max()))
