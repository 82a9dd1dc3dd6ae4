"""f32 programs answer every text prompt with exactly the golden tokens, at every ISA level; logits stay close."""

import itertools
import json

import numpy as np
import pytest

from support import CHECKPOINTS, GOLDENS, MODELS, base_level, compile_program, generate, golden_logits, goldens
from support import level, levels, logits, parameters, read_ids, require, run, succeed, takes_turn, text_prompts

# Emulation is about 20 times slower: of these kinds one prompt each, where not all of them are asked for.
SUBSET = ("thinking", "tool_call", "recall", "fact", "story")
ISAS = [one.name for one in levels()]


def wrong_answers(model, prompts, at, folder):
    """The prompts whose answer is not the golden one, with the program's first token that differs."""
    program, wrong = compile_program(CHECKPOINTS / model, "f32", at), []
    for prompt in prompts:
        got, expected = generate(program, prompt["input_ids"], 64, folder, at), prompt["generated_ids"]
        if got != expected:
            shorter = min(len(got), len(expected))
            same = next((i for i in range(shorter) if got[i] != expected[i]), shorter)
            wrong.append(f"{prompt['id']}: token {same} of {len(expected)}")
    return wrong


def one_of_each_kind(model):
    by_task = {prompt["task"]: prompt for prompt in reversed(text_prompts(model))}
    return [by_task[task] for task in SUBSET if task in by_task]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("isa", ISAS)
def test_tokens(model, isa, tmp_path):
    """Every text prompt where the level runs natively, one of each kind where it is emulated."""
    at = require(level(isa))
    prompts = one_of_each_kind(model) if at.launcher else text_prompts(model)
    assert len(prompts) >= 3 and not wrong_answers(model, prompts, at, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("isa", [one.name for one in levels() if one.launcher])
def test_all_tokens_emulated(model, isa, tmp_path):
    assert not wrong_answers(model, text_prompts(model), require(level(isa)), tmp_path)


@pytest.mark.parametrize("target", dict.fromkeys(one.target for one in levels()))
def test_program_of_all_levels(target, tmp_path):
    """As users compile: one program with all levels of a target, each of which gives the golden tokens when named."""
    program, prompt = compile_program(CHECKPOINTS / "tiny-e", "f32", target), one_of_each_kind("tiny-e")[-1]
    run_here = [at for at in levels() if at.target == target and not at.missing]
    if not run_here:
        pytest.skip(f"{target}: {next(at.missing for at in levels() if at.target == target)}")
    for at in run_here:
        assert generate(program, prompt["input_ids"], 64, tmp_path, at) == prompt["generated_ids"], at.name
    best = run(program, "info", at=run_here[-1]).stdout.decode()
    assert f"{run_here[-1].name} (in use)" in best, best


def media_prompts(model):
    return [prompt for prompt in goldens(model)["prompts"] if "media" in prompt]


def ask_of(prompt):
    """The words that ask a program what a golden prompt asks: the picture or sound, then the text."""
    text = next(part["text"] for part in prompt["messages"][0]["content"] if part["type"] == "text")
    return [f"--{prompt['media']['kind']}", GOLDENS / prompt["media"]["file"], "-p", text]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("isa", ISAS)
def test_pictures_and_sounds(model, isa):
    """From file to answer: every prompt where the level runs natively, one of each kind where it is emulated."""
    at, prompts = require(level(isa)), media_prompts(model)
    if at.launcher:
        prompts = {prompt["media"]["kind"]: prompt for prompt in prompts}.values()
    program = compile_program(CHECKPOINTS / model, "f32", at)
    for prompt in prompts:
        words = [*ask_of(prompt), "--temperature", 0, "-n", 64, "--ids", "--isa", at.name]
        assert read_ids(succeed(program, *words, at=at)) == prompt["generated_ids"], prompt["id"]


def worst_difference(model, weights, at, folder):
    """Largest |logit - golden| over all golden rows of text prompts; of two prompts where the level is emulated."""
    program, expected = compile_program(CHECKPOINTS / model, weights, at), golden_logits(model)
    prompts = [prompt for prompt in text_prompts(model) if "logits" in prompt]
    worst, rows = 0.0, 0
    for prompt in prompts[:2] if at.launcher else prompts:
        first, steps = expected[prompt["id"] + ".prompt"], expected[prompt["id"] + ".steps"]
        got = logits(program, prompt["input_ids"] + prompt["generated_ids"][: len(steps) - 1], folder, at)
        at_prompt, at_steps = got[: len(first)], got[len(prompt["input_ids"]) - 1 :]
        worst = max(worst, np.abs(at_prompt - first).max(), np.abs(at_steps - steps).max())
        rows += len(first) + len(steps)
    least = 20 if at.launcher else 60
    assert rows >= least, f"{model}: only {rows} golden rows, expected at least {least}"
    return float(worst)


BOUNDS = {"f32": 5e-4, "bf16": 0.03}


def logits_in_short(model, weights, isa):
    """Levels give the same bits (test_determinism.py), so that those beside the base take turns with bf16."""
    return weights == "f32" or level(isa) == base_level() or takes_turn(level(isa), MODELS, model)


@pytest.mark.parametrize("model, weights, isa", parameters(itertools.product(MODELS, BOUNDS, ISAS), logits_in_short))
def test_logits(model, weights, isa, tmp_path):
    worst = worst_difference(model, weights, require(level(isa)), tmp_path)
    print(f"{model} {weights} {isa}: largest difference {worst:.2e}")
    assert worst <= BOUNDS[weights]


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
        assert sum("media" not in one for one in counted) == 22 and len(media_prompts(model)) >= 5
