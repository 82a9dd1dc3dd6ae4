"""Pictures and sounds of Gemma 4 12B, which has no encoders, in numpy (spec 10): to soft tokens.

    python3 reference_unified.py DIR image.npy [budget]
    python3 reference_unified.py DIR wave.npy

reads uint8 [height, width, 3], or mono float32 at 16 kHz, and prints the shape of the result, its sum and its largest
magnitude. As a module:

    patches, xy = preprocess(image, budget=280)
    rows = PatchEmbedder(DIR).encode(patches, xy)  # [soft tokens, hidden size of the text model]
    rows = SampleEmbedder(DIR).encode(frames(wave))

The text model is that of reference_text.py: keys are values in full layers, with a single head of them.
"""

import json
import os
import sys

import numpy as np

from reference_text import Checkpoint, F32, linear, rms_norm
from reference_vision import resize, target_size


def preprocess(img, budget=280, patch=16, pool=3):
    """The patches, [n, (patch * pool)^2 * 3] in 0 to 1, one for each soft token, and the (column, row) of each."""
    h, w = target_size(img.shape[0], img.shape[1], budget, patch, pool)
    img, side = resize(img, h, w).astype(F32) * F32(1 / 255), patch * pool
    rows, cols = h // side, w // side
    patches = img.reshape(rows, side, cols, side, 3).transpose(0, 2, 1, 3, 4).reshape(rows * cols, -1)
    y, x = np.divmod(np.arange(rows * cols), cols)
    return patches, np.stack([x, y], -1)


def frames(wave, samples=640):
    """[ceil(n / samples), samples]: the sound as it is, with zeros behind its end."""
    wave = np.asarray(wave, F32)
    return np.pad(wave, (0, -len(wave) % samples)).reshape(-1, samples)


def layer_norm(x, weight, bias, eps=1e-5):
    centred = x - x.mean(-1, keepdims=True)
    return centred * ((centred * centred).mean(-1, keepdims=True) + F32(eps)) ** F32(-0.5) * weight + bias


class PatchEmbedder:
    """What makes soft tokens of patches, of a checkpoint in a folder, with config.json beside its weights."""

    def __init__(self, folder):
        self.c, self.w = json.load(open(os.path.join(folder, "config.json")))["vision_config"], Checkpoint(folder)
        self.eps = self.c.get("rms_norm_eps", 1e-6)

    def t(self, name):
        return self.w("model.vision_embedder." + name)

    def norm(self, x, name):
        return layer_norm(x, self.t(name + ".weight"), self.t(name + ".bias"))

    def encode(self, patches, xy):
        x = linear(self.norm(patches, "patch_ln1"), self.t("patch_dense.weight")) + self.t("patch_dense.bias")
        x, table = self.norm(x, "patch_ln2"), self.t("pos_embedding")
        x = self.norm(x + (table[xy[:, 0], 0] + table[xy[:, 1], 1]), "pos_norm")
        return linear(rms_norm(x, None, self.eps), self.w("model.embed_vision.embedding_projection.weight"))


class SampleEmbedder:
    """What makes soft tokens of samples."""

    def __init__(self, folder):
        config = json.load(open(os.path.join(folder, "config.json")))["audio_config"]
        self.eps, self.w = config.get("rms_norm_eps", 1e-6), Checkpoint(folder)

    def encode(self, samples):
        return linear(rms_norm(samples, None, self.eps), self.w("model.embed_audio.embedding_projection.weight"))


if __name__ == "__main__":
    medium = np.load(sys.argv[2])
    if medium.ndim == 3:
        picture, xy = preprocess(medium, int(sys.argv[3]) if len(sys.argv) > 3 else 280)
        rows = PatchEmbedder(sys.argv[1]).encode(picture, xy)
    else:
        rows = SampleEmbedder(sys.argv[1]).encode(frames(medium))
    print(rows.shape, float(rows.sum()), float(np.abs(rows).max()))
