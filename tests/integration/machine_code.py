"""Calls a function of a program in machine code, without the runtime: an object of one ISA level, linked with
call_function.cpp. Where things lie is read from the plan, a program of the target interp-spmd."""

import re
import shutil
import struct
import subprocess

import numpy as np
import pytest

from support import GEMMAC_INTERP, ROOT, compile_program, gemmac

COMPILERS = {"x86_64": ["g++"], "aarch64": ["aarch64-linux-gnu-g++", "-static"]}


class Plan:
    """A function of a planned program: its memory, inputs and outputs, and the program's data section."""

    def __init__(self, program, function):
        raw = program.read_bytes()
        offset, size = struct.unpack_from("<QQ", raw, 8)
        text = raw[40:offset].split(b"\0")[0].decode()
        self.data = raw[offset : offset + size]
        body = re.search(rf"gemma.function @{function} .*?\n  \}}", text, re.S)[0]
        self.arena = int(re.search(r"arena_bytes (\d+)", body)[1])
        self.scratch = int(re.search(r"gemma.program .*?scratch_bytes (\d+)", text, re.S)[1])
        found = re.finditer(r"(%\w+) = gemma.buffer shared at (\d+)[^:]*: <(\d+) x (\d+), \w+>", body)
        buffers = {one[1]: tuple(map(int, one.groups()[1:])) for one in found}
        values = re.finditer(r'gemma\.(?:input|output) "(\w+)" (%\w+)', body)
        self.values = {one[1]: buffers[one[2]] for one in values}  # offset, rows, width


def link(folder, weights, at, function, extra, work):
    """The function of one level as an executable; skips the test where nothing links for that machine."""
    compiler = COMPILERS[at.target.split("-")[0]]
    if not shutil.which(compiler[0]):
        pytest.skip(f"there is no {compiler[0]}")
    words = ["--target", at.target, "--isa", at.name, "--weights", weights, *extra, "--emit", "obj"]
    done = gemmac("compile", folder, *words, "-o", work / "code", compiler=GEMMAC_INTERP)
    assert done.returncode == 0, done.stderr
    include, symbol = ROOT / "runtime/include", f"gemmac_{function}_{at.name}"
    flags = ["-std=c++20", "-O1", "-pthread", f"-I{include}", f"-DFUNCTION={symbol}"]
    sources = [ROOT / "tests/integration/call_function.cpp", work / f"code.{at.name}.o"]
    subprocess.run([*compiler, *flags, *sources, "-o", work / "call"], check=True)
    return work / "call"


def call_code(folder, weights, at, function, rows, inputs, extra, work):
    """The soft tokens that a function gives with 1, 2 and 3 threads; inputs as test_vision.call takes them."""
    plan = Plan(compile_program(folder, weights, "interp-spmd", extra), function)
    program, given = link(folder, weights, at, function, extra, work), []
    for name, array in inputs.items():
        offset, _, width = plan.values[name]
        padded = np.zeros((len(array), width), array.dtype)
        padded[:, : array.shape[1]] = array
        padded.tofile(work / f"{name}.raw")
        given += [offset, work / f"{name}.raw"]
    (work / "data.raw").write_bytes(plan.data)
    offset, _, width = plan.values["soft_tokens"]
    for threads in (1, 2, 3):
        words = [work / "data.raw", plan.arena, plan.scratch, rows, threads, offset, rows * width * 4, work / "out.raw"]
        subprocess.run([*at.launcher, program, *map(str, [*words, *given])], check=True)
        yield np.fromfile(work / "out.raw", np.float32).reshape(rows, width)
