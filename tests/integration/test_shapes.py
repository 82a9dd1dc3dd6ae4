"""Random checkpoints of odd shapes against the numpy reference: any shape that the configuration class allows works."""

import itertools

import numpy as np
import pytest

import random_checkpoint
from quantized_reference import ROUNDINGS, QuantizedReference
from reference import Reference
from support import OUT, alone, base_level, compile_program, level, levels, logits, parameters, require, run, takes_turn
from support import write_once

TOKENS = 41
BOUND = 5e-4


def case(name):
    """Writes the checkpoint once; returns (folder, config)."""
    text, options = random_checkpoint.CASES[name]
    return write_once(OUT / "shapes" / name, lambda folder: random_checkpoint.write(folder, text, **options)), text


def ids_for(text):
    rng = np.random.default_rng(11)
    return [2, *map(int, rng.integers(0, text["vocab_size"], TOKENS - 1))]


@pytest.mark.parametrize("name", random_checkpoint.CASES)
def test_against_reference(name, tmp_path):
    folder, text = case(name)
    ids = ids_for(text)
    single, double = (Reference(folder, text, dtype).logits(ids) for dtype in (np.float32, np.float64))
    got = logits(compile_program(folder), ids, tmp_path, extra=["-t", 2])
    assert got.shape == single.shape
    rounding, worst = float(np.abs(single - double).max()), float(np.abs(got - single).max())
    print(f"{name}: difference {worst:.1e}; float32 reference against float64 {rounding:.1e}; spread {got.std():.2f}")
    assert got.std() > 0.1, "logits without spread prove nothing"
    assert worst <= BOUND


@pytest.mark.parametrize(
    "name", ["odd-everything", "per-layer-embeddings", "experts", "per-layer-config", "gemma3-odd"]
)
def test_decode_and_chunks(name, tmp_path):
    """The same bits one row at a time, and behind a prompt prefilled in chunks of 7."""
    folder, text = case(name)
    ids, program = ids_for(text), compile_program(folder)
    whole = logits(program, ids, tmp_path)
    assert logits(program, ids, tmp_path, extra=["--decode", "-t", 3]).tobytes() == whole.tobytes()
    behind = logits(program, ids, tmp_path, extra=["--prefill", 30, "--chunk", 7], rows=TOKENS - 30)
    assert behind.tobytes() == whole[30:].tobytes()


ODD = ["odd-everything", "per-layer-embeddings", "experts", "gemma3-odd"]


@pytest.mark.parametrize(
    "name, isa",
    parameters(
        [(name, at.name) for name in ODD for at in levels() if at != base_level()],
        lambda name, isa: takes_turn(level(isa), ODD, name),
    ),
)
def test_levels(name, isa, tmp_path):
    at = require(level(isa))
    folder, text = case(name)
    ids = ids_for(text)
    here = logits(compile_program(folder, "f32"), ids, tmp_path)
    assert logits(compile_program(folder, "f32", at), ids, tmp_path, at).tobytes() == here.tobytes()


ROUNDED = ["odd-everything", "per-layer-embeddings", "experts", "per-layer-config", "one-layer", "gemma3-text"]


def formats_in_short(name, weights):
    """Every format on the oddest case, and on each of the others one or two, so that every format has two cases."""
    return name == ROUNDED[0] or list(ROUNDINGS).index(weights) % (len(ROUNDED) - 1) == ROUNDED.index(name) - 1


@pytest.mark.parametrize("name, weights", parameters(itertools.product(ROUNDED, ROUNDINGS), formats_in_short))
def test_formats(name, weights, tmp_path):
    """Rounded weights and activations, digit for digit: eight short prompts against the oracle of the format.

    A rounding tie that falls the other way changes an integer and all that follows, so half of the rows may differ (the
    deepest case loses a third); a wrong nibble, scale or group changes nearly all.
    """
    folder, text = case(name)
    oracle, spread = QuantizedReference(folder, text, weights), Reference(folder, text).logits(ids_for(text)).std()
    program, close = compile_program(folder, weights, extra=["--cache", "f32", "--activations", 8]), []
    for prompt in np.reshape(ids_for(text)[1:], (8, 5)).tolist():
        difference = logits(program, prompt, tmp_path) - oracle.logits(prompt)
        close.extend(np.abs(difference).max(-1) / spread <= 1e-4)
    print(f"{name} {weights}: {np.mean(close):.0%} of {len(close)} rows within 1e-4")
    assert np.mean(close) >= 0.5


@pytest.mark.parametrize(
    "name",
    alone(["odd-everything", "per-layer-embeddings", "experts", "gemma3-text"], "per-layer-embeddings", "experts"),
)
def test_wide_activations(name, tmp_path):
    """Activations of 16 bits, which q8 has unasked.

    Their steps are so fine that the order of a float sum decides many: rows differ by about such a step, which is 254
    times less than what lies between them and the oracle with 8 bits.
    """
    folder, text = case(name)
    program, near, far = compile_program(folder, "q8", extra=["--cache", "f32"]), [], []
    wide, narrow = QuantizedReference(folder, text, "q8", wide=True), QuantizedReference(folder, text, "q8")
    for prompt in np.reshape(ids_for(text)[1:], (8, 5)).tolist():
        got = logits(program, prompt, tmp_path)
        near.extend(np.abs(got - wide.logits(prompt)).max(-1))
        far.extend(np.abs(got - narrow.logits(prompt)).max(-1))
    print(f"{name}: {np.median(near):.1e} from the oracle, {np.median(far):.1e} from that of 8 bits")
    assert 0 < np.median(near) <= np.median(far) / 50


@pytest.mark.parametrize("name", alone(["odd-everything", "per-layer-embeddings", "gemma3-odd"], "odd-everything"))
def test_f16_cache(name, tmp_path):
    """A cache of halves rounds keys and values to 11 bits and changes nothing else."""
    folder, text = case(name)
    ids = ids_for(text)
    exact, half = (logits(compile_program(folder, extra=extra), ids, tmp_path) for extra in ([], ["--cache", "f16"]))
    distance = float(np.sqrt(np.mean(np.square(half - exact))) / exact.std())
    assert 0 < distance <= 0.01


def test_context_limit(tmp_path):
    """A program compiled for a small context says so when a prompt does not fit."""
    folder, text = case("equal-kv-heads")
    program = compile_program(folder, "f32", extra=["--context", 64])
    logits(program, ids_for(text), tmp_path)
    long = tmp_path / "long.ids"
    long.write_text(" ".join(["5"] * 65))
    done = run(program, "--prompt-ids", long, "-n", 4, "--temperature", 0)
    assert done.returncode == 6
    assert "64" in done.stderr.decode() and "context" in done.stderr.decode()
