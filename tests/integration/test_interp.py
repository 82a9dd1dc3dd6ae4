"""The interpreter of planned steps (targets/interp), written from docs/spec/numerics.md alone, gives the bits of
compiled programs and the golden tokens."""

import numpy as np
import pytest

import quantized_checkpoint
import random_checkpoint
from random_checkpoint import F, S
from support import CHECKPOINTS, GEMMAC_INTERP, MODELS, OUT, compile_program, eval_ids, gemmac, logits
from support import text_prompts, write_ids, write_once
from test_value_range import LARGE_KEYS, LARGE_VALUES, multiply

PREFILLED = 20  # in chunks of 7; the others go through decode and verify by turns
# Each kind of step, of weights, of activations and of caches, in as few programs as show it.
TINY = [
    ("tiny-e", "f32", []),
    ("tiny-e", "q12", []),  # activations of 16 bits, as with q8
    ("tiny-e", "q8", []),
    ("tiny-e", "q5", ["--cache", "q8"]),
    ("tiny-e", "q4", []),
    ("tiny-moe", "f32", ["--cache", "q4"]),  # keys that are values
    ("tiny-moe", "q4", []),
    ("tiny-dense", "q8", ["--activations", 8]),
    ("tiny-dense", "bf16", ["--cache", "sliding=q8,full=q4"]),
]
RANDOM = [
    ("odd-everything", "f32", ["--cache", "f16"]),
    ("odd-everything", "q6", ["--cache", "q4"]),
    ("odd-everything", "c4", []),
    ("per-layer-embeddings", "q3", ["--cache", "q8"]),
    ("per-layer-embeddings", "c2", []),
    ("experts", "q2", ["--activations", 16]),
    ("experts", "q12", ["--activations", 8, "--embeddings", "q5"]),  # which reads 8 bits; q12 reads 16 in any case
    ("experts", "c8", []),
    ("per-layer-config", "q4", ["--cache", "q8"]),
    ("gemma3-odd", "bf16", []),
    ("gemma3-odd", "q5", ["--cache", "q8"]),
]
GRIDS = [("mobile-edge", weights) for weights in ("q8", "q4", "f32")] + [("compressed-odd-heads", "q4")]


def interpreted(folder, weights, ids, work, extra=(), prefill=PREFILLED, target="interp"):
    """The logits that the interpreter gives behind the first `prefill` ids."""
    program, out = compile_program(folder, weights, target, extra), work / "interp.npy"
    feed = ["--prefill", prefill, "--chunk", 7, "--function", "mix"]
    words = ["--ids", write_ids(work / "interp.ids", ids), "--logits", out, *feed]
    done = gemmac("run", program, *words, compiler=GEMMAC_INTERP)
    assert done.returncode == 0, done.stderr
    return np.load(out)


def check_same_bits(folder, weights, ids, work, extra=(), target="interp"):
    expected = logits(compile_program(folder, weights, extra=extra), ids, work)[PREFILLED:]
    got = interpreted(folder, weights, ids, work, extra, target=target)
    assert got.shape == expected.shape and expected.std() > 0.1
    rows = np.flatnonzero((got.view(np.uint32) != expected.view(np.uint32)).any(-1))
    assert not len(rows), f"rows {rows[:5]} of {len(got)} differ, by up to {np.abs(got - expected).max()}"


def random_ids(text, count=41):
    return [2, *map(int, np.random.default_rng(11).integers(0, text["vocab_size"], count - 1))]


@pytest.mark.parametrize("model, weights, extra", TINY)
def test_trained(model, weights, extra, tmp_path):
    check_same_bits(CHECKPOINTS / model, weights, eval_ids(60), tmp_path, extra)


@pytest.mark.parametrize("target", ["interp", "interp-spmd"])
def test_several_splits_of_keys(target, tmp_path):
    """Also in the plan of CPUs, which divides the attention of one row by its keys and merges the parts."""
    check_same_bits(CHECKPOINTS / "tiny-e", "q4", eval_ids(200), tmp_path, target=target)


def test_plan_of_cpus_with_experts(tmp_path):
    check_same_bits(CHECKPOINTS / "tiny-moe", "q4", eval_ids(60), tmp_path, target="interp-spmd")


@pytest.mark.parametrize("name, weights, extra", RANDOM)
def test_odd_shapes(name, weights, extra, tmp_path):
    text, options = random_checkpoint.CASES[name]
    folder = write_once(OUT / "shapes" / name, lambda folder: random_checkpoint.write(folder, text, **options))
    check_same_bits(folder, weights, random_ids(text), tmp_path, extra)


@pytest.mark.parametrize("name, weights", GRIDS)
def test_static_grids_and_kept_integers(name, weights, tmp_path):
    folder = write_once(OUT / "quantized" / name, lambda folder: quantized_checkpoint.write(folder, name))
    check_same_bits(folder, weights, random_ids(quantized_checkpoint.CASES[name][0]), tmp_path, ["--cache", "f32"])


@pytest.mark.parametrize("gemma3, factors, cache", [(True, LARGE_VALUES, "f16"), (False, LARGE_KEYS, "q8")])
def test_exponents_of_caches(gemma3, factors, cache, tmp_path):
    config = (random_checkpoint.text3 if gemma3 else random_checkpoint.text)(layer_types=[S, S, F])
    random_checkpoint.write(tmp_path / "exponents", config, causal_lm=True, dtype="F32")
    multiply(tmp_path / "exponents", factors)
    ids = random_ids(config)
    check_same_bits(tmp_path / "exponents", "f32", ids, tmp_path, ["--cache", cache])


@pytest.mark.parametrize("model", MODELS)
def test_goldens(model, tmp_path):
    """Fed a golden answer, the likeliest token is each time the next one of the answer: greedy decoding gives it."""
    for prompt in text_prompts(model)[:3]:
        ids, answer = prompt["input_ids"], prompt["generated_ids"]
        got = interpreted(CHECKPOINTS / model, "f32", ids + answer[:-1], tmp_path, prefill=len(ids) - 1)
        assert got.argmax(-1).tolist() == answer, prompt["id"]


def test_errors(tmp_path):
    """What is no program of the target, and what has no code of that kind, is said."""
    ids = write_ids(tmp_path / "ids", [2])
    done = gemmac("run", ids, "--ids", ids, "--logits", tmp_path / "no.npy", compiler=GEMMAC_INTERP)
    assert done.returncode == 1 and "is no program of the target interp" in done.stderr
    words = ["--target", "interp", "--emit", "asm", "-o", tmp_path / "x"]
    done = gemmac("compile", CHECKPOINTS / "tiny-e", *words, compiler=GEMMAC_INTERP)
    assert done.returncode == 1 and "interp has objects of the level scalar" in done.stderr
