"""The memory contract (docs/memory.md): what a program keeps resident is predicted within 3 %, with a picture or sound
within 5 %, and --max-rss is kept."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

import random_checkpoint
import tower_shapes
from media_files import write_picture
from random_checkpoint import F, S
from support import CHECKPOINTS, MODELS, OUT, SHORT_FORMATS, base_level, compile_program, gemmac, run, succeed
from support import write_once

USAGE, CONTEXT = 2, 6
MIB = 1 << 20
# What the constant for code and heap (3 MiB) is too much by, at most; nothing but small programs shows it.
CONSTANT = 1.2 * MIB

pytestmark = pytest.mark.skipif(base_level().launcher != (), reason="an emulator's memory would count")


def bench(program, prompt, decoded, *extra):
    raw = succeed(program, "bench", "-p", prompt, "-n", decoded, "--repetitions", 1, "--json", *extra)
    return json.loads(raw)


def peak(program, *words):
    """Resident memory of a run, measured by a small process: what this one has would count for its children."""
    code = """import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, capture_output=True, stdin=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"""
    command = [sys.executable, "-I", "-S", "-c", code, program, *map(str, words)]
    return 1024 * int(subprocess.run(command, check=True, capture_output=True).stdout)


def resident(program):
    """The part of the report about resident memory."""
    return json.loads(succeed(program, "info", "--json"))["resident"]


@pytest.fixture(scope="module")
def checkpoint():
    """40 million values in bfloat16: large enough for 3 % to mean something, with tables that are read by row."""
    config = random_checkpoint.text(
        hidden_size=1024,
        intermediate_size=3072,
        head_dim=64,
        global_head_dim=128,
        num_attention_heads=8,
        num_key_value_heads=2,
        hidden_size_per_layer_input=64,
        layer_types=[S, F, S, F],
        sliding_window=128,
        vocab_size=2048,
        vocab_size_per_layer_input=2048,
    )
    return write_once(OUT / "memory" / "checkpoint", lambda folder: random_checkpoint.write(folder, config))


@pytest.mark.parametrize("weights", ["bf16", "q4"])
@pytest.mark.parametrize("prompt, decoded", [(128, 4), (1500, 8)])
def test_prediction(checkpoint, weights, prompt, decoded):
    """From the first whole chunk of a prompt on: shorter ones leave some of the working memory untouched."""
    report = bench(compile_program(checkpoint, weights), prompt, decoded, "-t", 2)
    measured, predicted = report["peak_resident_bytes"], report["predicted_resident_bytes"]
    print(
        f"{weights}, {prompt} + {decoded} tokens: {measured} bytes, predicted {predicted}: {measured / predicted:.4f}"
    )
    assert predicted - max(0.03 * predicted, CONSTANT) <= measured <= 1.03 * predicted


def test_prediction_at_a_depth(checkpoint):
    """A bench that begins at a position has the whole cache resident."""
    report = bench(compile_program(checkpoint, "bf16"), 128, 4, "-t", 2, "--depth", 2000)
    measured, predicted = report["peak_resident_bytes"], report["predicted_resident_bytes"]
    assert 0.97 * predicted <= measured <= 1.03 * predicted


@pytest.mark.parametrize(
    "model, weights, target",
    [("tiny-e", "f32", base_level().target), *[(model, SHORT_FORMATS[model][1], None) for model in MODELS]],
)
def test_small_programs(model, weights, target):
    """Of a few megabytes, most is code: the prediction is an upper bound, not far off. One has code of all levels."""
    program = compile_program(CHECKPOINTS / model, weights, target, ["--without", "image,audio"])
    report = bench(program, 300, 20, "-t", 3)
    measured, predicted = report["peak_resident_bytes"], report["predicted_resident_bytes"]
    print(f"{model} {weights}: {measured} bytes, predicted {predicted}")
    assert predicted - CONSTANT <= measured <= predicted


@pytest.mark.parametrize("model", MODELS)
def test_towers_count(model):
    """Towers are in the peak, and in no prediction of a conversation of text, which is that of a program without."""
    program = compile_program(CHECKPOINTS / model)
    text = compile_program(CHECKPOINTS / model, extra=["--without", "image,audio"])
    report = bench(program, 300, 20, "-t", 3)
    predicted = report["predicted_resident_bytes"]
    assert predicted - CONSTANT <= report["peak_resident_bytes"] <= predicted
    # Soft tokens are an input of prefill, and rings hold a picture (26B, 31B).
    assert predicted <= 1.25 * bench(text, 300, 20, "-t", 3)["predicted_resident_bytes"]
    assert resident(program)["peak"] > resident(text)["peak"]


@pytest.fixture(scope="module")
def towers():
    """Small text behind towers of 20 million values each."""
    vision = tower_shapes.vision(hidden_size=512, intermediate_size=2048, head_dim=64, num_attention_heads=8,
                                 num_key_value_heads=8, num_hidden_layers=5, patch_size=16,
                                 position_embedding_size=1024)  # fmt: skip
    audio = tower_shapes.audio(hidden_size=512, num_attention_heads=8, num_hidden_layers=4, output_proj_dims=256)
    text = random_checkpoint.text(hidden_size=256, intermediate_size=512)

    def write(folder):
        random_checkpoint.write(folder, text, vision=vision, audio=audio)

    return write_once(OUT / "memory" / "towers", write)


@pytest.mark.parametrize("without", ["audio", "image"])
@pytest.mark.parametrize("shown", [True, False])
def test_prediction_with_media(towers, without, shown):
    """Weights of a tower are touched by its first picture or sound and count from then on; without one they do not."""
    program = compile_program(towers, "bf16", extra=["--image-tokens", 280, "--without", without])
    media = ["--image", "960x672"] if without == "audio" else ["--audio", "30"]
    media = media if shown else []
    report = bench(program, 256, 4, "-t", 2, *media)
    measured, predicted = report["peak_resident_bytes"], report["predicted_resident_bytes"]
    print(f"{media}: {measured} bytes, predicted {predicted}: {measured / predicted:.4f}")
    assert (predicted > 40 * MIB) == shown
    room = (0.05 if shown else 0.03) * predicted  # what decoders and front ends take is told roughly
    assert predicted - max(room, CONSTANT) <= measured <= predicted + room


def test_towers_that_are_too_much_are_named():
    """What would do without them is told: the words that fit, or what it would take where nothing does."""
    program, done = limited(CHECKPOINTS / "tiny-e", "5MB")
    assert done.returncode == USAGE and not program.exists()
    told = re.search(r"  (--without image,audio( --[a-z]+ \w+)+) would fit: 4\.\d+ MiB", done.stderr)
    assert told, done.stderr
    program, done = limited(CHECKPOINTS / "tiny-e", "5MB", *told[1].split())
    assert done.returncode == 0 and resident(program)["peak"] <= 5_000_000, done.stderr
    program, done = limited(CHECKPOINTS / "tiny-e", "1MB")
    assert done.returncode == USAGE and not program.exists()
    assert re.search(r"  --without image,audio would take: [67]\.\d+ MiB", done.stderr), done.stderr


def test_tables_are_not_resident(checkpoint):
    """Reading every row of the tables (4 layers of 64 values for each of 2048 tokens) makes none of them resident."""
    program = compile_program(checkpoint, "bf16")
    report = json.loads(succeed(program, "info", "--json"))
    assert report["bytes"]["weights"] - report["resident"]["weights"] == 2048 * 4 * 64 * 2
    assert report["bytes"]["table_rows"] == 4 * 64 * 2


def limited(checkpoint, limit, *extra):
    name = "-".join(["limited", str(limit), *(word.strip("-") for word in extra)])
    program = OUT / "memory" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    place = ["--target", base_level().target, "--isa", base_level().name]
    done = gemmac("compile", checkpoint, "-o", program, *place, "--max-rss", limit, *extra)
    return program, done


def test_limit_is_kept(checkpoint):
    """Of a program that would be too large, what costs least is changed, and the limit holds with the context full."""
    whole = resident(compile_program(checkpoint, "q4"))
    assert whole["limit"] == 0 and whole["changed"] == ""
    limit = whole["peak"] - 1
    program, done = limited(checkpoint, limit)
    assert done.returncode == 0, done.stderr
    assert "note: --max-rss: chose --chunk 64" in done.stderr
    report = resident(program)
    assert report["changed"] == "--chunk 64" and report["peak"] <= report["limit"] == limit
    assert f"limit {limit / MIB:.1f} MiB" in succeed(program, "info").decode()
    assert bench(program, 4000, 90)["peak_resident_bytes"] <= limit


def test_fewer_bits(checkpoint):
    """A limit far below changes formats; options that were given stay."""
    whole = resident(compile_program(checkpoint, "q8"))
    limit = whole["peak"] * 3 // 4
    program, done = limited(checkpoint, limit, "--chunk", "128")
    assert done.returncode == 0 and resident(program)["peak"] <= limit, done.stderr
    refused, done = limited(checkpoint, limit, "--weights", "q8")
    assert done.returncode == USAGE and not refused.exists()
    assert "--max-rss: error: the program would keep " in done.stderr and "would fit" in done.stderr
    assert "--weights q" in done.stderr


def test_towers_before_text(towers):
    """Towers get fewer bits before text does; a tower that was asked for in some format keeps it."""
    options = ["--image-tokens", "280", "--cache", "f16", "--chunk", "16"]
    whole = resident(compile_program(towers, "q4", extra=options))
    limit = whole["peak"] - 64 * 1024
    program, done = limited(towers, limit, "--weights", "q4", *options)
    assert done.returncode == 0, done.stderr
    report = resident(program)
    assert report["changed"] == "--vision-weights q8 --audio-weights q8" and report["peak"] <= limit
    assert re.search(r"matrices for pictures: .*in q8", done.stdout + done.stderr)
    program, done = limited(towers, limit, "--weights", "q4", "--vision-weights", "q12", *options)
    assert done.returncode == 0 and resident(program)["changed"] == "--audio-weights q8", done.stderr


def test_threads_count(checkpoint):
    """The limit is promised for any number of threads: those that would exceed it are not started."""
    whole = resident(compile_program(checkpoint, "q4"))
    program, done = limited(checkpoint, whole["peak"])
    assert done.returncode == 0 and resident(program)["changed"] == "", done.stderr
    assert bench(program, 8, 2, "-t", whole["threads"])["peak_resident_bytes"] <= whole["peak"]
    more = run(program, "bench", "-t", whole["threads"] + 20)
    assert more.returncode == USAGE and b"compiled to stay below" in more.stderr


def test_soft_tokens_of_a_conversation_count(towers, tmp_path):
    """Where a limit leaves no room, a conversation shows no more than what is counted; without one, what fits."""
    extra = ["--image-tokens", "280", "--without", "audio"]
    free = compile_program(towers, "bf16", extra=extra)
    told = succeed(free, "info").decode()
    assert "of their soft tokens 1120 are counted and 4096 held at most, each more takes 1.00 KiB" in told, told
    program, done = limited(towers, resident(free)["peak"] + 300 * 1024, "--weights", "bf16", *extra)
    assert done.returncode == 0 and resident(program)["changed"] == "", done.stderr
    assert "1120 are counted and 1420 held at most" in succeed(program, "info").decode()
    pictures = []
    for number in range(6):
        pixels = np.full((672, 960, 3), number, np.uint8)
        pictures += ["--image", write_picture(tmp_path / f"{number}.png", pixels)]
    words = ["-p", "hi", "-n", 1, "-t", 8]  # fewer threads would leave room for more
    done = run(program, *words, *pictures)
    assert done.returncode == CONTEXT, done.stderr
    assert b"280 soft tokens do not fit in beside the 1400 of what is shown already: at most 1420" in done.stderr
    assert b"larger --max-rss" in done.stderr
    assert run(program, *words, *pictures[:10], *pictures[:2]).returncode == 0  # the first again takes nothing
    # What comes on top of the limit is one picture on its way in, however many come: its pixels, resized across.
    front = 4 * 672 * 2 * 960
    assert peak(program, *words, *pictures[:10]) <= resident(program)["limit"] + front
    assert run(free, *words, *pictures).returncode == 0


@pytest.mark.parametrize("word", ["", "0", "much", "1.1 G B", "-5GB"])
def test_not_a_size(checkpoint, word):
    done = gemmac("compile", checkpoint, "-o", OUT / "memory" / "none", f"--max-rss={word}")
    assert done.returncode == USAGE, done.stderr
    assert "--max-rss" in done.stderr
