"""Checkpoints of quantization-aware training: what the program holds is exactly what the checkpoint says."""

import functools

import numpy as np
import pytest

import quantized_checkpoint
from quantized_checkpoint import CASES, COMPRESSED, LATTICE, LATTICE_F32, MOBILE
from quantized_reference import StoredReference
from support import OUT, compile_with_report, generate, level, levels, logits, require, write_once

EXACT = [name for name in CASES if name != "compressed-odd-heads"]
WEIGHTS = {LATTICE: "q4", LATTICE_F32: "q4", COMPRESSED: "q4", MOBILE: "q8"}
# Formats that are checked, and what they hold beside the checkpoint's integers:
# compressed-tensors keeps tables in bf16.
ALL = {"q4": 0, "q6": 0, "q8": 0}
KEPT = {LATTICE: ALL, LATTICE_F32: ALL, COMPRESSED: {"q4": 1}, MOBILE: {"c8": 0, "c4": 0, "c2": 0}}


@functools.cache
def compiled(name, weights, target=None):
    """Writes and compiles a case; returns (program, formats of the report by name, the report as text, config)."""
    folder = write_once(OUT / "quantized" / name, lambda folder: quantized_checkpoint.write(folder, name))
    found = compile_with_report(folder, weights, target, extra=["--cache", "f32"])
    rows = {row["format"]: row for row in found.report["formats"]}
    return found.program, rows, found.printed, CASES[name][0]


@pytest.mark.parametrize("name", EXACT)
def test_every_value_is_kept(name):
    """The compiler compares each product of scale and integer with the checkpoint's own
    number, and reports all groups."""
    layout = CASES[name][1]
    _, rows, text, config = compiled(name, WEIGHTS[layout])
    tables = 1 if config["hidden_size_per_layer_input"] else 0
    for format, floats in KEPT[layout].items():
        if format not in rows:
            continue
        row, rounded = rows[format], floats * tables
        assert row["exact_weights"] == row["weights"] - rounded > 0, row
        if not rounded:
            assert row["exact_groups"] == row["groups"] > 0, row
            assert f"in {format} hold every value of the checkpoint exactly (100.00 % of the groups)" in text
    assert "rounded once more" not in text


@pytest.mark.parametrize("name", [name for name in EXACT if CASES[name][1] != LATTICE])
def test_against_reference(name, tmp_path):
    """The matrices as this test decodes them, activations as the kernels round them: digit for digit but for ties.

    Not where the checkpoint rounds scale * integer to bf16: programs multiply with what it was before.
    """
    layout = CASES[name][1]
    program, _, _, config = compiled(name, WEIGHTS[layout])
    oracle = StoredReference(OUT / "quantized" / name, config, None if layout == LATTICE_F32 else WEIGHTS[layout])
    rng, close = np.random.default_rng(11), []
    for prompt in rng.integers(0, config["vocab_size"], (8, 5)).tolist():
        want = oracle.logits(prompt)
        close.extend(np.abs(logits(program, prompt, tmp_path) - want).max(-1) / want.std() <= 1e-4)
    print(f"{name}: {np.mean(close):.0%} of {len(close)} rows within 1e-4")
    assert np.mean(close) >= 0.5


@pytest.mark.parametrize("weights", ["q8", "f32"])
def test_activation_grids(weights, tmp_path):
    """The static int8 grids of the mobile scheme are applied, whether the program multiplies integers or floats.

    One value that lies between two steps and falls to the other side moves a row by about a percent: rows without such
    a value are equal, the others near, and all are far from what the model computes without grids.
    """
    program, _, text, config = compiled("mobile-edge", weights)
    assert "32 matrices read activations on the static grids of the checkpoint; 2 have none" in text
    oracle = StoredReference(OUT / "quantized" / "mobile-edge", config, weights)
    free = StoredReference(OUT / "quantized" / "mobile-edge", config, weights)
    free.grids = {}
    rng, equal, near, far = np.random.default_rng(12), [], [], []
    for prompt in rng.integers(0, config["vocab_size"], (8, 12)).tolist():
        got, want = logits(program, prompt, tmp_path), oracle.logits(prompt)
        difference = np.abs(got - want).max(-1) / want.std()
        equal.extend(difference <= 1e-4)
        near.extend(difference)
        far.extend(np.abs(free.logits(prompt) - want).max(-1) / want.std())
    print(
        f"{weights}: {np.mean(equal):.0%} of {len(equal)} rows within 1e-4; at most {max(near):.3f}, "
        f"without grids {np.mean(far):.3f}"
    )
    assert np.mean(equal) >= 0.9
    assert max(near) <= np.mean(far) / 4


def test_greedy_tokens_with_activation_grids(tmp_path):
    program, _, _, config = compiled("mobile-edge", "q8")
    oracle = StoredReference(OUT / "quantized" / "mobile-edge", config, "q8")
    rng = np.random.default_rng(13)
    for prompt in rng.integers(25, config["vocab_size"], (4, 6)).tolist():
        ids = list(prompt)
        for _ in range(8):
            ids.append(int(oracle.logits(ids)[-1].argmax()))
        got = generate(program, prompt, 8, tmp_path)
        assert got == ids[len(prompt) :][: len(got)] and (len(got) == 8 or got[-1] in (1, 9, 16))


@pytest.mark.parametrize("isa", [one.name for one in levels()])
def test_bits_with_activation_grids(isa, tmp_path):
    """The same on every level, for any number of threads and rows at a time."""
    at = require(level(isa))
    ids = np.random.default_rng(14).integers(0, 384, 60).tolist()
    want = logits(compiled("mobile-edge", "q8")[0], ids, tmp_path, extra=["-t", 1])
    program = compiled("mobile-edge", "q8", at)[0]
    for extra in (["-t", 2], ["-t", 3, "--decode"]):
        assert logits(program, ids, tmp_path, at, extra).tobytes() == want.tobytes()
    for chunk in (7, 32):
        got = logits(program, ids, tmp_path, at, ["-t", 2, "--prefill", 50, "--chunk", chunk], rows=10)
        assert got.tobytes() == want[50:].tobytes()


def test_groups_that_do_not_fit_are_told():
    """Halves of 12 and 20 are padded to 16 and 32, so that groups of the output projection
    hold columns of two scales."""
    _, rows, text, _ = compiled("compressed-odd-heads", "q4")
    assert 0 < rows["q4"]["exact_weights"] < rows["q4"]["weights"]
    assert "3 tensors that the checkpoint stores quantized were rounded once more" in text and "o_proj" in text


def test_narrower_formats_round():
    """Integers are kept by formats that are wide enough; with a narrower one the user has asked to lose."""
    _, rows, text, _ = compiled("compressed-edge", "q2")
    assert rows["q2"]["exact_groups"] < rows["q2"]["groups"]
    assert "rounded once more" in text
