"""Sounds: the encoder of a program makes of mel frames the soft tokens of the goldens and of docs/spec.

The interpreter runs it: one call of a function with rows by name (tests/interp).
"""

import sys

import numpy as np
import pytest

import random_checkpoint
import tower_shapes
from machine_code import call_code
from media_files import read_sound
from support import CHECKPOINTS, GOLDENS, OUT, ROOT, compile_program, goldens, levels, read_safetensors
from support import require, write_once
from test_vision import call

sys.path.insert(0, str(ROOT / "docs/spec"))
from reference_audio import AudioTower, features  # noqa: E402

# Largest difference of an element of a soft token, whose magnitudes go to 6.
BOUND = 2e-5


def filled_up(mel, valid):
    """The rows of a call and its inputs: frames are filled up to four for each row, with some that are not valid."""
    rows = -(-len(mel) // 4)
    inputs = {"mel": np.zeros((4 * rows, mel.shape[1]), np.float32), "valid": np.zeros((4 * rows, 1), np.int32)}
    inputs["mel"][: len(mel)] = mel
    inputs["valid"][: len(valid), 0] = valid
    return rows, inputs


def soft_tokens(folder, mel, valid, hidden, work, extra=()):
    """Those of one sound."""
    program = compile_program(folder, "f32", "interp", ["--without", "image", *extra])
    rows, inputs = filled_up(mel, valid)
    return call(program, "encode_audio", rows, inputs, hidden, work)[inputs["valid"][::4, 0] != 0]


def check(got, expected):
    assert got.shape == expected.shape and expected.std() > 0.1
    assert np.abs(got - expected).max() <= BOUND


def sounds():
    for prompt in goldens("tiny-e")["prompts"]:
        if prompt.get("media", {}).get("kind") == "audio":
            yield pytest.param(prompt, id=str(prompt["id"]))


@pytest.mark.parametrize("prompt", sounds())
def test_goldens(prompt, tmp_path):
    expected = read_safetensors(GOLDENS / "tiny-e.soft.safetensors")[f"{prompt['id']}.embeddings"]
    mel, valid = features(read_sound(GOLDENS / prompt["media"]["file"]))
    check(soft_tokens(CHECKPOINTS / "tiny-e", mel, valid, 128, tmp_path), expected)


def test_q12_keeps_soft_tokens(tmp_path):
    """Rounding weights to 12 bits and activations to 16 is felt less than arithmetic in bf16 would be."""
    (prompt,) = next(sounds()).values
    expected = read_safetensors(GOLDENS / "tiny-e.soft.safetensors")[f"{prompt['id']}.embeddings"]
    mel, valid = features(read_sound(GOLDENS / prompt["media"]["file"]))
    got = soft_tokens(CHECKPOINTS / "tiny-e", mel, valid, 128, tmp_path, ["--audio-weights", "q12"])
    assert 1e-5 < np.linalg.norm(got - expected) / np.linalg.norm(expected) < 1e-3


def random_tower(name):
    def write(folder):
        text = random_checkpoint.text(hidden_size=100)
        random_checkpoint.write(folder, text, dtype="F32", audio=tower_shapes.AUDIO[name])

    return write_once(OUT / "towers" / f"audio-{name}", write)


@pytest.mark.parametrize("name", tower_shapes.AUDIO)
@pytest.mark.parametrize("frames, invalid", [(1, 0), (62, 3), (97, 0)])
def test_any_shape(name, frames, invalid, tmp_path):
    """Random towers of odd shapes, sounds of any length, with and without frames that are not valid at the end."""
    folder = random_tower(name)
    mel = np.random.default_rng(frames).normal(-3.0, 2.0, (frames, 128)).astype(np.float32)
    valid = np.arange(frames) < frames - invalid
    check(soft_tokens(folder, mel, valid, 100, tmp_path), AudioTower(folder).encode(mel, valid))


def test_gaps(tmp_path):
    """Frames that are not valid in the middle of a sound are zeros to convolutions and unseen to attention."""
    mel = np.random.default_rng(3).normal(-3.0, 2.0, (80, 128)).astype(np.float32)
    valid = np.arange(80) // 9 % 3 != 1
    folder = CHECKPOINTS / "tiny-e"
    check(soft_tokens(folder, mel, valid, 128, tmp_path), AudioTower(folder).encode(mel, valid))


@pytest.mark.parametrize("at", levels(), ids=lambda at: at.name)
@pytest.mark.parametrize(
    "name, weights", [(None, "f32"), (None, "q12"), (None, "q4"), ("both-sides", "q8"), ("both-sides", "q12")]
)
def test_machine_code(name, weights, at, tmp_path):
    """Every level gives the bits of the interpreter, with any number of threads."""
    require(at)
    mel = np.random.default_rng(5).normal(-3.0, 2.0, (62, 128)).astype(np.float32)
    rows, inputs = filled_up(mel, np.arange(62) < 59)
    extra = ["--without", "image", "--audio-weights", weights]
    folder = random_tower(name) if name else CHECKPOINTS / "tiny-e"
    program = compile_program(folder, "f32", "interp", extra)
    expected = call(program, "encode_audio", rows, inputs, 100 if name else 128, tmp_path)
    for got in call_code(folder, "f32", at, "encode_audio", rows, inputs, extra, tmp_path):
        assert (got[:, : expected.shape[1]].view(np.uint32) == expected.view(np.uint32)).all()
