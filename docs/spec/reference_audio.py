"""The audio tower of Gemma 4 in numpy (spec 2.3, 5): from the samples of a sound to its soft tokens.

    python3 reference_audio.py DIR wave.npy

reads wave.npy, mono float32 at 16 kHz, and prints the shape of the result, its sum and its largest magnitude. As a
module:

    mel, valid = features(wave)  # [frames, 128], [frames] bool
    rows = AudioTower(DIR).encode(mel, valid)  # [soft tokens, hidden size of the text model]
"""

import json
import math
import os
import sys

import numpy as np

from reference_text import Checkpoint, F32, linear, rms_norm, softmax

RATE, FRAME, HOP, FFT, BINS, FLOOR, LIMIT = 16000, 320, 160, 512, 128, 1e-3, 480000


def mel_matrix():
    """[257, 128]: triangles of the HTK mel scale from 0 to 8000 Hz, each with peak 1 (spec 5.1)."""
    top = 2595.0 * math.log10(1.0 + 8000.0 / 700.0)
    edges = 700.0 * (10.0 ** (np.linspace(0.0, top, BINS + 2) / 2595.0) - 1.0)
    hz = np.linspace(0.0, RATE // 2, FFT // 2 + 1)
    slope, width = edges[None, :] - hz[:, None], np.diff(edges)
    return np.maximum(0.0, np.minimum(-slope[:, :-2] / width[:-1], slope[:, 2:] / width[1:]))


def features(wave, multiple=128):
    """Logarithms of mel magnitudes, [frames, 128], and which frames are valid (spec 5.1)."""
    wave = np.asarray(wave)[:LIMIT]
    real = len(wave)
    padded = np.zeros(FRAME // 2 + real + (-real) % multiple, wave.dtype)  # 160 zeros lead
    padded[FRAME // 2 : FRAME // 2 + real] = wave
    count = (len(padded) - (FRAME + 1)) // HOP + 1  # frames are cut 321 wide
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(F32)
    frames = np.stack([padded[i * HOP : i * HOP + FRAME] for i in range(count)]) * window
    mel = np.log(np.abs(np.fft.rfft(frames, n=FFT, axis=-1)) @ mel_matrix() + FLOOR).astype(F32)
    valid = np.arange(count) * HOP + FRAME - FRAME // 2 < real  # the last of the 321 samples is real
    return mel * valid[:, None], valid


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class AudioTower:
    """The tower of a checkpoint in a folder, with config.json beside its weights."""

    def __init__(self, folder):
        raw = json.load(open(os.path.join(folder, "config.json")))
        self.c, self.w = raw["audio_config"], Checkpoint(folder)
        self.eps, self.heads = self.c.get("rms_norm_eps", 1e-6), self.c["num_attention_heads"]
        self.hidden = self.c["hidden_size"]
        self.dim = self.hidden // self.heads
        self.chunk = self.c.get("attention_chunk_size", 12)
        self.past, self.future = self.c.get("attention_context_left", 13) - 1, self.c.get("attention_context_right", 0)

    def t(self, name):
        return self.w("model.audio_tower." + name)

    def clippable(self, x, name):
        """A linear layer whose input and output are clamped (spec 5.3)."""
        if self.c.get("use_clipped_linears", True):
            x = np.clip(x, self.t(name + ".input_min"), self.t(name + ".input_max"))
            y = linear(x, self.t(name + ".linear.weight"))
            return np.clip(y, self.t(name + ".output_min"), self.t(name + ".output_max"))
        return linear(x, self.t(name + ".linear.weight"))

    def norm(self, x, name, eps=1e-6):
        return rms_norm(x, self.t(name + ".weight"), eps)

    def clamp(self, x):
        """clampg (spec 5.3)."""
        g = F32(min(self.c.get("gradient_clipping", 1e10), 3.4028235e38))
        return np.clip(x, -g, g)

    def subsample(self, x, valid):
        """x: [channels, time, bins]. Two convolutions, each with LayerNorm over channels and ReLU (spec 5.2)."""
        for i in (0, 1):
            p = f"subsample_conv_projection.layer{i}."
            w = self.t(p + "conv.weight")
            x = np.pad(x * valid[None, :, None], ((0, 0), (1, 1), (1, 1)))
            rows, cols = (x.shape[1] - 3) // 2 + 1, (x.shape[2] - 3) // 2 + 1
            y = np.zeros((w.shape[0], rows, cols), F32)
            for a in range(3):
                for b in range(3):
                    y += np.tensordot(w[:, :, a, b], x[:, a : a + 2 * rows - 1 : 2, b : b + 2 * cols - 1 : 2], 1)
            mean = y.mean(0)
            var = ((y - mean) ** 2).mean(0)
            y = (y - mean) / np.sqrt(var + F32(self.eps)) * self.t(p + "norm.weight")[:, None, None]
            x, valid = np.maximum(y, 0), valid[::2]
        x = x.transpose(1, 2, 0).reshape(x.shape[1], -1)  # feature index = bin * channels + c
        return linear(x, self.t("subsample_conv_projection.input_proj_linear.weight")), valid

    def feed_forward(self, x, p):
        """FF (spec 5.3)."""
        y = self.norm(self.clamp(x), p + "pre_layer_norm")
        y = self.clippable(y, p + "ffw_layer_1")
        y = self.clippable(y * sigmoid(y), p + "ffw_layer_2")
        return x + self.norm(self.clamp(y), p + "post_layer_norm") * F32(self.c.get("residual_weight", 0.5))

    def attention(self, x, valid, p):
        """The dense form of spec 5.4: query i sees the keys from i - 11 to i."""
        n, h, d = len(x), self.heads, self.dim
        q = self.clippable(x, p + "q_proj").reshape(n, h, d)
        k = self.clippable(x, p + "k_proj").reshape(n, h, d)
        v = self.clippable(x, p + "v_proj").reshape(n, h, d)
        scale = self.t(p + "per_dim_scale")
        q = q * F32(d**-0.5 / math.log(2)) * np.log1p(np.exp(scale))  # softplus
        k = k * F32(math.log(1 + math.e) / math.log(2))
        half = self.hidden // 2
        rate = np.exp(np.arange(half, dtype=F32) * F32(-math.log(10000.0) / max(half - 1, 1)))
        steps = (self.chunk + self.past + self.future) // 2  # 12: distances from 0 to 12
        angle = np.arange(steps + 1, dtype=F32)[:, None] * rate  # row r holds distance r
        rel = linear(np.concatenate([np.sin(angle), np.cos(angle)], -1), self.t(p + "relative_k_proj.weight"))
        rel = rel.reshape(-1, h, d)
        dist = np.arange(n)[:, None] - np.arange(n)[None, :]
        seen = (((dist >= 0) & (dist < self.past)) | ((dist < 0) & (-dist < self.future))) & valid[None, :]
        out = np.empty((n, h, d), F32)
        cap = F32(self.c.get("attention_logit_cap", 50.0))
        pick = np.clip(dist, 0, steps)
        for i in range(h):
            s = q[:, i] @ k[:, i].T + np.where(dist >= 0, np.take_along_axis(q[:, i] @ rel[:, i].T, pick, 1), 0)
            s = np.tanh(s / cap) * cap
            s = np.where(seen, s, F32(self.c.get("attention_invalid_logits_value", -1e9)))
            out[:, i] = softmax(s) @ v[:, i]
        return self.clippable(out.reshape(n, -1), p + "post")

    def light_conv(self, x, p):
        """Conv (spec 5.3)."""
        y = self.clippable(self.norm(x, p + "pre_layer_norm", self.eps), p + "linear_start")
        y = y[:, : self.hidden] * sigmoid(y[:, self.hidden :])  # GLU
        w = self.t(p + "depthwise_conv1d.weight")[:, 0]  # [hidden, taps], causal
        taps = w.shape[1]
        y = np.pad(y, ((taps - 1, 0), (0, 0)))
        y = sum(y[j : j + len(x)] * w[:, j] for j in range(taps))
        y = self.norm(self.clamp(y), p + "conv_norm", self.eps)
        return x + self.clippable(y * sigmoid(y), p + "linear_end")

    def encode(self, mel, valid):
        """Subsampling, conformer layers, and the projection to the text model (spec 5.2, 5.3)."""
        x, valid = self.subsample(mel[None], valid)
        for i in range(self.c["num_hidden_layers"]):
            p = f"layers.{i}."
            x = self.feed_forward(x, p + "feed_forward1.")
            y = self.attention(self.norm(self.clamp(x), p + "norm_pre_attn"), valid, p + "self_attn.")
            x = x + self.norm(self.clamp(y), p + "norm_post_attn")
            x = self.light_conv(x, p + "lconv1d.")
            x = self.feed_forward(x, p + "feed_forward2.")
            x = self.norm(self.clamp(x), p + "norm_out")
        x = linear(x, self.t("output_proj.weight")) + self.t("output_proj.bias")
        return linear(rms_norm(x[valid], None, self.eps), self.w("model.embed_audio.embedding_projection.weight"))


if __name__ == "__main__":
    rows = AudioTower(sys.argv[1]).encode(*features(np.load(sys.argv[2])))
    print(rows.shape, float(rows.sum()), float(np.abs(rows).max()))
