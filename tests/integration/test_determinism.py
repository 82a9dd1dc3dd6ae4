"""The same bits whatever the threads, the chunks of the prompt, the phase that computes a row, and the ISA level."""

import hashlib
import itertools

import numpy as np
import pytest

from support import CHECKPOINTS, FORMATS, MODEL_FORMATS, MODELS, base_level, compile_program, eval_ids, in_short, level
from support import levels, parameters, read_ids, require, score, succeed, takes_turn, write_ids

TOKENS = 230  # seven windows of 32 and a bit: the rings wrap several times, and no chunk size divides it


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def reference_bits(tmp_path_factory):
    """Digest of the logits of one thread and default chunks, per model and format."""
    known = {}

    def get(model, weights):
        if (model, weights) not in known:
            program = compile_program(CHECKPOINTS / model, weights)
            known[model, weights] = digest(
                score(program, eval_ids(TOKENS), tmp_path_factory.mktemp("bits"), extra=["-t", 1])
            )
        return known[model, weights]

    return get


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("model, weights", parameters(MODEL_FORMATS, in_short))
def test_threads(model, weights, threads, reference_bits, tmp_path):
    program = compile_program(CHECKPOINTS / model, weights)
    assert digest(score(program, eval_ids(TOKENS), tmp_path, extra=["-t", threads])) == reference_bits(model, weights)


@pytest.mark.parametrize("model, weights", parameters(MODEL_FORMATS, in_short))
def test_decode_equals_verify(model, weights, reference_bits, tmp_path):
    """One row at a time gives the bits of several rows at a time."""
    program = compile_program(CHECKPOINTS / model, weights)
    assert digest(score(program, eval_ids(TOKENS), tmp_path, extra=["-t", 2, "--decode"])) == reference_bits(
        model, weights
    )


@pytest.mark.parametrize("chunk", [1, 3, 7, 16, 64, 128])
@pytest.mark.parametrize("model, weights", parameters(itertools.product(MODELS, ("f32", "q8", "q4")), in_short))
def test_chunks(model, weights, chunk, tmp_path):
    """200 tokens of prompt prefilled in chunks of any size leave the same cache: the last rows have the same bits."""
    program, ids = compile_program(CHECKPOINTS / model, weights), eval_ids(TOKENS)
    whole = score(program, ids, tmp_path, extra=["-t", 2, "--prefill", 200])
    chunked = score(program, ids, tmp_path, extra=["-t", 2, "--prefill", 200, "--chunk", chunk])
    assert digest(whole) == digest(chunked)


@pytest.mark.parametrize("model, weights", parameters(MODEL_FORMATS, in_short))
def test_prefill_equals_verify(model, weights, tmp_path):
    """Rows behind a prefilled prompt have the bits that they have when every row is scored."""
    program, ids = compile_program(CHECKPOINTS / model, weights), eval_ids(TOKENS)
    scored = np.load(score(program, ids, tmp_path))
    behind = np.load(score(program, ids, tmp_path, extra=["--prefill", 150]))
    assert behind.shape[0] == TOKENS - 150
    assert scored[150:].tobytes() == behind.tobytes()


def levels_in_short(model, weights, isa):
    """Formats and models take turns, so that every level has two of each, and every one of them some level."""
    at, quantized = level(isa), FORMATS[2:]
    if weights == "f32" or model != "tiny-e":
        return in_short(model, weights) and takes_turn(at, MODELS, model)
    return takes_turn(at, quantized[:3], weights) or takes_turn(at, quantized[3:], weights)


@pytest.mark.parametrize(
    "model, weights, isa",
    parameters([(*case, at.name) for case in MODEL_FORMATS for at in levels() if at != base_level()], levels_in_short),
)
def test_levels_agree(model, isa, weights, reference_bits, tmp_path):
    """Every ISA level of both targets gives the bits of the base level."""
    at = require(level(isa))
    program = compile_program(CHECKPOINTS / model, weights, at)
    extra = ["-t", 2, "--chunk", 48]
    assert digest(score(program, eval_ids(TOKENS), tmp_path, at, extra)) == reference_bits(model, weights)


@pytest.mark.parametrize("model, weights", parameters(itertools.product(MODELS, ("f32", "q8", "q4")), in_short))
def test_several_splits_of_keys(model, weights, tmp_path):
    """690 positions are three splits of attention: decode divides them among threads, others walk them in order."""
    program, ids = compile_program(CHECKPOINTS / model, weights), 3 * eval_ids(TOKENS)
    whole = score(program, ids, tmp_path, extra=["-t", 1])
    assert digest(score(program, ids, tmp_path, extra=["-t", 3])) == digest(whole)
    decoded = np.load(score(program, ids, tmp_path, extra=["-t", 3, "--prefill", 500, "--chunk", 48, "--decode"]))
    assert decoded.tobytes() == np.load(whole)[500:].tobytes()


@pytest.mark.parametrize("weights", ["f32", "q4"])
def test_seeded_sampling_repeats(weights, tmp_path):
    program = compile_program(CHECKPOINTS / "tiny-e", weights)
    prompt, answers = write_ids(tmp_path / "prompt.ids", eval_ids(60)), []
    for seed, threads in ((7, 1), (7, 3), (8, 1)):
        options = ["--temperature", 1.0, "--top-k", 40, "--top-p", 0.9, "--seed", seed, "-t", threads]
        answers.append(read_ids(succeed(program, "--prompt-ids", prompt, "-n", 40, "--ids", *options)))
    assert answers[0] == answers[1]
    assert answers[0] != answers[2]
