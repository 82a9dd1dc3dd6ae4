"""Towers of twenty random shapes give the soft tokens of docs/spec, by the interpreter."""

import sys

import numpy as np
import pytest

import random_checkpoint
import random_towers
from support import OUT, ROOT, compile_program, write_once
from test_audio import filled_up
from test_vision import Picture, call

sys.path.insert(0, str(ROOT / "docs/spec"))
from reference_audio import AudioTower  # noqa: E402
from reference_vision import VisionTower  # noqa: E402

CASES = [(kind, seed) for kind in ("vision", "audio") for seed in random_towers.SEEDS]


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

    def interpreted(self, work):
        program = compile_program(self.folder, "f32", "interp")
        return call(program, self.function, self.rows, self.inputs, self.width, work)


@pytest.mark.parametrize("kind, seed", CASES)
def test_random_towers(kind, seed, tmp_path):
    case = Case(kind, seed)
    got, expected = case.interpreted(tmp_path)[case.told], case.reference()
    assert got.shape == expected.shape and len(expected) and expected.std() > 0.1
    assert np.abs(got - expected).max() <= 1e-4
