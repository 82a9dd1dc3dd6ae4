"""What a program of any format but f32 computes, in numpy: weights rounded as gemmac packs
them, activations as kernels do.

The oracle of quantized programs: a wrong nibble, scale or group shows here, where a comparison with f32 cannot tell it
from the loss that quantization costs anyway. Written from docs/formats.md; float32 throughout.
"""

import functools

import numpy as np

import quantized_checkpoint
from gemma_checkpoint import TextShape, decode, encode
from reference import Reference

GROUP = 32


def grouped(x, block, unit):
    """x [.., n] cut into blocks along its last axis, each padded with zeros to a multiple
    of `unit`: [.., groups, 32]."""
    parts = x.reshape(*x.shape[:-1], x.shape[-1] // block, block)
    padded = np.pad(parts, [(0, 0)] * (parts.ndim - 1) + [(0, -block % unit)])
    return padded.reshape(*x.shape[:-1], -1, GROUP)


def ungrouped(groups, block, columns):
    """The inverse of `grouped`."""
    flat = groups.reshape(*groups.shape[:-2], columns // block, -1)
    return flat[..., :block].reshape(*groups.shape[:-2], columns)


def rounded_half(scale):
    return scale.astype(np.float16).astype(np.float32)


def inverse_of(scale):
    with np.errstate(divide="ignore"):
        return np.where(scale != 0, np.float32(1) / scale, np.float32(0))


def round_bf16(groups):
    return decode(encode(groups, "BF16"), "BF16", groups.shape)


def round_q8(groups):
    scale = rounded_half(np.abs(groups).max(-1, keepdims=True) / np.float32(127))
    return np.clip(np.rint(groups * inverse_of(scale)), -127, 127) * scale


def round_searched(groups, zero, first, step):
    """Integers -zero .. zero-1. Thirteen trials of what the extreme value stands for, `first` and every `step` on, each
    with the least-squares scale of its integers."""
    place = np.abs(groups).argmax(-1, keepdims=True)
    extreme = np.take_along_axis(groups, place, -1)
    alive = np.abs(extreme) > np.float32(2.0**-22)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = np.where(alive, np.float32(-1) / extreme, np.float32(0))
        scale, best = np.where(alive, extreme / np.float32(-zero), np.float32(0)), np.zeros_like(extreme)
    for trial in range(13):
        level = np.float32(first) + np.float32(step) * np.float32(trial)
        integers = np.clip(np.rint(groups * (unit * level)), -zero, zero - 1)
        cross, square = np.zeros_like(extreme), np.zeros_like(extreme)
        for column in range(GROUP):
            cross[..., 0] += groups[..., column] * integers[..., column]
            square[..., 0] += integers[..., column] * integers[..., column]
        with np.errstate(divide="ignore", invalid="ignore"):
            fitted = np.where(square > 0, cross / square, np.float32(0))
        gain = fitted * cross
        scale, best = np.where(gain > best, fitted, scale), np.maximum(gain, best)
    scale = rounded_half(scale)
    return np.clip(np.rint(groups * inverse_of(scale)), -zero, zero - 1) * scale


ROUNDINGS = {
    "bf16": round_bf16,
    "q8": round_q8,
    "q6": functools.partial(round_searched, zero=32, first=29, step=0.5),
    "q5": functools.partial(round_searched, zero=16, first=13.6, step=0.4),
    "q4": functools.partial(round_searched, zero=8, first=6.4, step=0.3),
    "q3": functools.partial(round_searched, zero=4, first=3.2, step=0.15),
    "q2": functools.partial(round_searched, zero=2, first=1.4, step=0.12),
}
BITS = {"bf16": 16, "q8": 8, "q6": 6, "q5": 5, "q4": 4, "q3": 3, "q2": 2}


def at_least(weights, least):
    return weights if BITS[weights] >= BITS[least] else least


def round_activations(groups, wide):
    """Integers in groups of 32 with a scale in f32: within 127, with `wide` within 32512."""
    most = np.float32(127 * 256 if wide else 127)
    largest = np.abs(groups).max(-1, keepdims=True)
    with np.errstate(divide="ignore"):
        inverse = np.where(largest > 0, most / largest, np.float32(0))
    return np.rint(groups * inverse) * (largest / most)


class QuantizedReference(Reference):
    """`weights`: a key of ROUNDINGS, as on gemmac's command line; tables and small matrices follow as gemmac chooses.
    `wide`: activations of 16 bits."""

    def __init__(self, folder, config, weights, wide=False):
        super().__init__(folder, config, np.float32)
        self.integers, self.wide = weights != "bf16", wide
        self._round(self.weights, weights)

    def _round(self, names, weights):
        for name in names:
            value = self.weights[name]
            if value.ndim < 2 or ".router." in name:
                continue
            format = weights
            if name == "embed_tokens.weight" or "lm_head" in name:
                format = at_least(weights, "q6")
            elif "per_layer_" in name and "embed" not in name:
                format = at_least(weights, "q8")
            block, unit = self._block(name, value.shape[-1])
            groups = ROUNDINGS[format](grouped(value, block, unit))
            self.weights[name] = ungrouped(groups, block, value.shape[-1])

    def _block(self, name, columns):
        """Length of the parts of a row that are padded one by one, and to multiples of what."""
        if "o_proj" in name:
            return self.shape.layers[int(name.split(".")[1])].head_dim // 2, 16  # halves of heads
        return self.shape.ple if "embed_tokens_per_layer" in name else columns, GROUP

    def _product(self, x, matrix, name):
        if not self.integers or ".router." in name:
            return super()._product(x, matrix, name)
        block, unit = self._block(name, x.shape[-1])
        rounded = round_activations(grouped(x, block, unit), self.wide)
        return super()._product(ungrouped(rounded, block, x.shape[-1]), matrix, name)


def grid_steps(x, scale):
    """Where x lies on a static int8 grid."""
    return np.clip(np.rint(x / scale), -128, 127)


class StoredReference(QuantizedReference):
    """A checkpoint that is quantized already: its integers as they are, its other matrices rounded to `weights` (None:
    as they are, because they lie on the format's lattice; "f32": the values of the integers, in floats).

    Static grids of activations are the scheme's: clamp(round(x / scale), -128, 127) * scale before and after a product,
    no grid where the scale is 0. Products of integers are exact and scaled once.
    """

    def __init__(self, folder, config, weights):
        self.shape, self.dtype, self.integers = TextShape(config), np.float32, weights != "f32"
        self.wide = weights == "q8"
        self.weights, self.grids, floats = quantized_checkpoint.read(folder, config)
        self._round(floats if weights not in (None, "f32") else (), weights)

    def _product(self, x, matrix, name):
        if name not in self.grids:
            return super()._product(x, matrix, name)
        integers, scales, input_scale, output_scale = self.grids[name]
        if not input_scale:
            out = super()._product(x, matrix, name)
        elif self.integers:
            total = grid_steps(x, input_scale).astype(np.float64) @ integers.T.astype(np.float64)
            out = total.astype(np.float32) * (scales[:, 0] * input_scale)
        else:
            out = (grid_steps(x, input_scale) * input_scale) @ matrix.T
        return grid_steps(out, output_scale) * output_scale if output_scale else out
