"""What quantization costs, measured on the evaluation text against the f32 program; and f32's own perplexity."""

import itertools
import json
import re

import numpy as np
import pytest

from support import CHECKPOINTS, GOLDENS, MODELS, alone, compile_program, eval_ids, goldens, in_short, logits
from support import parameters, record, succeed

# Largest mean KL divergence and smallest share of equal greedy tokens that a format may have on a small checkpoint:
# about four times what was measured. The checkpoints are BF16, so bf16 loses nothing.
BOUNDS = {
    "bf16": (1e-6, 0.999),
    "q8": (0.001, 0.985),
    "q6": (0.002, 0.97),
    "q5": (0.004, 0.955),
    "q4": (0.01, 0.94),
    "q3": (0.05, 0.85),
}
WINDOW = 256


def log_softmax(rows):
    rows = rows.astype(np.float64)
    rows -= rows.max(-1, keepdims=True)
    return rows - np.log(np.exp(rows).sum(-1, keepdims=True))


def divergence(expected, got):
    """(mean KL in nats, share of rows with the same largest logit)."""
    p, q = log_softmax(expected), log_softmax(got)
    return float((np.exp(p) * (p - q)).sum(-1).mean()), float((p.argmax(-1) == q.argmax(-1)).mean())


@pytest.mark.parametrize("model, weights", parameters(itertools.product(MODELS, BOUNDS), in_short))
def test_divergence(model, weights, tmp_path):
    windows = np.array(eval_ids(1 + 4 * (WINDOW - 1))[1:]).reshape(4, WINDOW - 1)
    rows = {"f32": [], weights: []}
    for kind, parts in rows.items():
        program = compile_program(CHECKPOINTS / model, kind)
        parts.extend(logits(program, [2, *window], tmp_path) for window in windows)
    kl, agreement = divergence(*(np.concatenate(parts) for parts in rows.values()))
    record(f"{model}.{weights}", {"kl": round(kl, 6), "top1": round(agreement, 4), "tokens": 4 * WINDOW})
    most, least = BOUNDS[weights]
    assert 0 <= kl <= most and agreement >= least


UNASKED = {"q8": 16, "q4": 8}  # bits of activations


@pytest.mark.parametrize(
    "model, weights",
    parameters(itertools.product(MODELS, UNASKED), lambda *case: case in (("tiny-e", "q8"), ("tiny-moe", "q4"))),
)
def test_activation_bits(model, weights, tmp_path):
    """Activations of 16 bits, which q8 has unasked, leave nearly all of what is lost to the weights."""
    ids = eval_ids(WINDOW)
    expected, loss = logits(compile_program(CHECKPOINTS / model), ids, tmp_path), {}
    for bits in (8, 16):
        extra = ["--activations", bits] if bits != UNASKED[weights] else []
        program = compile_program(CHECKPOINTS / model, weights, extra=extra)
        assert json.loads(succeed(program, "info", "--json"))["activation_bits"] == bits
        loss[bits] = divergence(expected, logits(program, ids, tmp_path))[0]
    record(f"{model}.{weights}.activations", {str(bits): round(kl, 6) for bits, kl in loss.items()})
    assert loss[16] < loss[8] if weights == "q8" else loss[16] < 1.2 * loss[8]


def perplexity(program, *extra):
    """Mean negative log-likelihood per token that `score --text` reports for eval.txt."""
    report = json.loads(succeed(program, "score", "--text", GOLDENS / "eval.txt", "--window", 255, "--json", *extra))
    return report


@pytest.mark.parametrize("model", MODELS)
def test_perplexity(model):
    """f32 reproduces the golden negative log-likelihood of the whole evaluation text."""
    expected, got = goldens(model)["eval"], perplexity(compile_program(CHECKPOINTS / model), "-t", 2)
    record(f"{model}.f32.nll", round(got["nll"], 6))
    assert got["tokens"] == expected["tokens"]
    assert abs(got["nll"] - expected["nll"]) <= 1e-3


@pytest.mark.parametrize("model, weights", parameters(itertools.product(MODELS, ("q8", "q4")), in_short))
def test_perplexity_quantized(model, weights):
    got = perplexity(compile_program(CHECKPOINTS / model, weights), "-t", 2)["nll"]
    record(f"{model}.{weights}.nll", round(got, 6))
    assert abs(got - goldens(model)["eval"]["nll"]) <= {"q8": 0.002, "q4": 0.02}[weights]


@pytest.mark.parametrize("model", alone(MODELS, "tiny-e"))
def test_quantized_tables(model, tmp_path):
    """Embedding and per-layer tables may be quantized on their own; rows are read from the quantized table."""
    program = compile_program(CHECKPOINTS / model, "f32", extra=["--embeddings", "q8", "--per-layer-table", "q8"])
    ids = eval_ids(200)
    kl, agreement = divergence(
        logits(compile_program(CHECKPOINTS / model), ids, tmp_path), logits(program, ids, tmp_path)
    )
    record(f"{model}.f32-with-q8-tables", {"kl": round(kl, 6), "top1": round(agreement, 4)})
    assert 0 < kl <= 0.001 and agreement >= 0.98


def test_plain_text_report():
    """Without --json the numbers are readable and the same."""
    program = compile_program(CHECKPOINTS / "tiny-e", "q4")
    text = succeed(program, "score", "--text", GOLDENS / "eval.txt", "--window", 255).decode()
    assert abs(float(re.search(r"\d+\.\d+", text).group()) - perplexity(program)["nll"]) < 1e-3
