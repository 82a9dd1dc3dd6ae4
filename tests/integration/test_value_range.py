"""Keys, values and weights that f16 numbers cannot hold: the program is right all the same, or there is none."""

import json

import numpy as np
import pytest

import random_checkpoint
from gemma_checkpoint import read_header
from random_checkpoint import F, S
from support import compile_program, gemmac, logits

IDS = [2, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130]
# Pairs of factors, powers of two, that change nothing of what the model computes.
LARGE_VALUES = {"v_proj": 2.0**18, "o_proj": 2.0**-18}
SMALL_VALUES = {"v_proj": 2.0**-18, "o_proj": 2.0**18}
LARGE_KEYS = {"k_norm": 2.0**20, "q_norm": 2.0**-20}


def multiply(folder, factors):
    """Multiplies the tensors whose names hold a key of `factors`, in place."""
    path = folder / "model.safetensors"
    header, begin = read_header(path)
    raw = bytearray(path.read_bytes())
    for name, entry in header.items():
        first, end = (begin + place for place in entry["data_offsets"])
        for part, factor in factors.items():
            if part in name:
                raw[first:end] = (np.frombuffer(raw[first:end], "<f4") * np.float32(factor)).tobytes()
    path.write_bytes(raw)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The program of a checkpoint whose tensors are multiplied by `factors`. Values of Gemma 3 are not normed; norms of
    Gemma 4 hold the factor itself."""
    folder, known = tmp_path_factory.mktemp("ranges"), {}

    def program(gemma3, factors, *extra):
        key = json.dumps([gemma3, factors])
        if key not in known:
            known[key] = folder / f"checkpoint-{len(known)}"
            config = (random_checkpoint.text3 if gemma3 else random_checkpoint.text)(layer_types=[S, S, F])
            random_checkpoint.write(known[key], config, causal_lm=True, dtype="F32")
            multiply(known[key], factors)
        return compile_program(known[key], "f32", extra=extra)

    return program


@pytest.mark.parametrize("gemma3, factors", [(True, LARGE_VALUES), (True, SMALL_VALUES), (False, LARGE_KEYS)])
@pytest.mark.parametrize("cache", ["f16", "q8"])
def test_caches_hold_them(programs, tmp_path, gemma3, factors, cache):
    """Logits are the ordinary model's, which they could not be if anything overflowed or vanished. Elements of ordinary
    keys may be denormal f16 numbers, so that these are not equal to the last bit."""
    expected = logits(programs(gemma3, {}, "--cache", cache), IDS, tmp_path)
    got = logits(programs(gemma3, factors, "--cache", cache), IDS, tmp_path)
    assert np.isfinite(got).all()
    if gemma3:
        assert got.tobytes() == expected.tobytes()
    else:
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4)


def test_weights_too_small_for_their_format(tmp_path):
    """Groups of weights whose f16 scale would be zero are an error, not zeros."""
    random_checkpoint.write(
        tmp_path / "model", random_checkpoint.text3(layer_types=[S, S, F]), causal_lm=True, dtype="F32"
    )
    multiply(tmp_path / "model", LARGE_VALUES)
    done = gemmac("compile", tmp_path / "model", "-o", tmp_path / "program", "--weights", "q8", "-q")
    assert done.returncode == 3
    assert "o_proj.weight': " in done.stderr and "too small for weight format q8" in done.stderr
    assert "choose bf16 or f32" in done.stderr
    assert not (tmp_path / "program").exists()
