"""What the end-to-end tests share: where things are, compiling with a cache, running programs at every ISA level."""

import contextlib
import fcntl
import functools
import hashlib
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
GEMMAC_INTERP = BUILD / "bin" / "gemmac-interp"
OUT = BUILD / "tests" / "integration"
CHECKPOINTS = ROOT / "examples" / "checkpoints"
GOLDENS = ROOT / "tests" / "data" / "goldens"
REAL = ROOT / "tests" / "data" / "real"
MODELS = ("tiny-e", "tiny-moe", "tiny-dense")
FORMATS = ("f32", "bf16", "q8", "q6", "q5", "q4", "q3", "q2")
# Every format on one model, the main ones on all.
MODEL_FORMATS = [(m, w) for m in MODELS for w in (FORMATS if m == "tiny-e" else ("f32", "bf16", "q8", "q4"))]
# Of these, what is always run: every format on one model, two on each of the others.
SHORT_FORMATS = {"tiny-e": FORMATS, "tiny-moe": ("f32", "q4"), "tiny-dense": ("f32", "q8")}

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


# What the processor must have for a level, in the words of /proc/cpuinfo, and a model of QEMU 7.2 that has just this
# and nothing of the next level; "" where QEMU emulates no such processor.
AVX2 = ("avx2", "fma", "f16c", "bmi2")
NEEDS = {
    "avx2": (AVX2, "max"),
    "avxvnni": ((*AVX2, "avx_vnni"), ""),
    "avx512": ((*AVX2, "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd", "avx512_vnni"), ""),
    "neon": (("asimd",), "cortex-a53"),
    "dotprod": (("asimd", "asimddp"), "cortex-a76"),
    "i8mm": (("asimd", "asimddp", "i8mm"), "max"),
}


@functools.cache
def machine_flags():
    """What /proc/cpuinfo says that this machine has."""
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return frozenset(found.group(1).split()) if found else frozenset()


def level_at(name, target):
    """A level and how it runs here: natively where the machine has it, else emulated."""
    if name not in NEEDS:
        raise pytest.UsageError(f"gemmac targets lists the level {name!r}: say in NEEDS of {__file__} how it is run")
    flags, model = NEEDS[name]
    architecture = target.split("-")[0]
    lacking = [flag for flag in flags if flag not in machine_flags()]
    if architecture == platform.machine() and not lacking:
        return Level(name, target)
    names = (f"qemu-{architecture}-static", f"qemu-{architecture}")
    emulator = next(filter(None, map(shutil.which, names)), None)
    if model and emulator:
        return Level(name, target, (emulator, "-cpu", model))
    if architecture == platform.machine():
        why = f"this machine has no {' '.join(lacking)}" + (f", and there is no {names[0]}" if model else "")
    else:
        why = f"there is no {names[0]}"
    return Level(name, target, missing=why)


@functools.cache
def levels():
    """All ISA levels of all targets, as `gemmac targets` lists them: the native target's base first."""
    found, target = [], None
    listed = subprocess.run([str(GEMMAC), "targets"], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        if heading := re.match(r"(\S+)", line):
            target = heading.group(1)
        elif named := re.match(r"  (\w+): ", line):
            found.append(level_at(named.group(1), target))
    return tuple(sorted(found, key=lambda one: not one.target.startswith(platform.machine())))


def parameters(cases, short):
    """Cases (tuples) for pytest.mark.parametrize; those for which `short(*case)` is false run only with --long."""
    return [case if short(*case) else pytest.param(*case, marks=pytest.mark.long) for case in map(tuple, cases)]


def alone(values, *short):
    """The same for a single parameter: values that are not among `short` run only with --long."""
    return [value if value in short else pytest.param(value, marks=pytest.mark.long) for value in values]


def in_short(model, weights):
    return weights in SHORT_FORMATS[model]


def takes_turn(at, names, name):
    """Whether it is the turn of `name`: level after level takes one of `names`, so that all of both occur."""
    return names[levels().index(at) % len(names)] == name


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
def gemmac(*arguments, compiler=GEMMAC, **options):
    """Runs gemmac; returns the finished process with text output."""
    options.setdefault("timeout", 300)
    return subprocess.run([str(compiler), *map(str, arguments)], capture_output=True, text=True, **options)


def _stamp(folder, compiler):
    """Changes when the compiler, the runtime libraries that it links or the checkpoint change."""
    parts = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    watched = [compiler, *sorted((BUILD / "lib" / "gemmac").glob("*/*")), *parts]
    return json.dumps([(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in watched])


@contextlib.contextmanager
def locked(path):
    """Only one of the processes that run tests is inside at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_once(folder, write):
    """Lets `write(folder)` make a checkpoint unless the scripts of the tests, as they are, have made it."""
    marker = folder.with_name(f"{folder.name}.written")
    scripts = sorted([*Path(__file__).parent.glob("*.py"), *(ROOT / "tools").glob("*.py")])
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in scripts)).hexdigest()
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not marker.exists() or marker.read_text() != wanted:
            marker.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            write(folder)
            marker.write_text(wanted)
    return folder


@dataclass(frozen=True)
class Compiled:
    """A program, its report (--json-report) and what gemmac printed."""

    program: Path
    report: dict
    printed: str


def compile_with_report(folder, weights="f32", target=None, extra=()):
    """Compiles a checkpoint once per build of gemmac, for all tests and all processes that run them.

    `target` says for what: nothing, for the base level of this machine alone, which is what tests that are not about
    levels want (each level takes as long again); a Level, for it alone; a target's name, for all of its levels. The
    target interp is one of gemmac-interp (tests/interp).
    """
    folder, target = Path(folder), target or base_level()
    compiler = GEMMAC_INTERP if str(target).startswith("interp") else GEMMAC
    places = ["--target", getattr(target, "target", target), *(["--isa", target] if isinstance(target, Level) else [])]
    name = "-".join([folder.name, str(target), weights, *(re.sub(r"[^\w.=]+", "", str(word)) for word in extra)])
    program = OUT / "programs" / name
    report, printed, stamp = (program.with_name(f"{name}.{kind}") for kind in ("json", "printed", "stamp"))
    with locked(program.with_name(f"{name}.lock")):
        current = _stamp(folder, compiler)
        if not (program.exists() and stamp.exists() and stamp.read_text() == current):
            stamp.unlink(missing_ok=True)
            words = ["-o", program, *places, "--weights", weights, "--json-report", report, *extra]
            done = gemmac("compile", folder, *words, compiler=compiler)
            assert done.returncode == 0, f"gemmac exited with {done.returncode}: {done.stderr}"
            printed.write_text(done.stderr)
            stamp.write_text(current)
    return Compiled(program, json.loads(report.read_text()), printed.read_text())


def compile_program(folder, weights="f32", target=None, extra=()):
    """The path of what compile_with_report compiles."""
    return compile_with_report(folder, weights, target, extra).program


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
    assert got.dtype == np.float32 and got.shape[0] == rows, (
        f"{got.dtype} {got.shape}, expected float32 [{rows}, vocab]"
    )
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
    with locked(path.with_name("measurements.lock")):
        known = json.loads(path.read_text()) if path.exists() else {}
        known[name] = value
        path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    print(f"{name}: {value}")
