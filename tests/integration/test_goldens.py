"""f32 programs answer every text prompt with exactly the golden tokens, at every ISA level; logits stay close."""

import json

import numpy as np
import pytest

from support import (
    CHECKPOINTS,
    GOLDENS,
    MODELS,
    compile_program,
    generate,
    golden_logits,
    goldens,
    level,
    logits,
    require,
    run,
)
from support import succeed, text_prompts

# Emulation is about 20 times slower: AArch64 answers every prompt of one model and a few kinds of the others.
SUBSET = {"thinking", "tool_call", "recall", "fact", "story"}


def cases(names):
    for model in MODELS:
        for prompt in goldens(model)["prompts"]:
            yield pytest.param(model, prompt, id=f"{model}-{prompt['id']}")


def answer(model, prompt, at, folder):
    if "media" in prompt:
        pytest.skip(f"prompt with {prompt['media']['kind']}: not compiled yet")
    program = compile_program(CHECKPOINTS / model, "f32", at.target)
    assert generate(program, prompt["input_ids"], 64, folder, at) == prompt["generated_ids"]


@pytest.mark.parametrize("model, prompt", cases(MODELS))
@pytest.mark.parametrize("isa", ["avx2", "avx512"])
def test_tokens_x86(model, prompt, isa, tmp_path):
    answer(model, prompt, require(level(isa)), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("isa", ["neon", "dotprod"])
@pytest.mark.parametrize("model", MODELS)
def test_tokens_arm(model, isa, tmp_path):
    at = require(level(isa))
    whole = model == ("tiny-e" if isa == "neon" else "tiny-moe")
    for prompt in text_prompts(model):
        if whole or prompt["task"] in SUBSET:
            answer(model, prompt, at, tmp_path)


def worst_difference(model, weights, at, folder):
    """Largest |logit - golden| over all golden rows of text prompts."""
    program, expected, worst, rows = (
        compile_program(CHECKPOINTS / model, weights, at.target),
        golden_logits(model),
        0.0,
        0,
    )
    for prompt in text_prompts(model):
        if "logits" not in prompt:
            continue
        first, steps = expected[prompt["id"] + ".prompt"], expected[prompt["id"] + ".steps"]
        got = logits(program, prompt["input_ids"] + prompt["generated_ids"][: len(steps) - 1], folder, at)
        worst = max(
            worst, np.abs(got[: len(first)] - first).max(), np.abs(got[len(prompt["input_ids"]) - 1 :] - steps).max()
        )
        rows += len(first) + len(steps)
    assert rows >= 60, f"{model}: only {rows} golden rows, expected at least 60"
    return float(worst)


@pytest.mark.parametrize("isa", ["avx2", "avx512", "neon", "dotprod"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("weights, bound", [("f32", 5e-4), ("bf16", 0.03)])
def test_logits(model, weights, bound, isa, tmp_path):
    worst = worst_difference(model, weights, require(level(isa)), tmp_path)
    print(f"{model} {weights} {isa}: largest difference {worst:.2e}")
    assert worst <= bound


def test_chat_format(tmp_path):
    """`-p` renders the chat prompt itself: the same answers as the golden prompts, without control tokens."""
    checked = 0
    for model in MODELS:
        program = compile_program(CHECKPOINTS / model)
        for prompt in text_prompts(model):
            messages = prompt["messages"]
            if (
                not prompt["prompt"].startswith("<bos><|turn>user")
                or len(messages) > 1
                or prompt["tools"]
                or prompt["enable_thinking"]
            ):
                continue
            done = run(program, "-p", messages[0]["content"], "-n", 64, "--temperature", 0)
            assert done.returncode == 0, done.stderr.decode()
            if prompt["generated_ids"][-1] in goldens(model)["eos_token_id"]:
                assert done.stdout.decode().strip() == prompt["text"].removesuffix("<turn|>").strip(), prompt["id"]
                checked += 1
    assert checked >= 24


def test_raw_prompt():
    """`--raw` continues the text as it is."""
    prompt = next(one for one in text_prompts("tiny-e") if one["task"] == "story")
    assert prompt["prompt"].startswith("<bos>")
    out = succeed(
        compile_program(CHECKPOINTS / "tiny-e"),
        "--raw",
        "-p",
        prompt["prompt"].removeprefix("<bos>"),
        "-n",
        64,
        "--temperature",
        0,
    )
    assert out.decode().rstrip("\n") == prompt["text"]


def test_goldens_are_whole():
    """The data that everything above rests on."""
    for model in MODELS:
        counted = json.loads((GOLDENS / f"{model}.json").read_text())["prompts"]
        assert sum("media" not in one for one in counted) == 22
