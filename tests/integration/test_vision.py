"""Pictures: the encoder of a program makes of patches the soft tokens of the goldens and of docs/spec.

The interpreter runs one call of a function with rows by name (tests/interp), compiled code the same by its ABI
(call_program.cpp).
"""

import json
import struct
import subprocess
import sys

import numpy as np
import pytest

import random_checkpoint
from media_files import read_picture
from support import CHECKPOINTS, GEMMAC_INTERP, GOLDENS, MODELS, OUT, ROOT, base_level, compile_program, gemmac
from support import goldens, levels, parameters, read_safetensors, write_once
from test_engine import compiler

sys.path.insert(0, str(ROOT / "docs/spec"))
from reference_vision import VisionTower, preprocess  # noqa: E402

# Largest difference of an element of a soft token, whose magnitudes go to 6. Observed: 3.4e-6 from the goldens, 2.5e-6
# in random shapes.
BOUND = 2e-5


class Picture:
    """The patches of a picture, those of one soft token after each other, and how many soft tokens it gives."""

    def __init__(self, patches, places, pool):
        columns = (places[:, 0].max() + 1) // pool
        order = np.argsort(places[:, 0] // pool + columns * (places[:, 1] // pool), kind="stable")
        self.inputs = {"patches": patches[order].astype("<f4"), "places": places[order].astype("<i4")}
        self.rows, self.per_row = len(patches) // pool**2, pool**2


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
        random_checkpoint.write(folder, text, dtype="F32", vision=random_checkpoint.VISION[name])

    return write_once(OUT / "towers" / name, write)


def random_patches(name, columns, rows):
    """Patches and places in raster order; the sides are in soft tokens."""
    vision = random_checkpoint.VISION[name]
    pool, values = vision["pooling_kernel_size"], vision["patch_size"] ** 2 * 3
    y, x = np.divmod(np.arange(columns * rows * pool**2), columns * pool)
    return np.random.default_rng(7).random((len(x), values), np.float32), np.stack([x, y], -1)


def interpreted(folder, picture, work, weights="f32", extra=()):
    program = compile_program(folder, weights, "interp", extra)
    words, out = [], work / "soft.npy"
    for name, array in picture.inputs.items():
        np.save(work / f"{name}.npy", array)
        words += ["--input", f"{name}={work / name}.npy"]
    words += ["--function", "encode_image_70", "--rows", picture.rows, "--output", f"soft_tokens={out}"]
    done = gemmac("call", program, *words, compiler=GEMMAC_INTERP)
    assert done.returncode == 0, done.stderr
    return np.load(out)


def check(folder, got, expected):
    width = config(folder)["text_config"]["hidden_size"]
    assert got.shape[0] == len(expected) and not got[:, width:].any() and expected.std() > 0.1
    assert np.abs(got[:, :width] - expected).max() <= BOUND


def pictures_of(model):
    return (prompt for prompt in goldens(model)["prompts"] if prompt.get("media", {}).get("kind") == "image")


GOLDEN = [pytest.param(m, prompt, id=f"{m}-{prompt['id']}") for m in MODELS for prompt in pictures_of(m)]


@pytest.mark.parametrize("model, prompt", GOLDEN)
def test_goldens(model, prompt, tmp_path):
    expected = read_safetensors(GOLDENS / f"{model}.soft.safetensors")[f"{prompt['id']}.embeddings"]
    check(CHECKPOINTS / model, interpreted(CHECKPOINTS / model, golden_picture(model, prompt), tmp_path), expected)


@pytest.mark.parametrize("name", random_checkpoint.VISION)
@pytest.mark.parametrize("columns, rows", [(7, 5), (2, 1)])
def test_any_shape(name, columns, rows, tmp_path):
    """Random towers of odd shapes; more patches than attention has in a split, and fewer."""
    folder, (patches, places) = tower(name), random_patches(name, columns, rows)
    picture = Picture(patches, places, random_checkpoint.VISION[name]["pooling_kernel_size"])
    check(folder, interpreted(folder, picture, tmp_path), VisionTower(folder).encode(patches, places))


def test_bounds_are_met():
    """Clipped linears of the random towers clip: without, the soft tokens are others."""
    for name in ("clipped", "odd-everything"):
        reference, picture = VisionTower(tower(name)), random_patches(name, 3, 2)
        clipped = reference.encode(*picture)
        reference.c["use_clipped_linears"] = False
        assert np.abs(clipped - reference.encode(*picture)).max() > 0.1


# ---- compiled code
def data_section(program):
    """What its file carries beside the code; the description of the place has the length of the file."""
    content = program.read_bytes()
    at = content.find(b"GEMMACIM")
    while struct.unpack_from("<Q", content, at + 24)[0] != len(content):
        at = content.index(b"GEMMACIM", at + 1)
    offset, size = struct.unpack_from("<QQ", content, at + 8)
    return content[offset : offset + size]


def link(folder, weights, extra, work):
    """A program that calls functions of the compiled model, for all levels of this machine's target."""
    words = ["--emit", "obj", "--target", base_level().target, "--weights", weights, *extra, "-q"]
    done = gemmac("compile", folder, "-o", work / "out", *words)
    assert done.returncode == 0, done.stderr
    (work / "data").write_bytes(data_section(compile_program(folder, weights, extra=extra)))
    source, includes = ROOT / "tests" / "integration" / "call_program.cpp", ["-I", ROOT / "runtime" / "include"]
    words = [*compiler(), "-std=c++20", "-O1", "-no-pie", *includes, source, *sorted(work.glob("out.*.o"))]
    done = subprocess.run([*map(str, words), "-lpthread", "-o", str(work / "call")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def called(picture, level, threads, width, work):
    words = [work / "data", "encode_image_70", level, threads, picture.rows]
    for name, array in picture.inputs.items():
        array.tofile(work / name)
        words += ["in", name, picture.per_row, work / name]
    words = [work / "call", *words, "out", "soft_tokens", work / "soft"]
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return np.fromfile(work / "soft", "<f4").reshape(picture.rows, width)


COMPILED = [
    ("tiny-e", "f32", []),
    ("tiny-e", "f32", ["--vision-weights", "q8"]),
    ("tiny-dense", "f32", ["--vision-weights", "q4"]),
    *((name, "f32", []) for name in random_checkpoint.VISION),
    ("odd-everything", "f32", ["--vision-weights", "q4"]),
    ("clipped", "f32", ["--vision-weights", "q8", "--activations", 16]),
]


@pytest.mark.parametrize("name, weights, extra", parameters(COMPILED, lambda name, _, extra: extra or name == "small"))
def test_compiled_code_gives_the_same_bits(name, weights, extra, tmp_path):
    """At each level that this machine has, for any number of threads."""
    here = [one for one in levels() if one.target == base_level().target and not one.missing and not one.launcher]
    if not here:
        pytest.skip("compiled code is called on this machine alone")
    if name in MODELS:
        folder, picture = CHECKPOINTS / name, golden_picture(name, next(pictures_of(name)))
    else:
        patches = random_patches(name, 7, 5)
        folder, picture = tower(name), Picture(*patches, random_checkpoint.VISION[name]["pooling_kernel_size"])
    expected = interpreted(folder, picture, tmp_path, weights, extra)
    assert expected.std() > 0.1
    link(folder, weights, extra, tmp_path)
    for level in here:
        for threads in (1, 3):
            got = called(picture, level, threads, expected.shape[1], tmp_path)
            rows = np.flatnonzero((got.view(np.uint32) != expected.view(np.uint32)).any(-1))
            assert not len(rows), f"{level}, {threads} threads: rows {rows[:5]} differ, {np.abs(got - expected).max()}"


def test_errors(tmp_path):
    """Rows that are not those that the function wants are refused, by their names."""
    program = compile_program(CHECKPOINTS / "tiny-e", "f32", "interp")
    np.save(tmp_path / "patches.npy", np.zeros((17, 768), np.float32))
    np.save(tmp_path / "places.npy", np.zeros((18, 2), np.int32))
    words = ["call", program, "--function", "encode_image_70", "--input", f"places={tmp_path}/places.npy"]
    for rows, more, message in (
        (2, [], "wants the input 'patches'"),
        (2, ["--input", f"patches={tmp_path}/patches.npy"], "has 17 rows of 768 f32, expected 18 of at most 768 f32"),
        (71, [], "with 71 rows, and the program has no such function"),
    ):
        done = gemmac(*words, "--rows", rows, *more, compiler=GEMMAC_INTERP)
        assert done.returncode == 1 and message in done.stderr
