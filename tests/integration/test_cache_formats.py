"""KV caches of 8 and 4 bits: how far logits move, the same bits however work is divided, what `info` says of them."""

import itertools
import json

import numpy as np
import pytest

from support import CHECKPOINTS, MODELS, base_level, compile_program, eval_ids, level, levels, parameters, record
from support import require, score, succeed, takes_turn, write_ids

TOKENS = 230  # seven windows of 32 and a bit: the rings wrap several times, and no chunk size divides it
FORMATS = ("q8", "q4", "sliding=q8,full=q4")
# KL divergence against an f32 cache (nats, mean over tokens) and the share of equal likeliest tokens, about twice what
# is measured.
BOUNDS = {"f16": (1e-5, 0.99), "q8": (1e-3, 0.97), "q4": (0.1, 0.85), "sliding=q8,full=q4": (0.05, 0.88)}


# All of them on one model, one on each of the others.
SHORT = {"tiny-e": set(BOUNDS), "tiny-moe": {"q8"}, "tiny-dense": {"sliding=q8,full=q4"}}


def in_short(model, cache):
    return cache in SHORT[model]


def compiled(model, cache, target=None):
    """With f32 weights a cache of f32 is what comes unasked."""
    return compile_program(CHECKPOINTS / model, "f32", target, extra=["--cache", cache] if cache != "f32" else [])


def distance(model, cache, folder):
    """KL divergence and agreement of the program with that cache against the one whose cache is exact."""
    ids = eval_ids(TOKENS)
    reference = score(compiled(model, "f32"), ids, folder)
    file = write_ids(folder / "score.ids", ids)
    report = json.loads(succeed(compiled(model, cache), "score", "--ids", file, "--reference", reference, "--json"))
    assert report["compared"] == TOKENS
    return report["kl"], report["top1"]


@pytest.mark.parametrize("model, cache", parameters(itertools.product(MODELS, BOUNDS), in_short))
def test_distance(model, cache, tmp_path):
    kl, top1 = distance(model, cache, tmp_path)
    record(f"{model}.cache-{cache}", {"kl": round(kl, 6), "top1": round(top1, 4), "tokens": TOKENS})
    most, least = BOUNDS[cache]
    assert 0 < kl <= most and top1 >= least


@pytest.mark.parametrize("model, cache", parameters(itertools.product(MODELS, FORMATS), in_short))
def test_same_bits(model, cache, tmp_path):
    """Threads, chunks, the phase that computes a row: keys and values are rounded once, when they are stored."""
    program, ids = compiled(model, cache), 3 * eval_ids(TOKENS)
    whole = np.load(score(program, ids, tmp_path, extra=["-t", 1]))
    assert np.load(score(program, ids, tmp_path, extra=["-t", 3])).tobytes() == whole.tobytes()
    for chunk in (7, 48):
        extra = ["-t", 2, "--prefill", 500, "--chunk", chunk]
        assert np.load(score(program, ids, tmp_path, extra=extra)).tobytes() == whole[500:].tobytes()
    decoded = np.load(score(program, ids, tmp_path, extra=["-t", 3, "--prefill", 640, "--decode"]))
    assert decoded.tobytes() == whole[640:].tobytes()


def levels_in_short(cache, isa):
    return takes_turn(level(isa), ("q4", "q8"), cache)


@pytest.mark.parametrize(
    "cache, isa",
    parameters([(cache, at.name) for cache in ("q8", "q4") for at in levels() if at != base_level()], levels_in_short),
)
def test_levels_agree(cache, isa, tmp_path):
    at = require(level(isa))
    ids = eval_ids(TOKENS)
    here = np.load(score(compiled("tiny-e", cache), ids, tmp_path))
    there = np.load(score(compiled("tiny-e", cache, at), ids, tmp_path, at))
    assert there.tobytes() == here.tobytes()


@pytest.mark.parametrize("model", ("tiny-dense", "tiny-moe"))
def test_keys_that_are_values(model):
    """Of 64 elements of a key the 16 that RoPE turns are stored, padded to 32; test_goldens looks at the logits."""
    report = json.loads(succeed(compiled(model, "f32"), "info", "--json"))
    for row in report["caches"]:
        if row["kind"] == "full":
            assert (row["head_dim"], row["stored_key_dim"]) == (64, 16)
            elements = len(row["layers"]) * row["kv_heads"] * row["positions"] * (64 + 32)
            assert row["bytes"] == 4 * elements
        else:
            assert row["head_dim"] == row["stored_key_dim"]
    assert "; 16 of a key, the rest from the value" in succeed(compiled(model, "f32"), "info").decode()


def test_info():
    """The table has the formats, and bytes that follow from them: 8.5 and 4.5 bits an element where f16 has 16."""
    half, mixed = (json.loads(succeed(compiled("tiny-e", cache), "info", "--json")) for cache in ("f16", FORMATS[2]))
    assert half["cache"] == "f16" and mixed["cache"] == FORMATS[2]
    for before, after in zip(half["caches"], mixed["caches"]):
        assert before["layers"] == after["layers"]
        bits = 8.5 if after["kind"] == "sliding" else 4.5
        assert after["format"] == ("q8" if after["kind"] == "sliding" else "q4")
        assert after["bytes"] == before["bytes"] * bits / 16
    text = succeed(compiled("tiny-e", FORMATS[2]), "info").decode()
    assert "  q8  " in text and "  q4  " in text
