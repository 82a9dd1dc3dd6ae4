"""What quantized towers lose of the soft tokens of the goldens; docs/quantization.md has the table."""

import itertools

import numpy as np
import pytest

from media_files import read_sound
from support import CHECKPOINTS, GOLDENS, MODELS, compile_program, goldens, parameters, read_safetensors, record
from test_audio import features, filled_up
from test_vision import call, config, golden_picture

# Largest relative error of soft tokens, sqrt(sum of squared differences / sum of squares), with activations of 8 bits:
# about twice what was measured. The checkpoints are BF16, so bf16 loses nothing.
BOUNDS = {"bf16": 1e-5, "q12": 0.001, "q8": 0.012, "q6": 0.03, "q5": 0.06, "q4": 0.12}
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
    width, differences, magnitude = config(CHECKPOINTS / model)["text_config"]["hidden_size"], 0.0, 0.0
    for prompt in prompts:
        function, rows, inputs, told = inputs_of(tower, model, prompt)
        got, expected = call(program, function, rows, inputs, width, tmp_path)[told], soft[f"{prompt['id']}.embeddings"]
        differences += float(((got - expected) ** 2).sum())
        magnitude += float((expected**2).sum())
    error = float(np.sqrt(differences / magnitude))
    record(f"{model}.{tower}.{weights}", {"error": round(error, 6), "files": len(prompts)})
    assert len(prompts) == 2 and error <= BOUNDS[weights]
    assert weights == "bf16" or error > BOUNDS[weights] / 10
