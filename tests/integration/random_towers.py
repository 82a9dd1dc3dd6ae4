"""Towers of random shapes: configurations of vision and audio that the classes allow, each made from a seed."""

import numpy as np

import random_checkpoint
import tower_shapes

SEEDS = range(10)


def text(seed):
    """A text model of one layer; rows of towers become as wide as it is."""
    width = int(np.random.default_rng([3, seed]).integers(9, 70))
    return random_checkpoint.text(hidden_size=width, layer_types=[random_checkpoint.F])


def vision(seed):
    """A vision_config. Each of its flags is set for every other seed, each layer count found at some of ten."""
    rng = np.random.default_rng([1, seed])

    def pick(*values):
        return values[rng.integers(len(values))]

    kv_heads = pick(1, 1, 2, 3, 5)
    return tower_shapes.vision(
        hidden_size=int(rng.integers(5, 150)),
        intermediate_size=int(rng.integers(1, 200)),
        head_dim=4 * pick(1, 2, 3, 5, 7, 9, 13, 18),
        num_attention_heads=kv_heads * pick(1, 2, 3),
        num_key_value_heads=kv_heads,
        num_hidden_layers=1 + seed % 3,
        patch_size=pick(1, 2, 3, 5, 7, 11, 16),
        pooling_kernel_size=pick(1, 2, 3, 4, 5),
        position_embedding_size=int(rng.integers(25, 90)),
        rms_norm_eps=pick(1e-6, 1e-5, 1e-2),
        rope_parameters={"rope_theta": pick(1.0, 7.5, 100.0, 1e4), "rope_type": pick("default", "axial")},
        standardize=seed % 2 == 1,
        use_clipped_linears=seed // 2 % 2 == 1,
    )


def audio(seed):
    """An audio_config. Heads may be of odd sizes; the width is even, since half of it are sines."""
    rng = np.random.default_rng([2, seed])

    def pick(*values):
        return values[rng.integers(len(values))]

    heads = pick(1, 2, 3, 4, 6)
    head = int(rng.integers(1, 30))
    return tower_shapes.audio(
        hidden_size=heads * (head + heads * head % 2),
        num_attention_heads=heads,
        num_hidden_layers=1 + seed % 3,
        attention_chunk_size=int(rng.integers(1, 20)),
        attention_context_left=int(rng.integers(2, 40)),
        attention_context_right=pick(0, 0, 1, 2, 9),
        attention_logit_cap=pick(2.0, 50.0),
        conv_kernel_size=pick(1, 2, 5, 9, 31),
        gradient_clipping=pick(1.0, 1e10),
        output_proj_dims=int(rng.integers(1, 130)),
        residual_weight=pick(0.5, 1.25, 0.0),
        rms_norm_eps=pick(1e-6, 1e-3),
        # The class divides the first by 4, and its result must be a quarter of the mel bins.
        subsampling_conv_channels=[128 + seed % 4, int(rng.integers(1, 40))],
        use_clipped_linears=seed % 2 == 1,
    )


def patches(config, seed):
    """(patches, places) of a picture of at most 70 soft tokens whose places are in the table, in raster order."""
    rng, pool = np.random.default_rng([4, seed]), config["pooling_kernel_size"]
    most = config["position_embedding_size"] // pool
    columns = int(rng.integers(1, min(most, 35) + 1))
    rows = int(rng.integers(1, min(most, 70 // columns) + 1))
    y, x = np.divmod(np.arange(columns * rows * pool**2), columns * pool)
    return rng.random((len(x), config["patch_size"] ** 2 * 3), np.float32), np.stack([x, y], -1)


def mel(seed):
    """(mel, valid) of a sound of up to 2 s. At its end some frames are not valid, or, for some seeds, also amid it."""
    rng = np.random.default_rng([5, seed])
    frames = int(rng.integers(2, 200))
    valid = np.arange(frames) < frames - rng.integers(0, min(frames, 5))
    if seed % 3 == 0:
        valid &= np.arange(frames) // 7 % 4 != 2
    return rng.normal(-3.0, 2.0, (frames, 128)).astype(np.float32), valid
