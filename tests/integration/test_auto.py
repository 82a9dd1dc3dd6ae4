"""--weights auto: budgets are kept by the finished program, and its quality is better than that of one format."""

import json
import os
import re
import tempfile

import pytest

import quantized_checkpoint
import random_checkpoint
from random_checkpoint import F, S
from support import CHECKPOINTS, OUT, alone, base_level, compile_program, compile_with_report, gemmac, levels, record
from support import succeed, write_once

USAGE = 2
TEXT = ["--without", "image,audio"]  # the formats of towers are not chosen


def auto(model, *extra, target=None):
    """Compiles with --weights auto; returns the program, its report, what was printed. `model`: a name or a folder."""
    found = compile_with_report(CHECKPOINTS / model, "auto", target, extra=[*TEXT, *map(str, extra)])
    return found.program, found.report, found.printed


def small():
    """A checkpoint whose search takes half as long, where its answers do not matter. Two layers of two kinds."""
    shape = {"hidden_size": 128, "intermediate_size": 256, "layer_types": [S, F], "vocab_size": 384}
    config = random_checkpoint.text(**shape)
    return write_once(OUT / "auto" / "small", lambda folder: random_checkpoint.write(folder, config))


def fixed(model, weights, *extra):
    """The same with one format for all, rounded and measured alike."""
    found = compile_with_report(
        CHECKPOINTS / model, weights, extra=[*TEXT, "--calibration", "default", *map(str, extra)]
    )
    return found.program, found.report


# Limits that change nothing.
GENEROUS = ("--max-kld", "0.01", "--max-size", "100MB")


def rows(report):
    return {row["weights"]: row for row in report["auto"]["measured"]}


def refused(*extra, model="tiny-e"):
    with tempfile.TemporaryDirectory() as folder:
        place = ["--target", base_level().target, "--isa", base_level().name]
        done = gemmac("compile", CHECKPOINTS / model, "-o", f"{folder}/refused", "-q", *place, *extra)
        assert done.returncode == USAGE, done.stderr
        assert os.listdir(folder) == [], "something was left behind"
        return done.stderr


@pytest.mark.parametrize("model", ["tiny-e", "tiny-moe"])
def test_better_than_q4_at_its_size(model):
    """Without limits the program is no larger than q4 with the same rounding, and closer to the unquantized one."""
    q4 = json.loads(succeed(compile_program(CHECKPOINTS / model, "q4", extra=TEXT), "info", "--json"))
    program, report, printed = auto(model)
    table = rows(report)
    assert report["weights"] == "auto" and report["rounding"] == "gptq"
    assert report["bytes"]["weights"] <= q4["bytes"]["weights"] == table["q4"]["bytes"]
    assert report["resident"]["weights"] <= q4["resident"]["weights"]
    assert report["quality"]["kl"] < table["q4"]["kl"]
    record(f"{model}.auto", {name: round(row["kl"], 6) for name, row in table.items()})
    assert json.loads(succeed(program, "info", "--json"))["auto"] == report["auto"]
    assert re.search(r"^  auto +\d", printed, re.M) and "likeliest same" in printed


def test_what_is_called_measured_is(tmp_path):
    """The rows of the report are what programs of these formats have when they are compiled for themselves: the program
    in which mixes are tried stands for them bit for bit."""
    _, report, _ = auto("tiny-e")
    table = rows(report)
    assert list(table) == ["q8", "q4", "auto"]
    for weights, extra in (("q8", GENEROUS), ("q4", ())):
        _, alone = fixed("tiny-e", weights, "--activations", "8", *extra)
        assert table[weights]["bytes"] == alone["bytes"]["weights"]
        assert table[weights]["kl"] == alone["quality"]["kl"] and table[weights]["top1"] == alone["quality"]["top1"]
    assert table["auto"]["kl"] == report["quality"]["kl"] and table["auto"]["bytes"] == report["bytes"]["weights"]


def test_few_formats_for_each_shape_and_what_stays_high():
    """A kernel for each format of a shape: at most two. Matrices around the per-layer embeddings keep eight bits."""
    _, report, _ = auto("tiny-e")
    parts = {row["part"]: row["formats"] for row in report["auto"]["parts"]}
    assert {"attention in", "attention out", "MLP in", "MLP out", "embeddings", "per-layer table"} == set(parts)
    layers = report["layers"]
    assert sum(parts["MLP out"].values()) == layers and len(parts["attention out"]) <= 4
    q8 = next(row["weights"] for row in report["formats"] if row["format"] == "q8")
    assert q8 - sum(formats.get("q8", 0) for formats in parts.values()) == 1 + 2 * layers


def test_max_size_is_kept():
    """The limit is that of the file, code included. Tables whose format is given keep it."""
    whole, weights = auto("tiny-e")[0].stat().st_size, auto("tiny-e")[1]["bytes"]["weights"]
    limit = whole - weights // 5
    program, report, _ = auto("tiny-e", "--max-size", limit, "--embeddings", "q5", "--per-layer-table", "q2")
    assert program.stat().st_size <= limit
    assert report["bytes"]["weights"] < weights
    assert {"embeddings", "per-layer table"}.isdisjoint(row["part"] for row in report["auto"]["parts"])
    assert succeed(program, "-p", "Hello", "-n", 4, "--temperature", 0)


def test_max_rss_is_kept():
    """What is predicted and what a full context takes are below the limit; more memory than q4 gives better quality."""
    q4 = json.loads(succeed(compile_program(CHECKPOINTS / "tiny-moe", "q4", extra=TEXT), "info", "--json"))
    limit = q4["resident"]["peak"] + 400_000
    program, report, _ = auto("tiny-moe", "--max-rss", limit)
    assert report["resident"]["peak"] <= report["resident"]["limit"] == limit
    raw = succeed(program, "bench", "-p", 300, "-n", 20, "--repetitions", 1, "--json")
    if base_level().launcher == ():
        assert json.loads(raw)["peak_resident_bytes"] <= limit
    assert report["quality"]["kl"] < auto("tiny-moe")[1]["quality"]["kl"]


def test_max_kld_is_kept():
    """The smallest program that keeps the limit."""
    table = rows(auto("tiny-e")[1])
    limit = 3 * table["q4"]["kl"]
    _, report, _ = auto("tiny-e", "--max-kld", limit)
    assert 0.8 * limit <= report["quality"]["kl"] <= limit
    assert report["bytes"]["weights"] < 0.9 * table["q4"]["bytes"]


@pytest.mark.parametrize("model", alone(["small", "tiny-moe"], "small"))
def test_same_bytes_with_any_number_of_threads(model):
    model = small() if model == "small" else model
    other = 3 if os.cpu_count() == 1 else 1  # unasked there are as many as cores
    assert auto(model, "-j", other)[0].read_bytes() == auto(model)[0].read_bytes()


@pytest.mark.parametrize("model", alone(["small", "tiny-e"], "small"))
def test_other_target_is_chosen_alike(model):
    """Mixes are measured with programs of this machine, whatever the target."""
    model = small() if model == "small" else model
    other = next(at for at in levels() if at.target != base_level().target)
    reports = [auto(model, target=target)[1] for target in (other, None)]
    assert reports[0]["quality"] == reports[1]["quality"] and reports[0]["auto"] == reports[1]["auto"]


def write_case(folder):
    quantized_checkpoint.write(folder, folder.name)


def test_integers_of_the_checkpoint():
    """Integers with scales of groups never get wider; those with scales of whole rows are left alone."""
    _, report, _ = auto(write_once(OUT / "auto" / "compressed-edge", write_case))
    for row in report["auto"]["parts"]:
        if row["part"].startswith(("attention", "MLP")):
            assert set(row["formats"]) <= {"q4", "q3", "q2"}, row
    mobile = write_once(OUT / "auto" / "mobile-edge", write_case)
    done = gemmac("compile", mobile, "-o", OUT / "auto" / "mobile", "--weights", "auto", "-q")
    assert done.returncode == USAGE and "auto has nothing to choose" in done.stderr, done.stderr


# ---------------------------------------------------------------------------------- what cannot be
def test_size_too_small():
    text = refused("--weights", "auto", "--max-size", "100kB", model=small())
    assert "--max-size: error: even in the narrowest formats the program would take" in text
    assert "more than 97.7 KiB (100000 bytes)" in text and "the least that fits" in text
    # Enough for the weights, not for the code: found out after the choice.
    weights = auto(small())[1]["bytes"]
    text = refused("--weights", "auto", "--max-size", weights["tokenizer"] + weights["weights"], model=small())
    assert "code and runtime" in text


def test_memory_too_small():
    text = refused("--weights", "auto", "--max-rss", "3.2MB")
    assert "--max-rss: error: the program would keep" in text and "would" in text.split("\n", 1)[1]
    assert "in q2, the narrowest" in text


def test_divergence_out_of_reach():
    text = refused("--weights", "auto", "--max-kld", "1e-9", model=small())
    assert "--max-kld: error: the smallest KL divergence that was found is 0.0" in text
    assert "--weights bf16 or f32 rounds less" in text


def test_limits_that_contradict():
    program, report, _ = auto(small())
    limits = ("--max-size", program.stat().st_size, "--max-kld", rows(report)["q8"]["kl"] * 2)
    text = refused("--weights", "auto", *limits, model=small())
    assert "within the other limits" in text and "it needs weights of about" in text and "by prediction" in text


def test_limits_of_fixed_formats():
    text = refused("--weights", "q8", "--max-size", "2MB")
    assert "--max-size: error: the program would take" in text and "--weights auto chooses" in text
    assert re.search(r"--weights q\d would (fit|be the least)", text)
    text = refused("--weights", "q4", "--max-kld", "1e-6", model=small())
    assert "--max-kld: error: the program's KL divergence from the unquantized one is 0.0" in text
    assert "--weights auto --max-kld 1e-06 finds the smallest program" in text or "finds the smallest program" in text
    program, report = fixed("tiny-e", "q8", "--activations", "8", *GENEROUS)
    assert report["quality"]["kl"] <= 0.01


@pytest.mark.parametrize(
    "words, message",
    [
        (("--weights", "auto", "--emit", "mlir"), "--emit: error: --calibration, its roundings, --weights auto"),
        (("--weights", "auto", "--stop-after", "plan"), "--emit: error: --calibration, its roundings, --weights auto"),
        (("--weights", "q4", "--emit", "obj", "--max-size", "1GB"), "--max-size: error: limits what --emit exe writes"),
        (("--weights", "automatic"), "unknown format 'automatic', expected f32"),
        (("--embeddings", "auto"), "--embeddings: error: unknown format 'auto'"),
        (("--max-size", "much"), "--max-size: error: got 'much', expected a size"),
        (("--max-kld", "0"), "--max-kld: error: got '0', expected a number above 0"),
        (("--max-kld", "nan"), "--max-kld: error: got 'nan', expected a number above 0"),
        (("--max-kld", "small"), "--max-kld: error: got 'small', expected a number above 0"),
    ],
)
def test_usage(words, message):
    assert message in refused(*words)
