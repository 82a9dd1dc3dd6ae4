"""Pictures: the encoder of a program makes of patches the soft tokens of the goldens and of docs/spec.

The interpreter runs one call of a function with rows by name (tests/interp), machine_code.py the same in machine code.
"""

import itertools
import json
import sys

import numpy as np
import pytest

import random_checkpoint
import tower_shapes
from machine_code import call_code
from media_files import read_picture, write_picture
from support import CHECKPOINTS, GEMMAC_INTERP, GOLDENS, MODELS, OUT, ROOT, compile_program, gemmac, goldens, levels
from support import parameters, read_safetensors, require, succeed, takes_turn, write_once

sys.path.insert(0, str(ROOT / "docs/spec"))
from reference_vision import VisionTower, preprocess  # noqa: E402

# Largest difference of an element of a soft token, whose magnitudes go to 6. Observed: 3.4e-6 from the goldens, 2.5e-6
# in random shapes.
BOUND = 2e-5
FUNCTION = "encode_image_70"


class Picture:
    """The patches of a picture, those of one soft token after each other, and how many soft tokens it gives."""

    def __init__(self, patches, places, pool):
        columns = (places[:, 0].max() + 1) // pool
        order = np.argsort(places[:, 0] // pool + columns * (places[:, 1] // pool), kind="stable")
        self.inputs = {"patches": patches[order].astype("<f4"), "places": places[order].astype("<i4")}
        self.rows = len(patches) // pool**2


def config(folder):
    return json.loads((folder / "config.json").read_text())


def golden_picture(model, prompt):
    read = read_picture(GOLDENS / prompt["media"]["file"])
    pool = config(CHECKPOINTS / model)["vision_config"]["pooling_kernel_size"]
    return Picture(*preprocess(read, budget=70), pool)


def tower(name):
    """A random checkpoint with a tower of an odd shape."""

    def write(folder):
        text = random_checkpoint.text(hidden_size=100)
        random_checkpoint.write(folder, text, dtype="F32", vision=tower_shapes.VISION[name])

    return write_once(OUT / "towers" / name, write)


def random_patches(name, columns, rows):
    """Patches and places in raster order; the sides are in soft tokens."""
    vision = tower_shapes.VISION[name]
    pool, values = vision["pooling_kernel_size"], vision["patch_size"] ** 2 * 3
    y, x = np.divmod(np.arange(columns * rows * pool**2), columns * pool)
    return np.random.default_rng(7).random((len(x), values), np.float32), np.stack([x, y], -1)


def call(program, function, rows, inputs, width, work):
    """The soft tokens that a function of a program of the target interp gives."""
    words, out = [], work / "soft.npy"
    for name, array in inputs.items():
        np.save(work / f"{name}.npy", array)
        words += ["--input", f"{name}={work / name}.npy"]
    words += ["--output", f"soft_tokens={out}"]
    done = gemmac("call", program, "--function", function, "--rows", rows, *words, compiler=GEMMAC_INTERP)
    assert done.returncode == 0, done.stderr
    got = np.load(out)
    assert got.shape[0] == rows and not got[:, width:].any()
    return got[:, :width]


def interpreted(folder, picture, work, extra=()):
    program, width = compile_program(folder, "f32", "interp", extra), config(folder)["text_config"]["hidden_size"]
    return call(program, FUNCTION, picture.rows, picture.inputs, width, work)


def check(got, expected):
    assert got.shape == expected.shape and expected.std() > 0.1
    assert np.abs(got - expected).max() <= BOUND


def pictures_of(model):
    return (prompt for prompt in goldens(model)["prompts"] if prompt.get("media", {}).get("kind") == "image")


GOLDEN = [pytest.param(m, prompt, id=f"{m}-{prompt['id']}") for m in MODELS for prompt in pictures_of(m)]


@pytest.mark.parametrize("model, prompt", GOLDEN)
def test_goldens(model, prompt, tmp_path):
    expected = read_safetensors(GOLDENS / f"{model}.soft.safetensors")[f"{prompt['id']}.embeddings"]
    check(interpreted(CHECKPOINTS / model, golden_picture(model, prompt), tmp_path), expected)


@pytest.mark.parametrize("name", tower_shapes.VISION)
def test_pictures_of_any_grid(name, tmp_path):
    """Programs cut pictures into patches of any size, whose rows are padded in memory, and any number to a token."""
    vision, rng = tower_shapes.VISION[name], np.random.default_rng(3)
    program = compile_program(tower(name), "f32", levels()[0].target)
    for width, height in ((90, 61), (17, 40)):
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        patches, places = preprocess(pixels, 70, vision["patch_size"], vision["pooling_kernel_size"])
        expected = VisionTower(tower(name)).encode(patches, places)
        file = write_picture(tmp_path / f"{width}.png", pixels)
        for at in levels():
            if at.missing or at.launcher:
                continue
            out = tmp_path / f"{width}-{at.name}.npy"
            succeed(program, "media", file, "--image-tokens", 70, "--soft", out, "--isa", at.name, "-t", 2)
            check(np.load(out), expected)


@pytest.mark.parametrize("model", MODELS)
def test_q12_keeps_soft_tokens(model, tmp_path):
    """Rounding weights to 12 bits and activations to 16 is felt less than arithmetic in bf16 would be."""
    prompt = next(pictures_of(model))
    expected = read_safetensors(GOLDENS / f"{model}.soft.safetensors")[f"{prompt['id']}.embeddings"]
    got = interpreted(CHECKPOINTS / model, golden_picture(model, prompt), tmp_path, ["--vision-weights", "q12"])
    assert 1e-5 < np.linalg.norm(got - expected) / np.linalg.norm(expected) < 1e-3


@pytest.mark.parametrize("name", tower_shapes.VISION)
@pytest.mark.parametrize("columns, rows", [(7, 5), (2, 1)])
def test_any_shape(name, columns, rows, tmp_path):
    """Random towers of odd shapes; more patches than attention has in a split, and fewer."""
    folder, (patches, places) = tower(name), random_patches(name, columns, rows)
    picture = Picture(patches, places, tower_shapes.VISION[name]["pooling_kernel_size"])
    check(interpreted(folder, picture, tmp_path), VisionTower(folder).encode(patches, places))


def test_bounds_are_met():
    """Clipped linears of the random towers clip: without, the soft tokens are others."""
    for name in ("clipped", "odd-everything"):
        reference, picture = VisionTower(tower(name)), random_patches(name, 3, 2)
        clipped = reference.encode(*picture)
        reference.c["use_clipped_linears"] = False
        assert np.abs(clipped - reference.encode(*picture)).max() > 0.1


COMPILED = {
    "clipped": ("tiny-e", ["--without", "audio"]),
    "plain-q4": ("tiny-dense", ["--vision-weights", "q4"]),
    "clipped-q12": ("tiny-e", ["--without", "audio", "--vision-weights", "q12"]),
    "clipped-q8": ("tiny-e", ["--without", "audio", "--vision-weights", "q8"]),
    **{f"random-{name}": (name, []) for name in tower_shapes.VISION},
    "random-q12": ("odd-everything", ["--vision-weights", "q12"]),
    "random-q4": ("odd-everything", ["--vision-weights", "q4"]),
    "random-q8": ("clipped", ["--vision-weights", "q8", "--activations", 16]),
}
LEVELS = itertools.product(COMPILED, levels())


@pytest.mark.parametrize("case, at", parameters(LEVELS, lambda case, at: takes_turn(at, list(COMPILED), case)), ids=str)
def test_machine_code(case, at, tmp_path):
    """Every level gives the bits of the interpreter, with any number of threads."""
    require(at)
    name, extra = COMPILED[case]
    if name in MODELS:
        folder, picture = CHECKPOINTS / name, golden_picture(name, next(pictures_of(name)))
    else:
        folder, (patches, places) = tower(name), random_patches(name, 7, 6)  # more than a block of 35
        picture = Picture(patches, places, tower_shapes.VISION[name]["pooling_kernel_size"])
    expected = interpreted(folder, picture, tmp_path, extra)
    assert expected.std() > 0.1
    for got in call_code(folder, "f32", at, FUNCTION, picture.rows, picture.inputs, extra, tmp_path):
        got = got[:, : expected.shape[1]]
        rows = np.flatnonzero((got.view(np.uint32) != expected.view(np.uint32)).any(-1))
        assert not len(rows), f"rows {rows[:5]} differ, by up to {np.abs(got - expected).max()}"


def test_errors(tmp_path):
    """Rows that are not those that the function wants are refused, by their names."""
    program = compile_program(CHECKPOINTS / "tiny-e", "f32", "interp")
    np.save(tmp_path / "patches.npy", np.zeros((17, 768), np.float32))
    np.save(tmp_path / "places.npy", np.zeros((18, 2), np.int32))
    words = ["call", program, "--function", FUNCTION, "--input", f"places={tmp_path}/places.npy"]
    for rows, more, message in (
        (2, [], "wants the input 'patches'"),
        (2, ["--input", f"patches={tmp_path}/patches.npy"], "has 17 rows of 768 f32, expected 18 of at most 768 f32"),
        (71, [], "with 71 rows, and the program has no such function"),
    ):
        done = gemmac(*words, "--rows", rows, *more, compiler=GEMMAC_INTERP)
        assert done.returncode == 1 and message in done.stderr


@pytest.mark.parametrize("place", [-1, 2**31 - 1])
def test_places_outside_of_the_tables(place, tmp_path):
    program = compile_program(CHECKPOINTS / "tiny-e", "f32", "interp")
    np.save(tmp_path / "patches.npy", np.zeros((9, 768), np.float32))
    np.save(tmp_path / "places.npy", np.array([[0, 0]] * 8 + [[0, place]], np.int32))
    inputs = [f"--input={name}={tmp_path}/{name}.npy" for name in ("patches", "places")]
    done = gemmac("call", program, "--function", FUNCTION, "--rows", 1, *inputs, compiler=GEMMAC_INTERP)
    assert done.returncode == 1 and f"row 8 of the places holds {place}, expected at least 0" in done.stderr
