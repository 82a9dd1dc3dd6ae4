"""What the end-to-end tests share: where things are, compiling with a cache, running programs at every ISA level."""

import functools
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("GEMMAC_BUILD", ROOT / "build")).resolve()
GEMMAC = BUILD / "bin" / "gemmac"
GEMMAC_OPT = BUILD / "bin" / "gemmac-opt"
OUT = BUILD / "tests" / "integration"
CHECKPOINTS = ROOT / "examples" / "checkpoints"
GOLDENS = ROOT / "tests" / "data" / "goldens"
REAL = ROOT / "tests" / "data" / "real"
MODELS = ("tiny-e", "tiny-moe", "tiny-dense")
FORMATS = ("f32", "bf16", "q8", "q6", "q5", "q4", "q3", "q2")
# Every format on one model, the main ones on all.
MODEL_FORMATS = [(m, w) for m in MODELS for w in (FORMATS if m == "tiny-e" else ("f32", "bf16", "q8", "q4"))]

sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "integration" / "runtime")]
from gemma_checkpoint import read_safetensors  # noqa: E402


@dataclass(frozen=True)
class Level:
    """One ISA level and how this machine runs it. `missing` says why it cannot; empty when it can."""

    name: str
    target: str
    launcher: tuple = ()
    missing: str = ""

    def __str__(self):
        return self.name


@functools.cache
def levels():
    """All ISA levels of both targets, in the order of preference of the reference run (first: x86 base)."""
    machine, flags = platform.machine(), set()
    if machine == "x86_64":
        flags = set(re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M).group(1).split())
    avx2 = {"avx2", "fma", "f16c", "bmi2"} <= flags
    avx512 = avx2 and {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd", "avx512_vnni"} <= flags
    qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    arm_native = machine == "aarch64"
    arm_missing = "" if arm_native or qemu else "no qemu-aarch64-static"
    small, large = ((), ()) if arm_native else ((qemu, "-cpu", "cortex-a53"), (qemu, "-cpu", "max"))
    return (
        Level("avx2", "x86_64-linux", (), "" if avx2 else "this machine has no AVX2"),
        Level("avx512", "x86_64-linux", (), "" if avx512 else "this machine has no AVX-512 with VNNI"),
        Level("neon", "aarch64-linux", small, arm_missing),
        Level("dotprod", "aarch64-linux", large, arm_missing),
    )


def level(name):
    return next(one for one in levels() if one.name == name)


def require(one):
    """Skips the test, so that it is counted, when this machine cannot run the level."""
    if one.missing:
        pytest.skip(f"{one.name}: {one.missing}")
    return one


def base_level():
    """The first level that runs here: tests that are not about levels use it."""
    return next((one for one in levels() if not one.missing), levels()[0])


# -------------------------------------------------------------------------------- compiling
def gemmac(*arguments, **options):
    """Runs gemmac; returns the finished process with text output."""
    options.setdefault("timeout", 300)
    return subprocess.run([str(GEMMAC), *map(str, arguments)], capture_output=True, text=True, **options)


def _stamp(folder):
    """Changes when the compiler, the runtime libraries that it links or the checkpoint change."""
    parts = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    watched = [GEMMAC, *sorted((BUILD / "lib" / "gemmac").glob("*/*")), *parts]
    return json.dumps([(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in watched])


def compile_program(folder, weights="f32", target=None, extra=()):
    """Compiles a checkpoint once per build of gemmac and returns the program's path."""
    folder, target = Path(folder), target or base_level().target
    name = "-".join([folder.name, target, weights, *(re.sub(r"\W+", "", str(word)) for word in extra)])
    program, stamp = OUT / "programs" / name, OUT / "programs" / f"{name}.stamp"
    current = _stamp(folder)
    if not (program.exists() and stamp.exists() and stamp.read_text() == current):
        program.parent.mkdir(parents=True, exist_ok=True)
        done = gemmac("compile", folder, "-o", program, "--target", target, "--weights", weights, "-q", *extra)
        assert done.returncode == 0, f"gemmac exited with {done.returncode}: {done.stderr}"
        stamp.write_text(current)
    return program


# -------------------------------------------------------------------------------- running
def run(program, *arguments, at=None, **options):
    """Runs a program at an ISA level (default: the base); returns the finished process, output as bytes."""
    at = at or base_level()
    options.setdefault("timeout", 600)
    options.setdefault("stdin", None if "input" in options else subprocess.DEVNULL)
    if options["stdin"] is None:
        del options["stdin"]
    return subprocess.run([*at.launcher, str(program), *map(str, arguments)], capture_output=True, **options)


def succeed(program, *arguments, **options):
    """Like run, but the program must exit with 0; returns its standard output."""
    done = run(program, *arguments, **options)
    assert done.returncode == 0, f"{program.name} {arguments} exited with {done.returncode}: {done.stderr.decode()}"
    return done.stdout


def write_ids(path, ids):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(" ".join(map(str, ids)) + "\n")
    return path


def read_ids(raw):
    return [int(word) for word in raw.decode().replace(",", " ").split()]


def generate(program, ids, count, folder, at=None, extra=()):
    """The ids that the program generates greedily after `ids`."""
    file = write_ids(folder / "prompt.ids", ids)
    at = at or base_level()
    return read_ids(
        succeed(
            program, "--prompt-ids", file, "-n", count, "--temperature", 0, "--ids", "--isa", at.name, *extra, at=at
        )
    )


def score(program, ids, folder, at=None, extra=()):
    """Path of the .npy file with the logits of a teacher-forced run: one row for each id behind --prefill."""
    at = at or base_level()
    words = "-".join(re.sub(r"\W+", "", str(word)) for word in extra)
    out = folder / f"{program.name}-{at.name}-{words}.npy"
    file = write_ids(folder / "score.ids", ids)
    succeed(program, "score", "--ids", file, "--logits", out, "--isa", at.name, *extra, at=at)
    return out


def logits(program, ids, folder, at=None, extra=(), rows=None):
    """The logits of `score` as an array; `rows` (default: one for each id) must come."""
    got, rows = np.load(score(program, ids, folder, at, extra)), rows or len(ids)
    assert (
        got.dtype == np.float32 and got.shape[0] == rows
    ), f"{got.dtype} {got.shape}, expected float32 [{rows}, vocab]"
    return got


# -------------------------------------------------------------------------------- goldens
@functools.cache
def goldens(model):
    return json.loads((GOLDENS / f"{model}.json").read_text())


@functools.cache
def golden_logits(model):
    return read_safetensors(GOLDENS / f"{model}.logits.safetensors")


def text_prompts(model):
    return [prompt for prompt in goldens(model)["prompts"] if "media" not in prompt]


@functools.cache
def eval_ids(count, model="tiny-e"):
    """<bos> and the first count - 1 tokens of the evaluation text: longer than several windows of 32."""
    raw = succeed(compile_program(CHECKPOINTS / model), "tokenize", input=(GOLDENS / "eval.txt").read_bytes())
    ids = read_ids(raw)
    assert len(ids) >= count
    return [2, *ids[: count - 1]]


def record(name, value):
    """Adds a measurement to BUILD/tests/integration/measurements.json and prints it."""
    path = OUT / "measurements.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(path.read_text()) if path.exists() else {}
    known[name] = value
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    print(f"{name}: {value}")
