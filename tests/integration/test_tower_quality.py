"""What quantized towers lose of the soft tokens of the goldens; docs/quantization.md has the table."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest

from measure_towers import relative_error
from media_files import read_sound
from support import BUILD, CHECKPOINTS, GOLDENS, MODELS, compile_program, compile_with_report, goldens, parameters
from support import ROOT, read_safetensors, record, succeed
from test_audio import features, filled_up
from test_vision import call, config, golden_picture

# Largest relative error of soft tokens, sqrt(sum of squared differences / sum of squares), with the activations that
# formats have unasked: about twice what was measured. The checkpoints are BF16, so bf16 loses nothing.
BOUNDS = {"bf16": 1e-5, "q12": 0.001, "q8": 0.008, "q6": 0.03, "q5": 0.06, "q4": 0.12}
TOWERS = [("vision", model) for model in MODELS] + [("audio", "tiny-e")]
SHORT = {("vision", "tiny-e", "q8"), ("vision", "tiny-moe", "q4"), ("vision", "tiny-dense", "bf16")}
SHORT |= {("audio", "tiny-e", "q8")}


def inputs_of(tower, model, prompt):
    """(function, rows, inputs, which rows are soft tokens) of a prompt of the goldens."""
    if tower == "vision":
        picture = golden_picture(model, prompt)
        return "encode_image_70", picture.rows, picture.inputs, slice(None)
    rows, inputs = filled_up(*features(read_sound(GOLDENS / prompt["media"]["file"])))
    return "encode_audio", rows, inputs, inputs["valid"][::4, 0] != 0


CASES = [(*tower, weights) for tower, weights in itertools.product(TOWERS, BOUNDS)]


@pytest.mark.parametrize("tower, model, weights", parameters(CASES, lambda *case: case in SHORT))
def test_relative_error(tower, model, weights, tmp_path):
    kind = {"vision": "image", "audio": "audio"}[tower]
    prompts = [one for one in goldens(model)["prompts"] if one.get("media", {}).get("kind") == kind]
    prompts = sorted(prompts, key=lambda one: one["media"]["soft_tokens"])[:2]
    soft = read_safetensors(GOLDENS / f"{model}.soft.safetensors")
    program = compile_program(CHECKPOINTS / model, "f32", "interp", [f"--{tower}-weights", weights])
    width, expected, got = config(CHECKPOINTS / model)["text_config"]["hidden_size"], [], []
    for prompt in prompts:
        function, rows, inputs, told = inputs_of(tower, model, prompt)
        got.append(call(program, function, rows, inputs, width, tmp_path)[told])
        expected.append(soft[f"{prompt['id']}.embeddings"])
    error = relative_error(expected, got)
    record(f"{model}.{tower}.{weights}", {"error": round(error, 6), "files": len(prompts)})
    assert len(prompts) == 2 and error <= BOUNDS[weights]
    assert weights == "bf16" or error > BOUNDS[weights] / 10


# Which formats the matrices of each tower have: places and convolutions are not asked.
BESIDE = {
    "f32": ({"bf16"}, {"bf16", "f32"}),
    "bf16": ({"bf16"}, {"bf16", "f32"}),
    "q8": ({"bf16", "q12"}, {"q12", "f32"}),
    "q4": ({"bf16", "q12"}, {"q12", "f32"}),
    "q4 --vision-weights bf16": ({"bf16"}, {"q12", "f32"}),
    "q4 --audio-weights f32": ({"bf16", "q12"}, {"f32"}),
}


@pytest.mark.parametrize("words", BESIDE)
def test_towers_follow_text(words):
    """q12 beside quantized text, as stored beside floats, unless asked; the report says which."""
    weights, *extra = words.split()
    found = compile_with_report(CHECKPOINTS / "tiny-e", weights, extra=extra)
    towers = {row["part"]: row["formats"] for row in found.report["towers"]}
    assert tuple(set(towers[part]) for part in ("pictures", "sounds")) == BESIDE[words]
    for part, formats in towers.items():
        assert f"matrices for {part}: " in found.printed and sum(formats.values()) > 5
    assert json.loads(succeed(found.program, "info", "--json"))["towers"] == found.report["towers"]


@pytest.mark.parametrize("weights", ["q8", "q4"])
def test_unasked_towers_lose_as_little_as_q12(weights, tmp_path):
    """Soft tokens of whole programs as most people compile them, pictures and sounds."""
    soft = read_safetensors(GOLDENS / "tiny-e.soft.safetensors")
    program = compile_program(CHECKPOINTS / "tiny-e", weights)
    for kind in ("image", "audio"):
        prompt = next(one for one in goldens("tiny-e")["prompts"] if one.get("media", {}).get("kind") == kind)
        words = ["media", GOLDENS / prompt["media"]["file"], "--soft", tmp_path / "soft.npy"]
        succeed(program, *words, *(["--image-tokens", 70] if kind == "image" else []))
        error = relative_error([soft[f"{prompt['id']}.embeddings"]], [np.load(tmp_path / "soft.npy")])
        assert BOUNDS["q12"] / 10 < error < BOUNDS["q12"]


def test_the_table_is_made_by_one_command(tmp_path):
    rows = tmp_path / "rows.json"
    words = ["--build", BUILD, "--models", "tiny-dense", "--formats", "q12,q4", "--markdown", "--json", rows]
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "measure_towers.py", *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    head, line, q12, q4 = done.stdout.splitlines()
    assert head == "| format | tiny-dense, pictures | same answers |" and line == "|---|---|---|"
    errors = [row["errors"]["tiny-dense, pictures"] for row in json.loads(rows.read_text())]
    assert 0 < errors[0] < BOUNDS["q12"] < errors[1] < BOUNDS["q4"]
    assert q12.endswith(" | 29 of 29 |") and q4.startswith(f"| q4 | {errors[1]:.4f} | ")
