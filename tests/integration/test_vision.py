"""Pictures: the encoder of a program makes of patches the soft tokens of the goldens and of docs/spec.

The interpreter runs it: one call of a function with rows by name (tests/interp).
"""

import json
import sys

import numpy as np
import pytest

import random_checkpoint
from media_files import read_picture
from support import CHECKPOINTS, GEMMAC_INTERP, GOLDENS, MODELS, OUT, ROOT, compile_program, gemmac, goldens
from support import read_safetensors, write_once

sys.path.insert(0, str(ROOT / "docs/spec"))
from reference_vision import VisionTower, preprocess  # noqa: E402

# Largest difference of an element of a soft token, whose magnitudes go to 6. Observed: 3.4e-6 from the goldens, 2.5e-6 in
# random shapes.
BOUND = 2e-5
WITHOUT = {"tiny-e": ["--without", "audio"]}


def cell_order(patches, places, pool):
    """The patches of one soft token after each other, soft tokens in raster order."""
    columns = (places[:, 0].max() + 1) // pool
    order = np.argsort(places[:, 0] // pool + columns * (places[:, 1] // pool), kind="stable")
    return patches[order], places[order]


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


def soft_tokens(folder, patches, places, work, budget=70):
    """Those of one picture, from patches and places in raster order."""
    config = json.loads((folder / "config.json").read_text())
    pool = config["vision_config"]["pooling_kernel_size"]
    patches, places = cell_order(patches, places, pool)
    inputs = {"patches": patches.astype(np.float32), "places": places.astype(np.int32)}
    program = compile_program(folder, "f32", "interp", WITHOUT.get(folder.name, []))
    rows, width = len(patches) // pool**2, config["text_config"]["hidden_size"]
    return call(program, f"encode_image_{budget}", rows, inputs, width, work)


def check(got, expected):
    assert got.shape == expected.shape and expected.std() > 0.1
    assert np.abs(got - expected).max() <= BOUND


def pictures():
    for model in MODELS:
        for prompt in goldens(model)["prompts"]:
            if prompt.get("media", {}).get("kind") == "image":
                yield pytest.param(model, prompt, id=f"{model}-{prompt['id']}")


@pytest.mark.parametrize("model, prompt", pictures())
def test_goldens(model, prompt, tmp_path):
    expected = read_safetensors(GOLDENS / f"{model}.vision.safetensors")[f"{prompt['id']}.embeddings"]
    patches, places = preprocess(read_picture(GOLDENS / prompt["media"]["file"]), budget=70)
    check(soft_tokens(CHECKPOINTS / model, patches, places, tmp_path), expected)


@pytest.mark.parametrize("name", random_checkpoint.VISION)
@pytest.mark.parametrize("columns, rows", [(7, 5), (2, 1)])
def test_any_shape(name, columns, rows, tmp_path):
    """Random towers of odd shapes; more rows than attention has in a split, and fewer. The sides are in soft tokens."""
    vision = random_checkpoint.VISION[name]

    def write(folder):
        random_checkpoint.write(folder, random_checkpoint.text(hidden_size=100), dtype="F32", vision=vision)

    folder = write_once(OUT / "towers" / name, write)
    pool, values = vision["pooling_kernel_size"], vision["patch_size"] ** 2 * 3
    y, x = np.divmod(np.arange(columns * rows * pool**2), columns * pool)
    patches = np.random.default_rng(7).random((len(x), values), np.float32)
    places = np.stack([x, y], -1)
    check(soft_tokens(folder, patches, places, tmp_path), VisionTower(folder).encode(patches, places))


def test_errors(tmp_path):
    """Rows that are not those that the function wants are refused, by their names."""
    program = compile_program(CHECKPOINTS / "tiny-e", "f32", "interp", WITHOUT["tiny-e"])
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
