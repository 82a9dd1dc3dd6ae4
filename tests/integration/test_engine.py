"""The rules that every engine keeps (tests/unit/engine), with compiled programs in place of a hand-written one."""

import functools
import os
import re
import subprocess

import pytest

from support import BUILD, CHECKPOINTS, ROOT, base_level, compile_program, gemmac, parameters, require

SUITE = BUILD / "lib" / "libgemmac-engine-suite.a"


@functools.cache
def compiler():
    """The C++ compiler of this build, with the flags of all that it compiles (sanitizers)."""

    def cached(name):
        return re.search(rf"^{name}:\w+=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.M).group(1)

    return [cached("CMAKE_CXX_COMPILER"), *cached("CMAKE_CXX_FLAGS").split()]


def link(objects, out):
    """The suite with the object files of a program, which lie at fixed addresses."""
    subject = ROOT / "tests" / "unit" / "engine" / "CompiledSubject.cpp"
    includes = ["-I", ROOT / "runtime" / "include", "-I", ROOT / "runtime" / "src"]
    suite = ["-Wl,--whole-archive", SUITE, "-Wl,--no-whole-archive", BUILD / "lib" / "libgemmac_runtime_host.a"]
    words = [*compiler(), "-std=c++20", "-no-pie", *includes, subject, *objects, *suite]
    command = [*map(str, words), "-lgtest", "-lgtest_main", "-lpthread", "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


# Rings and the whole context; experts; rounded keys and values; tables that are read row by row; one slot and eight.
SLOTS = ("--slots", "8")
PROGRAMS = [
    ("tiny-e", "q4", SLOTS),
    ("tiny-moe", "q8", (*SLOTS, "--cache", "q8")),
    ("tiny-dense", "bf16", (*SLOTS, "--cache", "q4")),
    ("tiny-e", "f32", ()),
]


@pytest.mark.parametrize("model, weights, extra", parameters(PROGRAMS, lambda model, *_: model != "tiny-dense"))
def test_engines_keep_their_rules(model, weights, extra, tmp_path):
    level = require(base_level())
    if level.launcher:
        pytest.skip("the suite is linked for this machine alone")
    program = compile_program(CHECKPOINTS / model, weights, extra=extra)
    words = ["--emit", "obj", "--target", level.target, "--isa", level.name, "--weights", weights, *extra, "-q"]
    done = gemmac("compile", CHECKPOINTS / model, "-o", tmp_path / "out", *words)
    assert done.returncode == 0, done.stderr
    link(sorted(tmp_path.glob("out.*.o")), tmp_path / "suite")
    done = subprocess.run(
        [str(tmp_path / "suite"), "--gtest_brief=1"],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "GEMMAC_SUBJECT": str(program)},
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
