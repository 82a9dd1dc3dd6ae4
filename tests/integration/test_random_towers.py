"""Towers of twenty random shapes give the soft tokens of docs/spec: by the interpreter, which machine code equals."""

import itertools
import sys

import numpy as np
import pytest

import random_checkpoint
import random_towers
from machine_code import call_code
from support import OUT, ROOT, compile_program, levels, parameters, require, takes_turn, write_once
from test_audio import filled_up
from test_vision import Picture, call

sys.path.insert(0, str(ROOT / "docs/spec"))
from reference_audio import AudioTower  # noqa: E402
from reference_vision import VisionTower  # noqa: E402

CASES = [(kind, seed) for kind in ("vision", "audio") for seed in random_towers.SEEDS]
# Machine code takes each format in turn: products of all of them meet odd widths.
FORMATS = ("f32", "q8", "bf16", "q4", "q6")


class Case:
    """A checkpoint with one tower, what its function reads, and what the reference makes of that."""

    def __init__(self, kind, seed):
        config, text = getattr(random_towers, kind)(seed), random_towers.text(seed)
        folder = OUT / "towers" / f"random-{kind}-{seed}"
        self.folder = write_once(folder, lambda at: random_checkpoint.write(at, text, dtype="F32", **{kind: config}))
        self.width = text["hidden_size"]
        if kind == "vision":
            patches, places = random_towers.patches(config, seed)
            picture = Picture(patches, places, config["pooling_kernel_size"])
            self.function, self.rows, self.inputs = "encode_image_70", picture.rows, picture.inputs
            self.reference = lambda: VisionTower(self.folder).encode(patches, places)
            self.told = slice(None)
        else:
            mel, valid = random_towers.mel(seed)
            self.function, (self.rows, self.inputs) = "encode_audio", filled_up(mel, valid)
            self.reference = lambda: AudioTower(self.folder).encode(mel, valid)
            self.told = self.inputs["valid"][::4, 0] != 0  # of other rows nothing is said

    def interpreted(self, work, extra=()):
        program = compile_program(self.folder, "f32", "interp", extra)
        return call(program, self.function, self.rows, self.inputs, self.width, work)


@pytest.mark.parametrize("kind, seed", CASES)
def test_random_towers(kind, seed, tmp_path):
    case = Case(kind, seed)
    got, expected = case.interpreted(tmp_path)[case.told], case.reference()
    assert got.shape == expected.shape and len(expected) and expected.std() > 0.1
    assert np.abs(got - expected).max() <= 1e-4


ALL = [(kind, seed, at) for (kind, seed), at in itertools.product(CASES, levels())]
TURNS = sorted(CASES, key=lambda case: case[1])  # one tower for each level, both kinds in turn


def in_short(kind, seed, at):
    return takes_turn(at, TURNS, (kind, seed))


@pytest.mark.parametrize("kind, seed, at", parameters(ALL, in_short), ids=str)
def test_machine_code(kind, seed, at, tmp_path):
    """Every level gives the bits of the interpreter, with any number of threads."""
    require(at)
    case, extra = Case(kind, seed), [f"--{kind}-weights", FORMATS[seed % len(FORMATS)]]
    expected = case.interpreted(tmp_path, extra)
    for got in call_code(case.folder, "f32", at, case.function, case.rows, case.inputs, extra, tmp_path):
        got = got[:, : case.width]
        rows = np.flatnonzero((got.view(np.uint32) != expected.view(np.uint32)).any(-1))
        assert not len(rows), f"rows {rows[:5]} differ, by up to {np.abs(got - expected).max()}"
